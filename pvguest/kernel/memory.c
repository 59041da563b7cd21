/* SPDX-License-Identifier: MIT */
/*
 * The page pool: a bitmap of free pages and a reference count for each page, and kmalloc on top:
 * power-of-two classes carved from pages, whole runs of pages above half a page.
 */
#include "memory.h"

#include <string.h>

#include <pv/hypercall_stubs.h>

#include "direct.h"
#include "print.h"

static uint64_t *free_bits; /* 1: free */
static uint16_t *references;
static uint64_t total, free_count, hint;

/* Start of day, xen/xen.h: the boot stack is the last thing mapped before the padding. */
static uint64_t first_unused(void)
{
    const start_info_t *si = pv_start_info;
    uint64_t end = (si->pt_base - PV_VIRT_BASE) / PAGE_SIZE + si->nr_pt_frames + 1;
    uint64_t p2m =
        si->mfn_list > PV_VIRT_BASE
            ? (si->mfn_list - PV_VIRT_BASE + si->nr_pages * 8 + PAGE_SIZE - 1) / PAGE_SIZE
            : si->first_p2m_pfn + si->nr_p2m_frames;
    uint64_t module = si->flags & SIF_MOD_START_PFN ? si->mod_start
                      : si->mod_start               ? (si->mod_start - PV_VIRT_BASE) / PAGE_SIZE
                                                    : 0;

    module += (si->mod_len + PAGE_SIZE - 1) / PAGE_SIZE;
    end = end > p2m ? end : p2m;
    return end > module ? end : module;
}

/* End of the boot mapping: where its tables stop. */
static uint64_t mapped_end(void)
{
    const uint64_t *l4 = (const uint64_t *)pv_start_info->pt_base;
    const uint64_t *table = l4;
    uint64_t pfn = 0;

    for (unsigned int level = 4; level > 2; level--)
        table =
            (const uint64_t *)(PV_VIRT_BASE +
                               pv_mfn_to_pfn((table[PV_VIRT_BASE >> (12 + 9 * (level - 1)) & 511] &
                                              PTE_FRAME) >>
                                             12) *
                                   PAGE_SIZE);
    for (unsigned int i = 0; i < 512 && table[i] & PTE_PRESENT; i++) {
        const uint64_t *l1 =
            (const uint64_t *)(PV_VIRT_BASE +
                               pv_mfn_to_pfn((table[i] & PTE_FRAME) >> 12) * PAGE_SIZE);
        for (unsigned int k = 0; k < 512; k++)
            if (l1[k] & PTE_PRESENT)
                pfn = i * 512 + k + 1;
    }
    return pfn;
}

static void set_free(uint64_t pfn)
{
    free_bits[pfn / 64] |= 1ul << pfn % 64;
    free_count++;
}

/* The pages of the pool are in the direct map: out of the boot mapping, or none could be a table.
 */
static void unmap_boot(uint64_t from, uint64_t to)
{
    for (uint64_t pfn = from; pfn < to; pfn++)
        hc_update_va_mapping(PV_VIRT_BASE + pfn * PAGE_SIZE, 0, UVMF_INVLPG);
}

void memory_init(void)
{
    uint64_t mapped = mapped_end(), first, bookkeeping;

    total = pv_start_info->nr_pages;
    first = direct_build(first_unused(), total, mapped);
    unmap_boot(first_unused(), mapped < total ? mapped : total);
    bookkeeping = (total / 8 + total * sizeof(*references)) / PAGE_SIZE + 2;
    if (first + bookkeeping + 64 > total)
        panic("%lu pages of memory are too few", total);
    references = direct_page(first);
    free_bits = (uint64_t *)(((uint64_t)(references + total) + 7) & ~7ul);
    memset(references, 0, bookkeeping * PAGE_SIZE);
    for (uint64_t pfn = first + bookkeeping; pfn < total; pfn++)
        if (pv_pfn_to_mfn(pfn) != ~0ul)
            set_free(pfn);
}

void memory_info(struct memory_info *info)
{
    info->total = total;
    info->free = free_count;
}

