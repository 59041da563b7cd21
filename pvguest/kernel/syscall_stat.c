/* SPDX-License-Identifier: MIT */
/* System calls that ask about files and change their attributes; directories and their listing. */
#include <string.h>

#include <asm/errno.h>
#include <asm/statfs.h>
#include <asm/unistd_64.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/time_types.h>

#include "clock.h"
#include "file.h"
#include "memory.h"
#include "path.h"
#include "space.h"
#include "syscall.h"

#define UTIME_NOW 0x3fffffffl /* utimensat(2); in no uapi header */
#define UTIME_OMIT 0x3ffffffel

static long stat_to_user(struct inode *inode, uint64_t address)
{
    struct stat st;

    inode_stat(inode, &st);
    return copy_to_user(address, &st, sizeof(st)) ? -EFAULT : 0;
}

static long stat_path(int dirfd, uint64_t path, unsigned int at_flags, uint64_t address)
{
    struct inode *inode;
    long error = user_lookup(dirfd, path, at_flags, &inode);

    if (error)
        return error;
    error = stat_to_user(inode, address);
    inode_put(inode);
    return error;
}

static long sys_stat(const struct call *c)
{
    return stat_path(AT_FDCWD, c->arg[0], 0, c->arg[1]);
}

static long sys_lstat(const struct call *c)
{
    return stat_path(AT_FDCWD, c->arg[0], AT_SYMLINK_NOFOLLOW, c->arg[1]);
}

static long sys_newfstatat(const struct call *c)
{
    return stat_path(c->arg[0], c->arg[1], c->arg[3], c->arg[2]);
}

static long sys_fstat(const struct call *c)
{
    struct file *file = files_at(current_process()->files, c->arg[0]);
    return file ? stat_to_user(file->inode, c->arg[1]) : -EBADF;
}

