/* SPDX-License-Identifier: MIT */
/*
 * Walking path names. The part not yet walked lies in one buffer of PATH_MAX bytes; a symbolic link
 * puts its target in front of it, so links cost no recursion and at most MAX_LINKS are followed.
 */
#include "path.h"

#include <string.h>

#include <asm/errno.h>

#include "memory.h"

#define MAX_LINKS 40

struct walk {
    struct inode *at; /* the directory reached; holds a reference */
    char *buffer;     /* PATH_MAX bytes */
    char *rest;       /* in buffer: what is still to walk */
    unsigned int links;
};

static void walk_move(struct walk *walk, struct inode *to)
{
    inode_put(walk->at);
    walk->at = to;
}

/* Puts the target of a link in front of the rest and restarts at the root when it is absolute. */
static int walk_expand(struct walk *walk, const struct inode *link)
{
    size_t target = strlen(link->target), rest = strlen(walk->rest);

    if (++walk->links > MAX_LINKS)
        return -ELOOP;
    if (!target)
        return -ENOENT;
    if (target + 1 + rest >= PATH_MAX)
        return -ENAMETOOLONG;
    memmove(walk->buffer + target + 1, walk->rest, rest + 1);
    memcpy(walk->buffer, link->target, target);
    walk->buffer[target] = rest ? '/' : '\0';
    walk->rest = walk->buffer;
    if (walk->buffer[0] == '/')
        walk_move(walk, inode_get(root_inode));
    return 0;
}

/* Cuts the next name off the rest. Its length, 0 at the end. `final`: nothing but '/' follows. */
static size_t walk_name(struct walk *walk, const char **name, bool *final, bool *slash)
{
    while (*walk->rest == '/')
        walk->rest++;
    *name = walk->rest;
    while (*walk->rest && *walk->rest != '/')
        walk->rest++;
    size_t length = walk->rest - *name;
    const char *next = walk->rest;
    while (*next == '/')
        next++;
    *slash = next != walk->rest;
    *final = !*next;
    return length;
}

static bool is_dots(const char *name, size_t length)
{
    return name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));
}

static int walk_finish(struct walk *walk, const char *name, size_t length, struct inode *inode,
                       bool slash, struct path *path)
{
    path->dir = inode_get(walk->at);
    path->inode = inode;
    path->must_be_dir = slash;
    path->length = length;
    memcpy(path->name, name, length);
    path->name[length] = '\0';
    if (inode && slash && !inode_is_dir(inode)) {
        path_put(path);
        return -ENOTDIR;
    }
    return 0;
}

/* One name. 1: go on; 0: *path is filled; negative: refused. */
static int walk_step(struct walk *walk, unsigned int flags, struct path *path)
{
    const char *name;
    bool final, slash;
    size_t length = walk_name(walk, &name, &final, &slash);

    if (!length || (is_dots(name, length) && final)) {
        if (length == 2)
            walk_move(walk, inode_get(walk->at->parent));
        path->inode = inode_get(walk->at);
        return 0;
    }
    if (is_dots(name, length)) {
        if (length == 2)
            walk_move(walk, inode_get(walk->at->parent));
        return 1;
    }
    if (length > NAME_MAX)
        return -ENAMETOOLONG;
    struct inode *inode = NULL;
    int error = dir_lookup(walk->at, name, length, &inode);
    if (error == -ENOENT && final)
        return walk_finish(walk, name, length, NULL, slash, path);
    if (error)
        return error;
    if (S_ISLNK(inode->mode) && !(final && !slash && (flags & PATH_NOFOLLOW))) {
        struct inode *link = inode;
        inode = link->jump ? inode_get(link->jump) : NULL;
        error = inode ? 0 : walk_expand(walk, link);
        inode_put(link);
        if (!inode)
            return error ? error : 1;
    }
    if (final)
        return walk_finish(walk, name, length, inode, slash, path);
    if (!inode_is_dir(inode)) {
        inode_put(inode);
        return -ENOTDIR;
    }
    walk_move(walk, inode);
    return 1;
}

int path_walk(struct inode *base, const char *text, unsigned int flags, struct path *path)
{
    struct walk walk = {.links = 0};
    size_t length = strlen(text);
    int step;

    if (!length)
        return -ENOENT;
    if (length >= PATH_MAX)
        return -ENAMETOOLONG;
    if (*text != '/' && !inode_is_dir(base))
        return -ENOTDIR;
    walk.buffer = walk.rest = page_alloc();
    if (!walk.buffer)
        return -ENOMEM;
    memcpy(walk.buffer, text, length + 1);
    walk.at = inode_get(*text == '/' ? root_inode : base);
    memset(path, 0, sizeof(*path));
    do
        step = walk_step(&walk, flags, path);
    while (step > 0);
    inode_put(walk.at);
    page_free(walk.buffer);
    return step;
}

void path_put(struct path *path)
{
    inode_put(path->dir);
    inode_put(path->inode);
    path->dir = path->inode = NULL;
}

int path_lookup(struct inode *base, const char *text, unsigned int flags, struct inode **found)
{
    struct path path;
    int error = path_walk(base, text, flags, &path);

    if (error)
        return error;
    *found = path.inode ? inode_get(path.inode) : NULL;
    path_put(&path);
    return *found ? 0 : -ENOENT;
}

/* The name of `child` in the directory above it. */
static int name_of(struct inode *parent, const struct inode *child, struct dirent_info *info)
{
    uint64_t pos = 2;

    while (dir_readdir(parent, &pos, info) > 0)
        if (info->ino == child->ino)
            return 0;
    return -ENOENT;
}

int path_of_dir(struct inode *dir, char *buffer, size_t size)
{
    struct dirent_info *info = kmalloc(sizeof(*info));
    size_t start = size;
    int error = info ? 0 : -ENOMEM;

    if (size < 2)
        error = -ERANGE;
    else
        buffer[--start] = '\0';
    for (; !error && dir != root_inode; dir = dir->parent) {
        error = name_of(dir->parent, dir, info);
        if (!error && start < info->length + 1)
            error = -ERANGE;
        if (error)
            break;
        start -= info->length;
        memcpy(buffer + start, info->name, info->length);
        buffer[--start] = '/';
    }
    kfree(info);
    if (error)
        return error;
    if (start == size - 1)
        buffer[--start] = '/';
    memmove(buffer, buffer + start, size - start);
    return size - start;
}

int path_absolute(const struct path *path, char *buffer, size_t size)
{
    int length = path_of_dir(path->dir ? path->dir : path->inode, buffer, size);

    if (length < 0 || !path->dir)
        return length;
    length--; /* without the NUL */
    if (length > 1)
        buffer[length++] = '/';
    if (length + path->length + 1 > size)
        return -ERANGE;
    memcpy(buffer + length, path->name, path->length + 1);
    return length + path->length + 1;
}
