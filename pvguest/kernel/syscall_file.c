/* SPDX-License-Identifier: MIT */
/* System calls on open files: reading, writing, seeking, descriptors, pipes. */
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/unistd_64.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "file.h"
#include "iov.h"
#include "memory.h"
#include "pipe.h"
#include "space.h"
#include "syscall.h"

#define RW_MAX 0x7ffff000ul /* the most a read or write moves, as on Linux */

static struct file *file_at(uint64_t fd)
{
    return files_at(current_process()->files, fd < FILES_MAX ? fd : FILES_MAX);
}

enum direction { INTO_USER, FROM_USER };

/* A read or write with the file's own position (pos NULL) or with the one given. */
static long transfer(struct file *file, enum direction direction, const struct iovec *vec,
                     unsigned int segments, uint64_t *pos)
{
    struct iov_iter iter;

    if (!file)
        return -EBADF;
    if (pos && file->ops->stream)
        return -ESPIPE;
    if (pos && (int64_t)*pos < 0)
        return -EINVAL;
    iov_iter_init(&iter, true, vec, segments);
    file_get(file); /* another process of a shared table may close it meanwhile */
    if (!pos)
        pos = &file->pos;
    long done = direction == INTO_USER ? file_read(file, &iter, pos) : file_write(file, &iter, pos);
    file_put(file);
    return done;
}

static long transfer_one(const struct call *c, enum direction direction, uint64_t *pos)
{
    size_t count = c->arg[2] < RW_MAX ? c->arg[2] : RW_MAX;
    struct iovec vec = {.iov_base = (void *)c->arg[1], .iov_len = count};

    return transfer(file_at(c->arg[0]), direction, &vec, 1, pos);
}

static long sys_read(const struct call *c)
{
    return transfer_one(c, INTO_USER, NULL);
}

static long sys_write(const struct call *c)
{
    return transfer_one(c, FROM_USER, NULL);
}

static long sys_pread64(const struct call *c)
{
    uint64_t pos = c->arg[3];
    return transfer_one(c, INTO_USER, &pos);
}

static long sys_pwrite64(const struct call *c)
{
    uint64_t pos = c->arg[3];
    return transfer_one(c, FROM_USER, &pos);
}

static long transfer_many(const struct call *c, enum direction direction, uint64_t *pos)
{
    uint64_t segments = c->arg[2];
    size_t total = 0;

    if (segments > UIO_MAXIOV)
        return -EINVAL;
    struct iovec *vec = kmalloc(segments * sizeof(*vec) + 1);
    if (!vec)
        return -ENOMEM;
    long result = copy_from_user(vec, c->arg[1], segments * sizeof(*vec)) ? -EFAULT : 0;
    for (uint64_t i = 0; !result && i < segments; i++) {
        if ((int64_t)vec[i].iov_len < 0)
            result = -EINVAL;
        if (vec[i].iov_len > RW_MAX - total)
            vec[i].iov_len = RW_MAX - total;
        total += vec[i].iov_len;
    }
    if (!result)
        result = transfer(file_at(c->arg[0]), direction, vec, segments, pos);
    kfree(vec);
    return result;
}

static long sys_readv(const struct call *c)
{
    return transfer_many(c, INTO_USER, NULL);
}

static long sys_writev(const struct call *c)
{
    return transfer_many(c, FROM_USER, NULL);
}

static long sys_preadv(const struct call *c)
{
    uint64_t pos = c->arg[3];
    return transfer_many(c, INTO_USER, &pos);
}

static long sys_pwritev(const struct call *c)
{
    uint64_t pos = c->arg[3];
    return transfer_many(c, FROM_USER, &pos);
}

static long sys_lseek(const struct call *c)
{
    struct file *file = file_at(c->arg[0]);
    return file ? file_seek(file, c->arg[1], c->arg[2]) : -EBADF;
}

static long sys_close(const struct call *c)
{
    return c->arg[0] < FILES_MAX ? files_close(current_process()->files, c->arg[0]) : -EBADF;
}

static long duplicate(uint64_t fd, uint64_t from, bool cloexec)
{
    struct file *file = file_at(fd);

    if (!file)
        return -EBADF;
    if (from >= FILES_MAX)
        return -EINVAL;
    int new = files_install(current_process()->files, file, from, cloexec);
    if (new >= 0)
        file_get(file);
    return new;
}

static long sys_dup(const struct call *c)
{
    return duplicate(c->arg[0], 0, false);
}

static long duplicate_to(uint64_t fd, uint64_t to, bool cloexec)
{
    struct file *file = file_at(fd);

    if (!file || to >= FILES_MAX)
        return -EBADF;
    if (fd != to)
        files_replace(current_process()->files, to, file_get(file), cloexec);
    return to;
}

static long sys_dup2(const struct call *c)
{
    return duplicate_to(c->arg[0], c->arg[1], false);
}

