/* SPDX-License-Identifier: MIT */
/* The way from a running kernel to /init. */
#ifndef PVGUEST_USERLAND_H
#define PVGUEST_USERLAND_H

#include <stddef.h>

/* Unpacks the initramfs, makes /dev and /proc, and starts pid 1 in a thread of its own; the
 * caller's has done its work and sleeps. Panics when there is no /init. Memory, threads, traps,
 * clock and console must be up. */
void userland_start(const void *initramfs, size_t size) __attribute__((noreturn));

#endif
