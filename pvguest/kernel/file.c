/* SPDX-License-Identifier: MIT */
/*
 * Open files and descriptor tables; see file.h. Regular files and directories are served here,
 * everything else by the file_ops of its inode.
 */
#include "file.h"

#include <string.h>

#include <asm/errno.h>
#include <linux/fs.h>
#include <linux/poll.h>

#include "device.h"
#include "memory.h"
#include "pipe.h"

#define CREATION_FLAGS                                                                             \
    (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW)

static long regular_read(struct file *file, struct iov_iter *to, uint64_t *pos)
{
    long done = inode_read(file->inode, to, *pos);

    if (done > 0)
        *pos += done;
    return done;
}

static long regular_write(struct file *file, struct iov_iter *from, uint64_t *pos)
{
    if (file->flags & O_APPEND)
        *pos = file->inode->size;
    long done = inode_write(file->inode, from, *pos);
    if (done > 0)
        *pos += done;
    return done;
}

static const struct file_ops regular_ops = {.read = regular_read, .write = regular_write};
static const struct file_ops directory_ops = {.open = NULL};

static const struct file_ops *ops_of(struct inode *inode)
{
    if (inode->file_ops)
        return inode->file_ops;
    switch (inode->mode & S_IFMT) {
    case S_IFREG:
        return &regular_ops;
    case S_IFDIR:
        return &directory_ops;
    case S_IFIFO:
        return &fifo_ops;
    case S_IFCHR:
        return device_ops(inode->rdev);
    }
    return NULL;
}

int file_open(struct inode *inode, unsigned int flags, const struct file_ops *ops,
              struct file **opened)
{
    if (!ops)
        ops = flags & O_PATH ? &directory_ops : ops_of(inode);
    if (!ops)
        return -ENXIO;
    struct file *file = kmalloc(sizeof(*file));
    if (!file)
        return -ENOMEM;
    *file = (struct file){.refs = 1, .flags = flags & ~CREATION_FLAGS, .ops = ops};
    file->inode = inode_get(inode);
    int error = ops->open ? ops->open(file) : 0;
    if (error) {
        inode_put(inode);
        kfree(file);
        return error;
    }
    *opened = file;
    return 0;
}

struct file *file_get(struct file *file)
{
    file->refs++;
    return file;
}

void file_put(struct file *file)
{
    if (!file || --file->refs)
        return;
    if (file->ops->release)
        file->ops->release(file);
    inode_put(file->inode);
    kfree(file);
}

long file_read(struct file *file, struct iov_iter *to, uint64_t *pos)
{
    if (!file_is_readable(file))
        return -EBADF;
    if (inode_is_dir(file->inode))
        return -EISDIR;
    if (!to->count)
        return 0;
    return file->ops->read ? file->ops->read(file, to, pos) : -EINVAL;
}

long file_write(struct file *file, struct iov_iter *from, uint64_t *pos)
{
    if (!file_is_writable(file))
        return -EBADF;
    if (!from->count)
        return 0;
    return file->ops->write ? file->ops->write(file, from, pos) : -EINVAL;
}

long file_seek(struct file *file, int64_t offset, int whence)
{
    int64_t base;

    if (file->ops->stream)
        return -ESPIPE;
    switch (whence) {
    case SEEK_SET:
        base = 0;
        break;
    case SEEK_CUR:
        base = file->pos;
        break;
    case SEEK_END:
        base = file->inode->size;
        break;
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, offset, &base) || base < 0)
        return -EINVAL;
    file->pos = base;
    return base;
}

unsigned int file_poll(struct file *file)
{
    return file->ops->poll ? file->ops->poll(file) : POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
}

struct files *files_new(void)
{
    struct files *files = kmalloc(sizeof(*files));

    if (files) {
        memset(files, 0, sizeof(*files));
        files->refs = 1;
    }
    return files;
}

struct files *files_copy(struct files *from)
{
    struct files *files = kmalloc(sizeof(*files));

    if (!files)
        return NULL;
    *files = *from;
    files->refs = 1;
    for (unsigned int fd = 0; fd < FILES_MAX; fd++)
        if (files->open[fd])
            file_get(files->open[fd]);
    return files;
}

void files_put(struct files *files)
{
    if (!files || --files->refs)
        return;
    for (unsigned int fd = 0; fd < FILES_MAX; fd++)
        file_put(files->open[fd]);
    kfree(files);
}

int files_install(struct files *files, struct file *file, unsigned int from, bool cloexec)
{
    for (unsigned int fd = from; fd < FILES_MAX; fd++) {
        if (files->open[fd])
            continue;
        files->open[fd] = file;
        files_set_cloexec(files, fd, cloexec);
        return fd;
    }
    return -EMFILE;
}

void files_replace(struct files *files, unsigned int fd, struct file *file, bool cloexec)
{
    struct file *old = files->open[fd];

    files->open[fd] = file;
    files_set_cloexec(files, fd, cloexec);
    file_put(old);
}

struct file *files_at(struct files *files, unsigned int fd)
{
    return fd < FILES_MAX ? files->open[fd] : NULL;
}

int files_close(struct files *files, unsigned int fd)
{
    if (!files_at(files, fd))
        return -EBADF;
    files_replace(files, fd, NULL, false);
    return 0;
}

void files_close_on_exec(struct files *files)
{
    for (unsigned int fd = 0; fd < FILES_MAX; fd++)
        if (files_cloexec(files, fd))
            files_close(files, fd);
}

bool files_cloexec(const struct files *files, unsigned int fd)
{
    return files->cloexec[fd / 8] >> fd % 8 & 1;
}

void files_set_cloexec(struct files *files, unsigned int fd, bool set)
{
    uint8_t bit = 1u << fd % 8;

    files->cloexec[fd / 8] = (files->cloexec[fd / 8] & ~bit) | (set ? bit : 0);
}
