/* SPDX-License-Identifier: MIT */
/* Character devices by number: memory devices, the kernel log, the terminal. */
#ifndef PVGUEST_DEVICE_H
#define PVGUEST_DEVICE_H

#include <stddef.h>
#include <stdint.h>

struct file_ops;

/* NULL: no such device. */
const struct file_ops *device_ops(uint32_t rdev);

/* Creates the nodes of /dev that the initramfs did not bring. */
void device_make_nodes(void);

void random_bytes(void *to, size_t count);

#endif