static struct statx_timestamp statx_time(uint64_t ns)
{
    return (struct statx_timestamp){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

static long sys_statx(const struct call *c)
{
    struct inode *inode;
    struct statx stx;
    struct stat st;
    long error = user_lookup(c->arg[0], c->arg[1], c->arg[2], &inode);

    if (error)
        return error;
    inode_stat(inode, &st);
    memset(&stx, 0, sizeof(stx));
    stx.stx_mask = STATX_BASIC_STATS;
    stx.stx_blksize = st.st_blksize;
    stx.stx_nlink = st.st_nlink;
    stx.stx_mode = st.st_mode;
    stx.stx_uid = st.st_uid;
    stx.stx_gid = st.st_gid;
    stx.stx_ino = st.st_ino;
    stx.stx_size = st.st_size;
    stx.stx_blocks = st.st_blocks;
    stx.stx_rdev_major = st.st_rdev >> 8;
    stx.stx_rdev_minor = st.st_rdev & 0xff;
    stx.stx_dev_minor = st.st_dev;
    stx.stx_atime = statx_time(inode->atime);
    stx.stx_mtime = statx_time(inode->mtime);
    stx.stx_ctime = statx_time(inode->ctime);
    inode_put(inode);
    return copy_to_user(c->arg[4], &stx, sizeof(stx)) ? -EFAULT : 0;
}

/* Root may do anything, except run what nobody may run. */
static long access_path(int dirfd, uint64_t path, unsigned int mode, unsigned int at_flags)
{
    struct inode *inode;
    long error = mode & ~7u ? -EINVAL : user_lookup(dirfd, path, at_flags, &inode);

    if (error)
        return error;
    if (mode & 1 && !inode_is_dir(inode) && !(inode->mode & 0111))
        error = -EACCES;
    inode_put(inode);
    return error;
}

static long sys_access(const struct call *c)
{
    return access_path(AT_FDCWD, c->arg[0], c->arg[1], 0);
}

static long sys_faccessat(const struct call *c)
{
    return access_path(c->arg[0], c->arg[1], c->arg[2], 0);
}

static long sys_faccessat2(const struct call *c)
{
    return access_path(c->arg[0], c->arg[1], c->arg[2], c->arg[3]);
}

/* The changes that attributes take; `inode` loses its reference. */
static long change_mode(struct inode *inode, uint32_t mode)
{
    inode->mode = (inode->mode & S_IFMT) | (mode & 07777);
    inode->ctime = clock_wall_ns();
    inode_put(inode);
    return 0;
}

static long change_owner(struct inode *inode, uint32_t uid, uint32_t gid)
{
    if (uid != (uint32_t)-1)
        inode->uid = uid;
    if (gid != (uint32_t)-1)
        inode->gid = gid;
    inode->ctime = clock_wall_ns();
    inode_put(inode);
    return 0;
}

static struct inode *inode_of(uint64_t fd)
{
    struct file *file = files_at(current_process()->files, fd);
    return file ? inode_get(file->inode) : NULL;
}

static long sys_chmod(const struct call *c)
{
    struct inode *inode;
    int error = user_lookup(AT_FDCWD, c->arg[0], 0, &inode);
    return error ? error : change_mode(inode, c->arg[1]);
}

static long sys_fchmodat(const struct call *c)
{
    struct inode *inode;
    int error = user_lookup(c->arg[0], c->arg[1], 0, &inode);
    return error ? error : change_mode(inode, c->arg[2]);
}

static long sys_fchmod(const struct call *c)
{
    struct inode *inode = inode_of(c->arg[0]);
    return inode ? change_mode(inode, c->arg[1]) : -EBADF;
}

static long chown_path(int dirfd, uint64_t path, uint32_t uid, uint32_t gid, unsigned int at_flags)
{
    struct inode *inode;
    int error = user_lookup(dirfd, path, at_flags, &inode);
    return error ? error : change_owner(inode, uid, gid);
}

static long sys_chown(const struct call *c)
{
    return chown_path(AT_FDCWD, c->arg[0], c->arg[1], c->arg[2], 0);
}

static long sys_lchown(const struct call *c)
{
    return chown_path(AT_FDCWD, c->arg[0], c->arg[1], c->arg[2], AT_SYMLINK_NOFOLLOW);
}

static long sys_fchownat(const struct call *c)
{
    return chown_path(c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4]);
}

static long sys_fchown(const struct call *c)
{
    struct inode *inode = inode_of(c->arg[0]);
    return inode ? change_owner(inode, c->arg[1], c->arg[2]) : -EBADF;
}

/* One of the two times of utimensat: now, left as it is, or given. */
static int set_time(uint64_t *to, const struct __kernel_timespec *time)
{
    if (time->tv_nsec == UTIME_OMIT)
        return 0;
    if (time->tv_nsec == UTIME_NOW)
        *to = clock_wall_ns();
    else if (time->tv_nsec < 0 || time->tv_nsec > 999999999 || time->tv_sec < 0)
        return -EINVAL;
    else
        *to = time->tv_sec * 1000000000ull + time->tv_nsec;
    return 0;
}

static long sys_utimensat(const struct call *c)
{
    struct __kernel_timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    struct inode *inode;
    long error = 0;

    if (c->arg[2] && copy_from_user(times, c->arg[2], sizeof(times)))
        return -EFAULT;
    if (c->arg[1])
        error = user_lookup(c->arg[0], c->arg[1], c->arg[3], &inode);
    else if (!(inode = inode_of(c->arg[0])))
        error = -EBADF;
    if (error)
        return error;
    error = set_time(&inode->atime, &times[0]);
    if (!error)
        error = set_time(&inode->mtime, &times[1]);
    inode_put(inode);
    return error;
}

static long sys_truncate(const struct call *c)
{
    struct inode *inode;
    int error = (int64_t)c->arg[1] < 0 ? -EINVAL : user_lookup(AT_FDCWD, c->arg[0], 0, &inode);

    if (error)
        return error;
    if (!S_ISREG(inode->mode))
        error = inode_is_dir(inode) ? -EISDIR : -EINVAL;
    else
        error = inode_truncate(inode, c->arg[1]);
    inode_put(inode);
    return error;
}

static long read_link(int dirfd, uint64_t path, uint64_t buffer, uint64_t size)
{
    struct inode *inode;
    long result = (int64_t)size <= 0 ? -EINVAL : 0;

    if (!result)
        result = user_lookup(dirfd, path, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &inode);
    if (result)
        return result;
    if (!S_ISLNK(inode->mode)) {
        result = -EINVAL;
    } else {
        size_t length = strlen(inode->target);
        result = length < size ? length : size;
        if (copy_to_user(buffer, inode->target, result))
            result = -EFAULT;
    }
    inode_put(inode);
    return result;
}

static long sys_readlink(const struct call *c)
{
    return read_link(AT_FDCWD, c->arg[0], c->arg[1], c->arg[2]);
}

static long sys_readlinkat(const struct call *c)
{
    return read_link(c->arg[0], c->arg[1], c->arg[2], c->arg[3]);
}

static long statfs_to_user(uint64_t address)
{
    struct memory_info memory;
    struct statfs fs;

    memory_info(&memory);
    memset(&fs, 0, sizeof(fs));
    fs.f_type = TMPFS_MAGIC;
    fs.f_bsize = fs.f_frsize = 4096;
    fs.f_blocks = memory.total;
    fs.f_bfree = fs.f_bavail = memory.free;
    fs.f_namelen = NAME_MAX;
    return copy_to_user(address, &fs, sizeof(fs)) ? -EFAULT : 0;
}

static long sys_statfs(const struct call *c)
{
    struct inode *inode;
    int error = user_lookup(AT_FDCWD, c->arg[0], 0, &inode);

    if (error)
        return error;
    inode_put(inode);
    return statfs_to_user(c->arg[1]);
}

static long sys_fstatfs(const struct call *c)
{
    return files_at(current_process()->files, c->arg[0]) ? statfs_to_user(c->arg[1]) : -EBADF;
}

const struct call_entry stat_calls[] = {
    {__NR_stat, sys_stat, RESTART_NEVER},
    {__NR_lstat, sys_lstat, RESTART_NEVER},
    {__NR_fstat, sys_fstat, RESTART_NEVER},
    {__NR_newfstatat, sys_newfstatat, RESTART_NEVER},
    {__NR_statx, sys_statx, RESTART_NEVER},
    {__NR_access, sys_access, RESTART_NEVER},
    {__NR_faccessat, sys_faccessat, RESTART_NEVER},
    {__NR_faccessat2, sys_faccessat2, RESTART_NEVER},
    {__NR_chmod, sys_chmod, RESTART_NEVER},
    {__NR_fchmodat, sys_fchmodat, RESTART_NEVER},
    {__NR_fchmod, sys_fchmod, RESTART_NEVER},
    {__NR_chown, sys_chown, RESTART_NEVER},
    {__NR_lchown, sys_lchown, RESTART_NEVER},
    {__NR_fchownat, sys_fchownat, RESTART_NEVER},
    {__NR_fchown, sys_fchown, RESTART_NEVER},
    {__NR_utimensat, sys_utimensat, RESTART_NEVER},
    {__NR_truncate, sys_truncate, RESTART_NEVER},
    {__NR_readlink, sys_readlink, RESTART_NEVER},
    {__NR_readlinkat, sys_readlinkat, RESTART_NEVER},
    {__NR_statfs, sys_statfs, RESTART_NEVER},
    {__NR_fstatfs, sys_fstatfs, RESTART_NEVER},
    {0},
};
