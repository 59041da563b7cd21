/* SPDX-License-Identifier: MIT */
/* The direct map of all memory. */
#ifndef PVGUEST_DIRECT_H
#define PVGUEST_DIRECT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Map pages 0..total at DIRECT_BASE, with tables taken from page first_free on; mapped_end is where
 * the boot mapping of the image ends. Returns the first page behind the tables.
 */
uint64_t direct_build(uint64_t first_free, uint64_t total, uint64_t mapped_end);

#endif
