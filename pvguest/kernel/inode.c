/* SPDX-License-Identifier: MIT */
/*
 * Inodes and the data of regular files. Data lies in single pages behind a two-level index, so a
 * sparse file costs what was written and the largest file is 1 GiB (INODE_MAX_SIZE).
 * Invariant data-tail: bytes of the last page behind `size` are zero, so growing shows zeros.
 */
#include "inode.h"

#include <string.h>

#include <asm/errno.h>

#include "clock.h"
#include "iov.h"
#include "memory.h"
#include "pipe.h"

#define PAGE 4096ul
#define RESERVE_SHARE 16 /* files leave this part of memory to processes and the kernel */

struct inode *root_inode;
static uint64_t next_ino = 1;

struct inode *inode_new(uint32_t mode)
{
    struct inode *inode = kmalloc(sizeof(*inode));

    if (!inode)
        return NULL;
    memset(inode, 0, sizeof(*inode));
    inode->ino = next_ino++;
    inode->mode = mode;
    inode->refs = 1;
    inode->atime = inode->mtime = inode->ctime = clock_wall_ns();
    return inode;
}

struct inode *inode_get(struct inode *inode)
{
    inode->refs++;
    return inode;
}

static void inode_free(struct inode *inode)
{
    switch (inode->mode & S_IFMT) {
    case S_IFREG:
        inode_truncate(inode, 0);
        break;
    case S_IFLNK:
        kfree(inode->target);
        inode_put(inode->jump);
        break;
    case S_IFIFO:
        if (inode->pipe)
            pipe_free(inode->pipe);
        break;
    }
    kfree(inode);
}

/* A directory holds a reference on the one above, so removing a long chain of them that somebody
 * stood in comes back here once a level: a loop, not a recursion. */
void inode_put(struct inode *inode)
{
    while (inode && !--inode->refs && !inode->links) {
        struct inode *parent = inode->parent;
        inode_free(inode);
        inode = parent;
    }
}

static void split_time(uint64_t ns, __kernel_ulong_t *sec, __kernel_ulong_t *nsec)
{
    *sec = ns / 1000000000;
    *nsec = ns % 1000000000;
}

void inode_stat(const struct inode *inode, struct stat *st)
{
    memset(st, 0, sizeof(*st));
    st->st_dev = 1;
    st->st_ino = inode->ino;
    st->st_nlink = inode->links ? inode->links : inode->private != 0; /* of /proc: one */
    st->st_mode = inode->mode;
    st->st_uid = inode->uid;
    st->st_gid = inode->gid;
    st->st_rdev = inode->rdev;
    st->st_size = inode->size;
    st->st_blksize = PAGE;
    if (S_ISREG(inode->mode))
        st->st_blocks = inode->data.pages * (PAGE / 512);
    split_time(inode->atime, &st->st_atime, &st->st_atime_nsec);
    split_time(inode->mtime, &st->st_mtime, &st->st_mtime_nsec);
    split_time(inode->ctime, &st->st_ctime, &st->st_ctime_nsec);
}

static bool memory_is_short(void)
{
    struct memory_info memory;

    memory_info(&memory);
    return memory.free < memory.total / RESERVE_SHARE;
}

void *inode_page(struct inode *inode, uint64_t index, bool create)
{
    uint64_t upper = index / INODE_INDEX_SLOTS, lower = index % INODE_INDEX_SLOTS;

    if (upper >= INODE_INDEX_SLOTS)
        return NULL;
    if (!inode->data.index && (!create || !(inode->data.index = page_alloc())))
        return NULL;
    void ***slot = &inode->data.index[upper];
    if (!*slot && (!create || !(*slot = page_alloc())))
        return NULL;
    if (!(*slot)[lower] && create && !memory_is_short()) {
        (*slot)[lower] = page_alloc();
        inode->data.pages += (*slot)[lower] != NULL;
    }
    return (*slot)[lower];
}

/* Frees data pages from `first` on, and the index pages that no longer lead anywhere. */
static void inode_free_pages(struct inode *inode, uint64_t first)
{
    void ***index = inode->data.index;

    if (!index)
        return;
    for (uint64_t upper = first / INODE_INDEX_SLOTS; upper < INODE_INDEX_SLOTS; upper++) {
        void **slots = index[upper];
        uint64_t from = upper == first / INODE_INDEX_SLOTS ? first % INODE_INDEX_SLOTS : 0;
        if (!slots)
            continue;
        for (uint64_t i = from; i < INODE_INDEX_SLOTS; i++) {
            if (!slots[i])
                continue;
            page_free(slots[i]);
            slots[i] = NULL;
            inode->data.pages--;
        }
        if (!from) {
            page_free(slots);
            index[upper] = NULL;
        }
    }
    if (!first) {
        page_free(index);
        inode->data.index = NULL;
    }
}

int inode_truncate(struct inode *inode, uint64_t size)
{
    if (size > INODE_MAX_SIZE)
        return -EFBIG;
    if (size < inode->size) {
        inode_free_pages(inode, (size + PAGE - 1) / PAGE);
        char *last = size % PAGE ? inode_page(inode, size / PAGE, false) : NULL;
        if (last)
            memset(last + size % PAGE, 0, PAGE - size % PAGE);
    }
    inode->size = size;
    inode->mtime = inode->ctime = clock_wall_ns();
    return 0;
}

long inode_read(struct inode *inode, struct iov_iter *to, uint64_t pos)
{
    size_t done = 0;

    while (to->count && pos + done < inode->size) {
        uint64_t at = pos + done, left = inode->size - at;
        size_t n = PAGE - at % PAGE;
        n = n < left ? n : left;
        n = n < to->count ? n : to->count;
        const char *page = inode_page(inode, at / PAGE, false);
        size_t moved = page ? copy_to_iter(to, page + at % PAGE, n) : zero_to_iter(to, n);
        done += moved;
        if (moved < n)
            break;
    }
    inode->atime = clock_wall_ns();
    return done || !to->fault ? (long)done : -EFAULT;
}

long inode_write(struct inode *inode, struct iov_iter *from, uint64_t pos)
{
    size_t done = 0;
    int error = 0;

    while (from->count) {
        uint64_t at = pos + done;
        size_t n = PAGE - at % PAGE;
        n = n < from->count ? n : from->count;
        if (at >= INODE_MAX_SIZE) {
            error = -EFBIG;
            break;
        }
        char *page = inode_page(inode, at / PAGE, true);
        if (!page) {
            error = -ENOSPC;
            break;
        }
        size_t moved = copy_from_iter(from, page + at % PAGE, n);
        done += moved;
        if (at + moved > inode->size)
            inode->size = at + moved;
        if (moved < n) {
            error = -EFAULT;
            break;
        }
    }
    inode->mtime = inode->ctime = clock_wall_ns();
    return done ? (long)done : error;
}

long inode_read_kernel(struct inode *inode, void *to, size_t count, uint64_t pos)
{
    struct iovec vec = {.iov_base = to, .iov_len = count};
    struct iov_iter iter;

    if (!S_ISREG(inode->mode))
        return -EACCES;
    iov_iter_init(&iter, false, &vec, 1);
    return inode_read(inode, &iter, pos);
}

void inode_init(void)
{
    root_inode = inode_new(S_IFDIR | 0755);
    root_inode->links = 1;
    root_inode->parent = root_inode;
}
