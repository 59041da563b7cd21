/* SPDX-License-Identifier: MIT */
/* System calls on directories: listing them, and the working directory. */
#include <string.h>

#include <asm/errno.h>
#include <asm/unistd_64.h>
#include <linux/fcntl.h>

#include "file.h"
#include "memory.h"
#include "path.h"
#include "space.h"
#include "syscall.h"

/* struct linux_dirent64 of getdents64(2), which no uapi header declares. */
struct dirent64 {
    uint64_t ino;
    int64_t next;
    uint16_t length;
    uint8_t type; /* S_IFMT of the mode, shifted down: DT_REG and so on */
    char name[];
} __attribute__((packed));

static size_t fill_dirent(struct dirent64 *entry, const struct dirent_info *info, uint64_t next)
{
    size_t length = sizeof(*entry) + info->length + 1;

    length = (length + 7) & ~7ul;
    memset(entry, 0, length);
    entry->ino = info->ino;
    entry->next = next;
    entry->length = length;
    entry->type = (info->mode & S_IFMT) >> 12;
    memcpy(entry->name, info->name, info->length);
    return length;
}

struct listing {
    struct dirent_info info;
    struct dirent64 entry;
    char name[NAME_MAX + 9];
};

static long list(struct file *file, struct listing *listing, uint64_t buffer, uint64_t size)
{
    size_t done = 0;

    for (;;) {
        uint64_t pos = file->pos;
        if (dir_readdir(file->inode, &pos, &listing->info) <= 0)
            return done;
        size_t length = fill_dirent(&listing->entry, &listing->info, pos);
        if (length > size - done)
            return done ? (long)done : -EINVAL;
        if (copy_to_user(buffer + done, &listing->entry, length))
            return done ? (long)done : -EFAULT;
        done += length;
        file->pos = pos;
    }
}

static long sys_getdents64(const struct call *c)
{
    struct file *file = files_at(current_process()->files, c->arg[0]);

    if (!file)
        return -EBADF;
    if (!inode_is_dir(file->inode))
        return -ENOTDIR;
    struct listing *listing = kmalloc(sizeof(*listing));
    if (!listing)
        return -ENOMEM;
    long result = list(file, listing, c->arg[1], c->arg[2]);
    kfree(listing);
    return result;
}

static long sys_getcwd(const struct call *c)
{
    char *page = page_alloc();

    if (!page)
        return -ENOMEM;
    size_t size = c->arg[1] < PATH_MAX ? c->arg[1] : PATH_MAX;
    long length = path_of_dir(current_process()->cwd, page, size);
    if (length > 0 && copy_to_user(c->arg[0], page, length))
        length = -EFAULT;
    page_free(page);
    return length;
}

/* Moves the working directory; takes over the reference. */
static long change_directory(struct inode *inode)
{
    struct process *process = current_process();

    if (!inode_is_dir(inode)) {
        inode_put(inode);
        return -ENOTDIR;
    }
    inode_put(process->cwd);
    process->cwd = inode;
    return 0;
}

static long sys_chdir(const struct call *c)
{
    struct inode *inode;
    int error = user_lookup(AT_FDCWD, c->arg[0], 0, &inode);

    return error ? error : change_directory(inode);
}

static long sys_fchdir(const struct call *c)
{
    struct file *file = files_at(current_process()->files, c->arg[0]);

    return file ? change_directory(inode_get(file->inode)) : -EBADF;
}

const struct call_entry dir_calls[] = {
    {__NR_getdents64, sys_getdents64, RESTART_NEVER},
    {__NR_getcwd, sys_getcwd, RESTART_NEVER},
    {__NR_chdir, sys_chdir, RESTART_NEVER},
    {__NR_fchdir, sys_fchdir, RESTART_NEVER},
    {0},
};
