/* SPDX-License-Identifier: MIT */
/*
 * Physical memory. All of it is mapped at DIRECT_BASE ("direct map"): pseudo-physical page n stands
 * at DIRECT_BASE + n * 4096, writable, except while it is a page table, when the hypervisor lets
 * nobody map it writable.
 *
 * page-ref: a page given out has at least one reference; pages of user memory that are shared
 * copy-on-write have one for each space. The last page_put() frees.
 */
#ifndef PVGUEST_MEMORY_H
#define PVGUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pv/start.h>

#define PAGE_SIZE 4096ul
#define DIRECT_BASE 0xffff888000000000ul

#define PTE_PRESENT (1ul << 0)
#define PTE_RW (1ul << 1)
#define PTE_USER (1ul << 2)
#define PTE_A (1ul << 5)
#define PTE_D (1ul << 6)
#define PTE_NX (1ul << 63)
#define PTE_FRAME 0x000ffffffffff000ul
#define PTE_TABLE (PTE_PRESENT | PTE_RW | PTE_USER | PTE_A | PTE_D)
#define PTE_DATA (PTE_PRESENT | PTE_RW | PTE_A | PTE_D | PTE_NX)

struct memory_info {
    uint64_t total, free; /* pages */
};

/* Builds the direct map and takes what start of day left over; panics when it cannot. */
void memory_init(void);
void memory_info(struct memory_info *info);

/* One zeroed page, or NULL. */
void *page_alloc(void);
void page_free(void *page);
/* `count` pages in a row, zeroed; free them with the same count. */
void *pages_alloc(size_t count);
void pages_free(void *pages, size_t count);
void page_get(void *page);
void page_put(void *page);
unsigned int page_references(const void *page);

/* Any size; not zeroed. NULL when memory is short. kfree(NULL) is fine. */
void *kmalloc(size_t size);
void kfree(void *p);

static inline uint64_t direct_pfn(const void *page)
{
    return ((uint64_t)page - DIRECT_BASE) / PAGE_SIZE;
}

static inline void *direct_page(uint64_t pfn)
{
    return (void *)(DIRECT_BASE + pfn * PAGE_SIZE);
}

static inline uint64_t page_mfn(const void *page)
{
    return pv_pfn_to_mfn(direct_pfn(page));
}

/* The page that an entry names; it must be one of ours. */
static inline void *pte_page(uint64_t pte)
{
    return direct_page(pv_mfn_to_pfn((pte & PTE_FRAME) / PAGE_SIZE));
}

/* Machine address of the direct map's own entry for a page. */
uint64_t direct_entry(const void *page);

#endif
