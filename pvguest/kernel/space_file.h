/* SPDX-License-Identifier: MIT */
/* Files in user spaces. */
#ifndef PVGUEST_SPACE_FILE_H
#define PVGUEST_SPACE_FILE_H

#include <stdint.h>

struct inode;
struct space;

/* Maps the file's bytes from `offset` on (a multiple of the page size) privately: its pages are
 * used as they are until one is written. What lies behind the end of the file is zero. 0 or
 * -ENOMEM. */
int space_map_inode(struct space *space, uint64_t start, uint64_t length, int prot,
                    struct inode *inode, uint64_t offset);

#endif