static void *give(uint64_t pfn, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free_bits[(pfn + i) / 64] &= ~(1ul << (pfn + i) % 64);
        references[pfn + i] = 1;
    }
    free_count -= count;
    memset(direct_page(pfn), 0, count * PAGE_SIZE);
    return direct_page(pfn);
}

void *page_alloc(void)
{
    uint64_t words = (total + 63) / 64;

    for (uint64_t i = 0; free_count && i < words; i++) {
        uint64_t word = (hint + i) % words;

        if (free_bits[word]) {
            hint = word;
            return give(word * 64 + __builtin_ctzl(free_bits[word]), 1);
        }
    }
    return NULL;
}

void *pages_alloc(size_t count)
{
    size_t found = 0;

    if (count == 1)
        return page_alloc();
    for (uint64_t pfn = 0; pfn < total; pfn++) {
        found = free_bits[pfn / 64] >> pfn % 64 & 1 ? found + 1 : 0;
        if (found == count)
            return give(pfn - count + 1, count);
    }
    return NULL;
}

void page_get(void *page)
{
    references[direct_pfn(page)]++;
}

void page_put(void *page)
{
    uint64_t pfn = direct_pfn(page);

    if (references[pfn] == 0)
        panic("page %lx was freed twice", pfn);
    if (--references[pfn] == 0)
        set_free(pfn);
}

unsigned int page_references(const void *page)
{
    return references[direct_pfn(page)];
}

void page_free(void *page)
{
    if (page)
        page_put(page);
}

void pages_free(void *pages, size_t count)
{
    for (size_t i = 0; pages && i < count; i++)
        page_put((char *)pages + i * PAGE_SIZE);
}

/* kmalloc. A small object's page begins with the class; a large one's with its page count. */
#define CLASS_SHIFT_MIN 5
#define CLASSES 6 /* 32 to 1024 bytes */

struct slab {
    uint32_t class, used;
    struct slab *next; /* with free objects */
    void *free;
    uint64_t pages; /* of a large run */
};

#define LARGE 0xffffffffu

static struct slab *slabs[CLASSES];

static struct slab *slab_new(unsigned int class)
{
    size_t size = 1ul << (class + CLASS_SHIFT_MIN);
    struct slab *slab = page_alloc();

    if (!slab)
        return NULL;
    slab->class = class;
    for (char *p = (char *)slab + (size > 64 ? size : 64); p + size <= (char *)slab + PAGE_SIZE;
         p += size) {
        *(void **)p = slab->free;
        slab->free = p;
    }
    slab->next = slabs[class];
    slabs[class] = slab;
    return slab;
}

static void *large_alloc(size_t size)
{
    size_t pages = (size + 64 + PAGE_SIZE - 1) / PAGE_SIZE;
    struct slab *slab = pages_alloc(pages);

    if (!slab)
        return NULL;
    slab->class = LARGE;
    slab->pages = pages;
    return (char *)slab + 64;
}

void *kmalloc(size_t size)
{
    unsigned int class = 0;
    struct slab *slab;
    void *object;

    while (class < CLASSES && (1ul << (class + CLASS_SHIFT_MIN)) < size)
        class ++;
    if (class == CLASSES)
        return size < (1ul << 40) ? large_alloc(size) : NULL;
    slab = slabs[class] ? slabs[class] : slab_new(class);
    if (!slab)
        return NULL;
    object = slab->free;
    slab->free = *(void **)object;
    slab->used++;
    if (!slab->free)
        slabs[class] = slab->next;
    return object;
}

static void slab_unlink(struct slab *slab)
{
    struct slab **at = &slabs[slab->class];

    while (*at != slab)
        at = &(*at)->next;
    *at = slab->next;
}

void kfree(void *p)
{
    struct slab *slab = (struct slab *)((uint64_t)p & ~(PAGE_SIZE - 1));

    if (!p)
        return;
    if (slab->class == LARGE) {
        pages_free(slab, slab->pages);
        return;
    }
    if (!slab->free) {
        slab->next = slabs[slab->class];
        slabs[slab->class] = slab;
    }
    *(void **)p = slab->free;
    slab->free = p;
    if (--slab->used == 0) {
        slab_unlink(slab);
        page_free(slab);
    }
}
