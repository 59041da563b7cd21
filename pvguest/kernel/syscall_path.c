/* SPDX-License-Identifier: MIT */
/* System calls that open, make, remove and rename by path. */
#include <string.h>

#include <asm/errno.h>
#include <asm/unistd_64.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "clock.h"
#include "file.h"
#include "memory.h"
#include "path.h"
#include "space.h"
#include "syscall.h"

/* A new inode at the end of a walk that found none. */
static int create_at(struct path *path, uint32_t mode, uint32_t rdev, struct inode **created)
{
    if (path->inode || !path->dir)
        return -EEXIST;
    if (path->must_be_dir && !S_ISDIR(mode))
        return -ENOENT;
    struct inode *inode = inode_new(mode);
    if (!inode)
        return -ENOSPC;
    inode->rdev = rdev;
    int error = dir_link(path->dir, path->name, path->length, inode);
    if (error)
        inode_put(inode);
    else
        *created = inode;
    return error;
}

static int open_refused(const struct path *path, unsigned int flags)
{
    const struct inode *inode = path->inode;
    bool writes = (flags & O_ACCMODE) != O_RDONLY;

    if (inode && flags & O_CREAT && flags & O_EXCL)
        return -EEXIST;
    if (!inode)
        return flags & O_CREAT && path->dir ? 0 : -ENOENT;
    if (S_ISLNK(inode->mode) && !(flags & O_PATH))
        return -ELOOP; /* only with O_NOFOLLOW */
    if (inode_is_dir(inode) && (writes || flags & O_CREAT) && !(flags & O_PATH))
        return -EISDIR;
    if (flags & O_DIRECTORY && !inode_is_dir(inode))
        return -ENOTDIR;
    return 0;
}

static long open_path(int dirfd, uint64_t address, unsigned int flags, uint32_t mode)
{
    struct process *process = current_process();
    bool nofollow = flags & O_NOFOLLOW || (flags & O_CREAT && flags & O_EXCL);
    struct file *file = NULL;
    struct path path;
    int error = user_walk(dirfd, address, nofollow ? PATH_NOFOLLOW : 0, &path);

    if (error)
        return error;
    bool created = !path.inode;
    error = open_refused(&path, flags);
    if (!error && created)
        error = create_at(&path, S_IFREG | (mode & 07777 & ~process->umask), 0, &path.inode);
    if (!error)
        error = file_open(path.inode, flags, NULL, &file);
    if (!error && flags & O_TRUNC && S_ISREG(path.inode->mode) && file_is_writable(file))
        inode_truncate(path.inode, 0);
    path_put(&path);
    if (error)
        return error;
    int fd = files_install(process->files, file, 0, flags & O_CLOEXEC);
    if (fd < 0)
        file_put(file);
    return fd;
}

static long sys_open(const struct call *c)
{
    return open_path(AT_FDCWD, c->arg[0], c->arg[1], c->arg[2]);
}

static long sys_openat(const struct call *c)
{
    return open_path(c->arg[0], c->arg[1], c->arg[2], c->arg[3]);
}

static long sys_creat(const struct call *c)
{
    return open_path(AT_FDCWD, c->arg[0], O_CREAT | O_WRONLY | O_TRUNC, c->arg[1]);
}

static long make_node(int dirfd, uint64_t address, uint32_t mode, uint32_t rdev)
{
    struct inode *created = NULL;
    struct path path;
    int error = user_walk(dirfd, address, PATH_NOFOLLOW, &path);

    if (error)
        return error;
    mode = (mode & S_IFMT) | (mode & 07777 & ~current_process()->umask);
    error = create_at(&path, mode, rdev, &created);
    inode_put(created);
    path_put(&path);
    return error;
}

static long sys_mkdir(const struct call *c)
{
    return make_node(AT_FDCWD, c->arg[0], S_IFDIR | (c->arg[1] & 07777), 0);
}

static long sys_mkdirat(const struct call *c)
{
    return make_node(c->arg[0], c->arg[1], S_IFDIR | (c->arg[2] & 07777), 0);
}

