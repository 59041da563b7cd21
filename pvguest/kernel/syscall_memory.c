/* SPDX-License-Identifier: MIT */
/* System calls of memory: mmap and its kin, and the break. */
#include <asm/errno.h>
#include <asm/unistd_64.h>
#include <linux/mman.h>

#include "file.h"
#include "inode.h"
#include "memory.h"
#include "space.h"
#include "space_file.h"
#include "syscall.h"

static struct space *space(void)
{
    return current_process()->space;
}

/* The inode that a file mapping shows, borrowed; NULL for anonymous memory. Memory that is shared
 * and written is not there: only what nobody writes looks the same, shared or private. */
static int mapped_inode(int fd, unsigned int flags, unsigned int protection, struct inode **inode)
{
    struct file *file = fd < 0 ? NULL : files_at(current_process()->files, fd);

    *inode = NULL;
    if ((flags & MAP_TYPE) != MAP_PRIVATE && protection & PROT_WRITE)
        return -ENODEV;
    if (flags & MAP_ANONYMOUS)
        return 0;
    if (!file)
        return -EBADF;
    if (!file_is_readable(file))
        return -EACCES;
    if (!S_ISREG(file->inode->mode))
        return -ENODEV;
    *inode = file->inode;
    return 0;
}

static long sys_mmap(const struct call *c)
{
    uint64_t address = c->arg[0], size = (c->arg[1] + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    unsigned int protection = c->arg[2], flags = c->arg[3];
    bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    struct inode *inode;

    if (c->arg[5] % PAGE_SIZE || (fixed && address % PAGE_SIZE) || !c->arg[1] ||
        (flags & MAP_TYPE) == 0 || (flags & MAP_TYPE) > MAP_SHARED_VALIDATE)
        return -EINVAL;
    if (size < c->arg[1] || size >= USER_END)
        return -ENOMEM;
    int error = mapped_inode(c->arg[4], flags, protection, &inode);
    if (error)
        return error;
    if (!fixed)
        address = space_find_gap(space(), size); /* a hint stays a hint */
    else if (address >= USER_END || size > USER_END - address)
        return -ENOMEM;
    else if (flags & MAP_FIXED_NOREPLACE && !space_is_free(space(), address, size))
        return -EEXIST;
    if (!address)
        return fixed ? -EPERM : -ENOMEM;
    if (inode)
        error = space_map_inode(space(), address, size, protection, inode, c->arg[5]);
    else
        error = space_map(space(), address, size, protection);
    return error ? error : (long)address;
}

static int check_range(uint64_t address, uint64_t *size)
{
    uint64_t rounded = (*size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);

    if (address % PAGE_SIZE || rounded < *size)
        return -EINVAL;
    if (address > USER_END || rounded > USER_END - address)
        return -EINVAL;
    *size = rounded;
    return 0;
}

static long sys_munmap(const struct call *c)
{
    uint64_t size = c->arg[1];
    int error = size ? check_range(c->arg[0], &size) : -EINVAL;

    return error ? error : space_unmap(space(), c->arg[0], size);
}

static long sys_mprotect(const struct call *c)
{
    uint64_t size = c->arg[1];
    int error = check_range(c->arg[0], &size);

    if (error || !size)
        return error == -EINVAL && !(c->arg[0] % PAGE_SIZE) ? -ENOMEM : error;
    return space_protect(space(), c->arg[0], size, c->arg[2]);
}

/* brk answers with the break, whether it could be moved or not. */
static long sys_brk(const struct call *c)
{
    return space_brk(space(), c->arg[0]);
}

static long sys_madvise(const struct call *c)
{
    uint64_t size = c->arg[1];

    return check_range(c->arg[0], &size); /* advice: it may be ignored */
}

const struct call_entry memory_calls[] = {
    {__NR_mmap, sys_mmap, RESTART_NEVER},         {__NR_munmap, sys_munmap, RESTART_NEVER},
    {__NR_mprotect, sys_mprotect, RESTART_NEVER}, {__NR_brk, sys_brk, RESTART_NEVER},
    {__NR_madvise, sys_madvise, RESTART_NEVER},   {0},
};
