/* SPDX-License-Identifier: MIT */
/*
 * Path names to inodes and back. There is one user, root, so a path is never refused for rights.
 */
#ifndef PVGUEST_PATH_H
#define PVGUEST_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "inode.h"

/* The end of a walk: the last name, the directory it stands in, and what it names. */
struct path {
    struct inode *dir;   /* NULL when the path has no last name ("/", "..") */
    struct inode *inode; /* NULL when the last name does not exist */
    bool must_be_dir;    /* the path ended with a slash */
    size_t length;
    char name[NAME_MAX + 1];
};

#define PATH_NOFOLLOW 1 /* a symbolic link as last name is the result, not what it points to */

/* 0 also when only the last name is missing. With 0, path_put() ends the use of *path. */
int path_walk(struct inode *base, const char *text, unsigned int flags, struct path *path);
void path_put(struct path *path);

/* The inode a path names, with a reference. */
int path_lookup(struct inode *base, const char *text, unsigned int flags, struct inode **found);

/* Writes the absolute name of a directory; its length with the NUL, -ERANGE, or -ENOENT. */
int path_of_dir(struct inode *dir, char *buffer, size_t size);
/* The same for the end of a walk. */
int path_absolute(const struct path *path, char *buffer, size_t size);

#endif
