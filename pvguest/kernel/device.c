/* SPDX-License-Identifier: MIT */
/*
 * The character devices, numbered as in Linux's Documentation/admin-guide/devices.txt. kmsg takes
 * lines for the kernel's log; there is no log to read back, so reading it is always at the end.
 */
#include "device.h"

#include <string.h>

#include <asm/errno.h>
#include <linux/poll.h>

#include "file.h"
#include "memory.h"
#include "path.h"
#include "print.h"
#include "process.h"
#include "tty.h"

static long null_read(struct file *file, struct iov_iter *to, uint64_t *pos)
{
    (void)file, (void)to, (void)pos;
    return 0;
}

static long null_write(struct file *file, struct iov_iter *from, uint64_t *pos)
{
    (void)file, (void)pos;
    return from->count;
}

static long zero_read(struct file *file, struct iov_iter *to, uint64_t *pos)
{
    (void)file, (void)pos;
    size_t done = zero_to_iter(to, to->count);
    return done || !to->fault ? (long)done : -EFAULT;
}

static long full_write(struct file *file, struct iov_iter *from, uint64_t *pos)
{
    (void)file, (void)from, (void)pos;
    return -ENOSPC;
}

static long random_read(struct file *file, struct iov_iter *to, uint64_t *pos)
{
    char bytes[256];
    size_t done = 0;

    (void)file, (void)pos;
    while (to->count && !to->fault) {
        size_t n = to->count < sizeof(bytes) ? to->count : sizeof(bytes);
        random_bytes(bytes, n);
        done += copy_to_iter(to, bytes, n);
    }
    return done || !to->fault ? (long)done : -EFAULT;
}

static long kmsg_write(struct file *file, struct iov_iter *from, uint64_t *pos)
{
    char line[240];
    size_t total = from->count, n = copy_from_iter(from, line, sizeof(line) - 1);

    (void)file, (void)pos;
    if (from->fault)
        return -EFAULT;
    line[n] = '\0';
    if (n && line[n - 1] == '\n')
        line[n - 1] = '\0';
    kprintf("%s\n", line);
    return total;
}

/* /dev/tty is the terminal of the caller's session, if it has one. */
static int tty_open_own(struct file *file)
{
    if (!tty_is_controlling(current_process()->sid))
        return -ENXIO;
    file->ops = &tty_ops;
    return 0;
}

static const struct file_ops null_ops = {.read = null_read, .write = null_write};
static const struct file_ops zero_ops = {.read = zero_read, .write = null_write};
static const struct file_ops full_ops = {.read = zero_read, .write = full_write};
static const struct file_ops random_ops = {.read = random_read, .write = null_write};
static const struct file_ops kmsg_ops = {.read = null_read, .write = kmsg_write};
static const struct file_ops own_tty_ops = {.open = tty_open_own, .stream = true};

static const struct device {
    uint8_t major, minor;
    uint16_t mode;
    const char *name;
    const struct file_ops *ops;
} devices[] = {
    {1, 3, 0666, "null", &null_ops},      {1, 5, 0666, "zero", &zero_ops},
    {1, 7, 0666, "full", &full_ops},      {1, 8, 0666, "random", &random_ops},
    {1, 9, 0666, "urandom", &random_ops}, {1, 11, 0644, "kmsg", &kmsg_ops},
    {5, 0, 0666, "tty", &own_tty_ops},    {5, 1, 0600, "console", &tty_ops},
};

static const struct {
    const char *name, *target;
} links[] = {
    {"fd", "/proc/self/fd"},
    {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"},
};

#define DEVICES (sizeof(devices) / sizeof(devices[0]))

const struct file_ops *device_ops(uint32_t rdev)
{
    for (size_t i = 0; i < DEVICES; i++)
        if (rdev == (uint32_t)(devices[i].major << 8 | devices[i].minor))
            return devices[i].ops;
    return NULL;
}

static struct inode *make_directory(struct inode *parent, const char *name)
{
    struct inode *inode = NULL;

    if (!dir_lookup(parent, name, strlen(name), &inode))
        return inode;
    inode = inode_new(S_IFDIR | 0755);
    if (inode)
        dir_link(parent, name, strlen(name), inode);
    return inode;
}

static void make_link(struct inode *parent, const char *name, const char *target)
{
    struct inode *inode = inode_new(S_IFLNK | 0777);
    char *copy = kmalloc(strlen(target) + 1);

    if (inode && copy) {
        inode->target = strcpy(copy, target);
        inode->size = strlen(target);
        dir_link(parent, name, strlen(name), inode); /* or it is there */
    } else {
        kfree(copy);
    }
    inode_put(inode);
}

void device_make_nodes(void)
{
    struct inode *dev = make_directory(root_inode, "dev");

    for (size_t i = 0; dev && i < DEVICES; i++) {
        struct inode *inode = inode_new(S_IFCHR | devices[i].mode);
        if (!inode)
            break;
        inode->rdev = devices[i].major << 8 | devices[i].minor;
        dir_link(dev, devices[i].name, strlen(devices[i].name), inode); /* or it is there */
        inode_put(inode);
    }
    for (size_t i = 0; dev && i < sizeof(links) / sizeof(links[0]); i++)
        make_link(dev, links[i].name, links[i].target);
    inode_put(dev);
}
