/* SPDX-License-Identifier: MIT */
/*
 * Directories of the ram file system: a list of names in the order they came. Computed directories
 * (those of /proc) come through the same functions by their dir_ops and refuse changes.
 * "." and ".." are not in the list; path.c walks them and dir_readdir() reports them.
 */
#include <string.h>

#include <asm/errno.h>

#include "clock.h"
#include "inode.h"
#include "memory.h"

#define FIRST_COOKIE 2 /* 0 and 1 are "." and ".." */

/* The link that points to the name, or to the NULL at the end. */
static struct dirent **dir_find(struct inode *dir, const char *name, size_t length)
{
    struct dirent **link = &dir->dir.first;

    while (*link && ((*link)->length != length || memcmp((*link)->name, name, length)))
        link = &(*link)->next;
    return link;
}

int dir_lookup(struct inode *dir, const char *name, size_t length, struct inode **found)
{
    if (dir->dir_ops)
        return dir->dir_ops->lookup(dir, name, length, found);
    struct dirent *entry = *dir_find(dir, name, length);
    if (!entry)
        return -ENOENT;
    *found = inode_get(entry->inode);
    return 0;
}

static void dirent_info_fill(struct dirent_info *info, const char *name, size_t length,
                             const struct inode *inode)
{
    info->ino = inode->ino;
    info->mode = inode->mode;
    info->length = length;
    memcpy(info->name, name, length);
    info->name[length] = '\0';
}

int dir_readdir(struct inode *dir, uint64_t *pos, struct dirent_info *info)
{
    if (*pos < FIRST_COOKIE) {
        dirent_info_fill(info, "..", *pos + 1, *pos ? dir->parent : dir);
        ++*pos;
        return 1;
    }
    if (dir->dir_ops)
        return dir->dir_ops->readdir(dir, pos, info);
    struct dirent *entry = dir->dir.first;
    while (entry && entry->cookie < *pos)
        entry = entry->next;
    if (!entry)
        return 0;
    dirent_info_fill(info, entry->name, entry->length, entry->inode);
    *pos = entry->cookie + 1;
    return 1;
}

int dir_link(struct inode *dir, const char *name, size_t length, struct inode *inode)
{
    if (dir->dir_ops)
        return -EPERM;
    if (!dir->links)
        return -ENOENT; /* removed while somebody still stands in it */
    if (length > NAME_MAX)
        return -ENAMETOOLONG;
    if (*dir_find(dir, name, length))
        return -EEXIST;
    struct dirent *entry = kmalloc(sizeof(*entry) + length);
    if (!entry)
        return -ENOSPC;
    entry->next = NULL;
    entry->inode = inode;
    entry->length = length;
    memcpy(entry->name, name, length);
    if (dir->dir.next_cookie < FIRST_COOKIE)
        dir->dir.next_cookie = FIRST_COOKIE;
    entry->cookie = dir->dir.next_cookie++;
    if (dir->dir.last)
        dir->dir.last->next = entry;
    else
        dir->dir.first = entry;
    dir->dir.last = entry;
    inode->links++;
    if (inode_is_dir(inode)) {
        inode_put(inode->parent);
        inode->parent = inode_get(dir);
    }
    dir->mtime = dir->ctime = inode->ctime = clock_wall_ns();
    return 0;
}

int dir_unlink(struct inode *dir, const char *name, size_t length)
{
    if (dir->dir_ops)
        return -EPERM;
    struct dirent **link = dir_find(dir, name, length), *entry = *link;
    if (!entry)
        return -ENOENT;
    *link = entry->next;
    if (dir->dir.last == entry) {
        dir->dir.last = dir->dir.first;
        while (dir->dir.last && dir->dir.last->next)
            dir->dir.last = dir->dir.last->next;
    }
    struct inode *inode = entry->inode;
    kfree(entry);
    dir->mtime = dir->ctime = inode->ctime = clock_wall_ns();
    inode->links--;
    inode_put(inode_get(inode)); /* frees it when this was its last use */
    return 0;
}

bool dir_is_empty(struct inode *dir)
{
    return !dir->dir_ops && !dir->dir.first;
}
