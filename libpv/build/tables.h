/* SPDX-License-Identifier: MIT */
/* Private to the builder: page geometry, and the boot page tables (tables.c). */
#ifndef PARAVANE_LIBPV_TABLES_H
#define PARAVANE_LIBPV_TABLES_H

#include <string.h>

#include "build.h"

#define PV_PAGE_SHIFT 12
#define PV_PAGE_BYTES 4096ull
#define PV_PAGES_MAX (1ull << 32) /* 16 TiB */

/* How many tables of `level` (1..4) a mapping of `pages` pages at va needs. */
static inline uint64_t pv_tables_needed(uint64_t va, uint64_t pages, unsigned level)
{
    unsigned shift = PV_PAGE_SHIFT + 9 * level;
    uint64_t last = va + (pages << PV_PAGE_SHIFT) - 1;

    return level == 4 ? 1 : (last >> shift) - (va >> shift) + 1;
}

/* Write every page table of b, whose frames exist and are zero. */
void pv_build_tables(struct pv_build *b);

static inline void *pv_build_map(const struct pv_build *b, uint64_t mfn)
{
    return b->ops->map(b->arg, mfn);
}

static inline void pv_build_unmap(const struct pv_build *b, void *page)
{
    if (b->ops->unmap != NULL) {
        b->ops->unmap(b->arg, page);
    }
}

#endif
