/* SPDX-License-Identifier: MIT */
/* Unpacking an initramfs (cpio, "newc" format) into the ram file system. */
#ifndef PVGUEST_CPIO_H
#define PVGUEST_CPIO_H

#include <stddef.h>

/* The number of entries unpacked, or -errno: -EINVAL for an archive that is broken (what came
 * before the broken place stays), -ENOSPC when memory ends. */
int cpio_unpack(const void *archive, size_t size);

#endif