static long sys_dup3(const struct call *c)
{
    if (c->arg[0] == c->arg[1] || c->arg[2] & ~(uint64_t)O_CLOEXEC)
        return -EINVAL;
    return duplicate_to(c->arg[0], c->arg[1], c->arg[2]);
}

static long sys_fcntl(const struct call *c)
{
    const unsigned int settable = O_APPEND | O_NONBLOCK;
    struct files *files = current_process()->files;
    struct file *file = file_at(c->arg[0]);

    if (!file)
        return -EBADF;
    switch (c->arg[1]) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate(c->arg[0], c->arg[2], c->arg[1] == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return files_cloexec(files, c->arg[0]) ? FD_CLOEXEC : 0;
    case F_SETFD:
        files_set_cloexec(files, c->arg[0], c->arg[2] & FD_CLOEXEC);
        return 0;
    case F_GETFL:
        return file->flags | O_LARGEFILE;
    case F_SETFL:
        file->flags = (file->flags & ~settable) | (c->arg[2] & settable);
        return 0;
    }
    return -EINVAL;
}

static long sys_ioctl(const struct call *c)
{
    struct file *file = file_at(c->arg[0]);
    uint32_t command = c->arg[1];
    int on;

    if (!file)
        return -EBADF;
    switch (command) {
    case FIOCLEX:
    case FIONCLEX:
        files_set_cloexec(current_process()->files, c->arg[0], command == FIOCLEX);
        return 0;
    case FIONBIO:
        if (copy_from_user(&on, c->arg[2], sizeof(on)))
            return -EFAULT;
        file->flags = on ? file->flags | O_NONBLOCK : file->flags & ~O_NONBLOCK;
        return 0;
    }
    return file->ops->ioctl ? file->ops->ioctl(file, command, c->arg[2]) : -ENOTTY;
}

static long make_pipe(uint64_t address, uint64_t flags)
{
    struct files *files = current_process()->files;
    struct file *end[2];
    int fd[2];

    if (flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    int error = pipe_create(flags & O_NONBLOCK, &end[0], &end[1]);
    if (error)
        return error;
    fd[0] = files_install(files, end[0], 0, flags & O_CLOEXEC);
    fd[1] = fd[0] < 0 ? fd[0] : files_install(files, end[1], 0, flags & O_CLOEXEC);
    if (fd[1] >= 0 && !copy_to_user(address, fd, sizeof(fd)))
        return 0;
    error = fd[1] < 0 ? fd[1] : -EFAULT;
    for (int i = 0; i < 2; i++) {
        if (fd[i] < 0)
            file_put(end[i]);
        else
            files_close(files, fd[i]);
    }
    return error;
}

static long sys_pipe(const struct call *c)
{
    return make_pipe(c->arg[0], 0);
}

static long sys_pipe2(const struct call *c)
{
    return make_pipe(c->arg[0], c->arg[1]);
}

static long sys_ftruncate(const struct call *c)
{
    struct file *file = file_at(c->arg[0]);

    if (!file)
        return -EBADF;
    if (!file_is_writable(file) || !S_ISREG(file->inode->mode) || (int64_t)c->arg[1] < 0)
        return -EINVAL;
    return inode_truncate(file->inode, c->arg[1]);
}

/* Everything is in memory: there is nothing to write back. */
static long sys_fsync(const struct call *c)
{
    return file_at(c->arg[0]) ? 0 : -EBADF;
}

const struct call_entry file_calls[] = {
    {__NR_read, sys_read, RESTART_FLAG},
    {__NR_write, sys_write, RESTART_FLAG},
    {__NR_pread64, sys_pread64, RESTART_FLAG},
    {__NR_pwrite64, sys_pwrite64, RESTART_FLAG},
    {__NR_readv, sys_readv, RESTART_FLAG},
    {__NR_writev, sys_writev, RESTART_FLAG},
    {__NR_preadv, sys_preadv, RESTART_FLAG},
    {__NR_pwritev, sys_pwritev, RESTART_FLAG},
    {__NR_lseek, sys_lseek, RESTART_NEVER},
    {__NR_close, sys_close, RESTART_NEVER},
    {__NR_dup, sys_dup, RESTART_NEVER},
    {__NR_dup2, sys_dup2, RESTART_NEVER},
    {__NR_dup3, sys_dup3, RESTART_NEVER},
    {__NR_fcntl, sys_fcntl, RESTART_FLAG},
    {__NR_ioctl, sys_ioctl, RESTART_FLAG},
    {__NR_pipe, sys_pipe, RESTART_NEVER},
    {__NR_pipe2, sys_pipe2, RESTART_NEVER},
    {__NR_ftruncate, sys_ftruncate, RESTART_NEVER},
    {__NR_fsync, sys_fsync, RESTART_NEVER},
    {__NR_fdatasync, sys_fsync, RESTART_NEVER},
    {0},
};
