/* SPDX-License-Identifier: MIT */
/*
 * A new domain's first page tables, 4 KiB pages only. Every page is mapped writable and executable
 * (Linux patches its text before it owns its tables), except the page tables themselves, which the
 * hypervisor will only accept mapped read-only. Formats: Intel SDM vol. 3A, 4.5.
 */
#include "tables.h"

#define PTE_PRESENT 0x01ull
#define PTE_RW 0x02ull
#define PTE_USER 0x04ull
#define PTE_ACCESSED 0x20ull
#define PTE_DIRTY 0x40ull
#define PTE_LEAF (PTE_PRESENT | PTE_RW | PTE_ACCESSED)
#define PTE_UPPER (PTE_PRESENT | PTE_RW | PTE_USER | PTE_ACCESSED | PTE_DIRTY)

/* `pages` frames from `target` on, mapped at va. first[level] is the pfn of the first table of that
 * level; tables of a level are consecutive, and "level 0" are the pages mapped. */
struct mapping {
    uint64_t va, pages;
    uint64_t first[5];
};

static bool holds(const struct pv_extent *extent, uint64_t pfn)
{
    return pfn - extent->pfn < extent->count;
}

static uint64_t entry_flags(const struct pv_build *b, unsigned level, uint64_t pfn)
{
    if (level > 1) {
        return PTE_UPPER;
    }
    return holds(&b->tables, pfn) || holds(&b->p2m_tables, pfn) ? PTE_LEAF & ~PTE_RW : PTE_LEAF;
}

/* Write the entries of all tables of one level; they name tables (or pages) of the level below. */
static void fill_level(struct pv_build *b, const struct mapping *m, unsigned level)
{
    unsigned below_shift = PV_PAGE_SHIFT + 9 * (level - 1);
    uint64_t below_first = m->va >> below_shift;
    uint64_t below_count = level == 1 ? m->pages : pv_tables_needed(m->va, m->pages, level - 1);
    uint64_t table_first = level == 4 ? below_first >> 9 : m->va >> (below_shift + 9);
    uint64_t *table = NULL;

    for (uint64_t i = 0; i < below_count; i++) {
        uint64_t index = below_first + i;
        uint64_t pfn = m->first[level - 1] + i;

        if (table == NULL || index % 512 == 0) {
            if (table != NULL) {
                pv_build_unmap(b, table);
            }
            table = pv_build_map(b, pv_build_mfn(b, m->first[level] + (index >> 9) - table_first));
        }
        table[index % 512] = pv_build_mfn(b, pfn) << PV_PAGE_SHIFT | entry_flags(b, level, pfn);
    }
    pv_build_unmap(b, table);
}

static void fill(struct pv_build *b, struct mapping *m, uint64_t first_table)
{
    for (unsigned level = 3; level >= 1; level--) {
        m->first[level] = first_table;
        first_table += pv_tables_needed(m->va, m->pages, level);
    }
    m->first[4] = b->tables.pfn;
    for (unsigned level = 4; level >= 1; level--) {
        fill_level(b, m, level);
    }
}

void pv_build_tables(struct pv_build *b)
{
    struct mapping kernel = {.va = b->image->virt_base, .pages = b->mapped};
    struct mapping p2m = {.va = b->p2m_va, .pages = b->p2m.count, .first = {b->p2m.pfn}};

    fill(b, &kernel, b->tables.pfn + 1);
    if (b->p2m_tables.count > 0) {
        fill(b, &p2m, b->p2m_tables.pfn);
    }
    b->l4_mfn = pv_build_mfn(b, b->tables.pfn);
}