static long make_special(int dirfd, uint64_t address, uint32_t mode, uint32_t rdev)
{
    if (!(mode & S_IFMT))
        mode |= S_IFREG;
    if (!S_ISREG(mode) && !S_ISFIFO(mode) && !S_ISCHR(mode) && !S_ISBLK(mode))
        return S_ISDIR(mode) ? -EPERM : -EINVAL;
    return make_node(dirfd, address, mode, S_ISFIFO(mode) || S_ISREG(mode) ? 0 : rdev);
}

static long sys_mknod(const struct call *c)
{
    return make_special(AT_FDCWD, c->arg[0], c->arg[1], c->arg[2]);
}

static long sys_mknodat(const struct call *c)
{
    return make_special(c->arg[0], c->arg[1], c->arg[2], c->arg[3]);
}

static long remove_path(int dirfd, uint64_t address, bool directory)
{
    struct path path;
    int error = user_walk(dirfd, address, PATH_NOFOLLOW, &path);

    if (error)
        return error;
    if (!path.dir)
        error = directory ? (path.inode == root_inode ? -EBUSY : -EINVAL) : -EISDIR;
    else if (!path.inode)
        error = -ENOENT;
    else if (directory && !inode_is_dir(path.inode))
        error = -ENOTDIR;
    else if (!directory && inode_is_dir(path.inode))
        error = -EISDIR;
    else if (directory && path.inode->dir_ops)
        error = -EBUSY; /* /proc stands on it */
    else if (directory && !dir_is_empty(path.inode))
        error = -ENOTEMPTY;
    if (!error)
        error = dir_unlink(path.dir, path.name, path.length);
    path_put(&path);
    return error;
}

static long sys_unlink(const struct call *c)
{
    return remove_path(AT_FDCWD, c->arg[0], false);
}

static long sys_rmdir(const struct call *c)
{
    return remove_path(AT_FDCWD, c->arg[0], true);
}

static long sys_unlinkat(const struct call *c)
{
    return remove_path(c->arg[0], c->arg[1], c->arg[2] & AT_REMOVEDIR);
}

/* Whether `dir` is `inode` or lies below it. */
static bool lies_in(const struct inode *dir, const struct inode *inode)
{
    for (; dir != root_inode; dir = dir->parent)
        if (dir == inode)
            return true;
    return dir == inode;
}

static int rename_refused(const struct path *from, const struct path *to, unsigned int flags)
{
    if (!from->inode)
        return -ENOENT;
    if (!from->dir || !to->dir)
        return -EBUSY;
    if (from->dir->dir_ops || to->dir->dir_ops)
        return -EPERM;
    if ((to->must_be_dir || from->must_be_dir) && !inode_is_dir(from->inode))
        return -ENOTDIR;
    if (inode_is_dir(from->inode) && lies_in(to->dir, from->inode))
        return -EINVAL;
    if (!to->inode)
        return 0;
    if (flags & RENAME_NOREPLACE)
        return -EEXIST;
    if (inode_is_dir(to->inode) != inode_is_dir(from->inode))
        return inode_is_dir(to->inode) ? -EISDIR : -ENOTDIR;
    if (inode_is_dir(to->inode) && !dir_is_empty(to->inode))
        return -ENOTEMPTY;
    return 0;
}

static long rename_path(int from_fd, uint64_t from_path, int to_fd, uint64_t to_path,
                        unsigned int flags)
{
    struct path *paths = kmalloc(2 * sizeof(*paths));

    if (!paths)
        return -ENOMEM;
    struct path *from = &paths[0], *to = &paths[1];
    int error = flags & ~RENAME_NOREPLACE ? -EINVAL : 0;
    if (!error)
        error = user_walk(from_fd, from_path, PATH_NOFOLLOW, from);
    if (!error) {
        error = user_walk(to_fd, to_path, PATH_NOFOLLOW, to);
        if (!error) {
            error = rename_refused(from, to, flags);
            if (!error && from->inode != to->inode) {
                if (to->inode)
                    dir_unlink(to->dir, to->name, to->length);
                error = dir_link(to->dir, to->name, to->length, from->inode);
                if (!error)
                    dir_unlink(from->dir, from->name, from->length);
            }
            path_put(to);
        }
        path_put(from);
    }
    kfree(paths);
    return error;
}

