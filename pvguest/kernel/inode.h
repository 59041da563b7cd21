/* SPDX-License-Identifier: MIT */
/*
 * Inodes: the objects of the one file tree (ram file system, devices, pipes, /proc).
 *
 * inode-life: an inode lives while it has links (names in directories) or references (open files,
 * working directories, mappings); inode_put() frees it when both are gone.
 * The kernel is not preempted inside a system call except where it waits, so nothing here locks.
 */
#ifndef PVGUEST_INODE_H
#define PVGUEST_INODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/limits.h>

#include "uapi_stat.h"

struct file;
struct inode;
struct iov_iter;
struct pipe;

/* One name in a ram directory. `cookie` only grows, so a reader of the directory can stop at one
 * and go on after it although names come and go in between. */
struct dirent {
    struct dirent *next;
    struct inode *inode;
    uint64_t cookie;
    unsigned int length;
    char name[];
};

/* What readdir reports for one name. */
struct dirent_info {
    uint64_t ino;
    unsigned int mode;
    unsigned int length;
    char name[NAME_MAX + 1];
};

/* Directories whose names are computed (those of /proc). NULL ops: a ram directory. */
struct dir_ops {
    /* A new reference in *found, or -ENOENT. */
    int (*lookup)(struct inode *dir, const char *name, size_t length, struct inode **found);
    /* The first name at or after *pos; moves *pos behind it. 1: found one, 0: the end. */
    int (*readdir)(struct inode *dir, uint64_t *pos, struct dirent_info *info);
};

/* Inodes that need more than ram when they are opened: devices, FIFOs, files of /proc. */
struct file_ops;

struct inode {
    uint64_t ino;
    uint32_t mode; /* S_IFMT and permissions */
    uint32_t rdev;
    uint32_t uid, gid;
    unsigned int links, refs;
    uint64_t size;
    uint64_t atime, mtime, ctime; /* ns since 1970 */
    struct inode *parent;         /* directories: the one above, referenced; root: itself */
    const struct dir_ops *dir_ops;
    const struct file_ops *file_ops;
    uint64_t private; /* for the two above */
    union {
        struct {
            void ***index; /* regular files: a page of pages of data pages, holes NULL */
            size_t pages;  /* data pages present */
        } data;
        struct {
            struct dirent *first, *last;
            uint64_t next_cookie;
        } dir;
        struct {
            char *target;       /* symbolic links */
            struct inode *jump; /* what the link leads to without a walk, referenced; or NULL */
        };
        struct pipe *pipe;
    };
};

#define INODE_INDEX_SLOTS 512
#define INODE_MAX_SIZE ((uint64_t)INODE_INDEX_SLOTS * INODE_INDEX_SLOTS * 4096)

extern struct inode *root_inode;

/* A new inode without links and with one reference; NULL: no memory. */
struct inode *inode_new(uint32_t mode);
struct inode *inode_get(struct inode *inode);
void inode_put(struct inode *inode);
void inode_stat(const struct inode *inode, struct stat *st);

static inline bool inode_is_dir(const struct inode *inode)
{
    return S_ISDIR(inode->mode);
}

/* Data of regular files. Positions are at most INODE_MAX_SIZE. */
long inode_read(struct inode *inode, struct iov_iter *to, uint64_t pos);
long inode_write(struct inode *inode, struct iov_iter *from, uint64_t pos);
int inode_truncate(struct inode *inode, uint64_t size);
/* The page that holds byte `index * 4096`, NULL for a hole; with `create` holes are filled. */
void *inode_page(struct inode *inode, uint64_t index, bool create);
/* Copies from a file into kernel memory; fewer bytes at the end of the file. */
long inode_read_kernel(struct inode *inode, void *to, size_t count, uint64_t pos);

/* Names in directories. */
int dir_lookup(struct inode *dir, const char *name, size_t length, struct inode **found);
int dir_readdir(struct inode *dir, uint64_t *pos, struct dirent_info *info);
int dir_link(struct inode *dir, const char *name, size_t length, struct inode *inode);
int dir_unlink(struct inode *dir, const char *name, size_t length);
bool dir_is_empty(struct inode *dir);

/* Creates the root directory. */
void inode_init(void);

#endif