static long sys_rename(const struct call *c)
{
    return rename_path(AT_FDCWD, c->arg[0], AT_FDCWD, c->arg[1], 0);
}

static long sys_renameat(const struct call *c)
{
    return rename_path(c->arg[0], c->arg[1], c->arg[2], c->arg[3], 0);
}

static long sys_renameat2(const struct call *c)
{
    return rename_path(c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4]);
}

static long link_path(int from_fd, uint64_t from, int to_fd, uint64_t to, unsigned int flags)
{
    struct inode *inode;
    struct path path;
    unsigned int lookup = flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW;
    int error = user_lookup(from_fd, from, lookup | (flags & AT_EMPTY_PATH), &inode);

    if (error)
        return error;
    error = user_walk(to_fd, to, PATH_NOFOLLOW, &path);
    if (!error) {
        if (inode_is_dir(inode))
            error = -EPERM;
        else if (path.inode || !path.dir)
            error = -EEXIST;
        else
            error = dir_link(path.dir, path.name, path.length, inode);
        path_put(&path);
    }
    inode_put(inode);
    return error;
}

static long sys_link(const struct call *c)
{
    return link_path(AT_FDCWD, c->arg[0], AT_FDCWD, c->arg[1], 0);
}

static long sys_linkat(const struct call *c)
{
    return link_path(c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4]);
}

static long make_symlink(uint64_t target, int dirfd, uint64_t address)
{
    struct inode *inode = NULL;
    struct path path;
    char *text;
    int error = user_string(target, &text);

    if (error)
        return error;
    size_t length = strlen(text);
    error = length ? user_walk(dirfd, address, PATH_NOFOLLOW, &path) : -ENOENT;
    if (!error) {
        char *copy = kmalloc(length + 1);
        error = copy ? create_at(&path, S_IFLNK | 0777, 0, &inode) : -ENOSPC;
        if (error) {
            kfree(copy);
        } else {
            memcpy(copy, text, length + 1);
            inode->target = copy;
            inode->size = length;
            inode_put(inode);
        }
        path_put(&path);
    }
    page_free(text);
    return error;
}

static long sys_symlink(const struct call *c)
{
    return make_symlink(c->arg[0], AT_FDCWD, c->arg[1]);
}

static long sys_symlinkat(const struct call *c)
{
    return make_symlink(c->arg[0], c->arg[1], c->arg[2]);
}

const struct call_entry path_calls[] = {
    {__NR_open, sys_open, RESTART_FLAG},
    {__NR_openat, sys_openat, RESTART_FLAG},
    {__NR_creat, sys_creat, RESTART_FLAG},
    {__NR_mkdir, sys_mkdir, RESTART_NEVER},
    {__NR_mkdirat, sys_mkdirat, RESTART_NEVER},
    {__NR_mknod, sys_mknod, RESTART_NEVER},
    {__NR_mknodat, sys_mknodat, RESTART_NEVER},
    {__NR_unlink, sys_unlink, RESTART_NEVER},
    {__NR_rmdir, sys_rmdir, RESTART_NEVER},
    {__NR_unlinkat, sys_unlinkat, RESTART_NEVER},
    {__NR_rename, sys_rename, RESTART_NEVER},
    {__NR_renameat, sys_renameat, RESTART_NEVER},
    {__NR_renameat2, sys_renameat2, RESTART_NEVER},
    {__NR_link, sys_link, RESTART_NEVER},
    {__NR_linkat, sys_linkat, RESTART_NEVER},
    {__NR_symlink, sys_symlink, RESTART_NEVER},
    {__NR_symlinkat, sys_symlinkat, RESTART_NEVER},
    {0},
};
