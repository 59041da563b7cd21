/* SPDX-License-Identifier: MIT */
/*
 * The direct map, built once with direct paging. All its tables lie in one run of pages, so which
 * pages it must map read-only is known before the first entry is written: the boot page tables and
 * that run. Each table is filled through a window (a page of the image's mapping pointed at it for
 * a moment), and the finished tree is hung into the L4 by one mmu_update, which makes the
 * hypervisor check all of it.
 */
#include "direct.h"

#include <string.h>

#include <pv/hypercall_stubs.h>

#include "memory.h"
#include "print.h"

static uint64_t window[512] __attribute__((aligned(4096)));
static uint64_t tables_first, tables_count; /* pfns; L1 tables first */

static void window_at(uint64_t pfn)
{
    if (hc_update_va_mapping((uint64_t)window, pv_pfn_to_mfn(pfn) << 12 | PTE_DATA, UVMF_INVLPG))
        panic("cannot map page %lx to fill it", pfn);
}

static uint64_t machine_of(uint64_t pfn)
{
    return pv_pfn_to_mfn(pfn) << 12;
}

static bool is_table(uint64_t pfn)
{
    uint64_t boot = (pv_start_info->pt_base - PV_VIRT_BASE) / PAGE_SIZE;

    return (pfn >= boot && pfn < boot + pv_start_info->nr_pt_frames) ||
           (pfn >= tables_first && pfn < tables_first + tables_count);
}

static bool is_hole(uint64_t pfn)
{
    return pv_pfn_to_mfn(pfn) == ~0ul;
}

/* Pages that start of day mapped RO elsewhere: a P2M with page tables of its own (INIT_P2M). */
static bool is_p2m_table(uint64_t pfn)
{
    return pfn >= pv_start_info->first_p2m_pfn &&
           pfn < pv_start_info->first_p2m_pfn + pv_start_info->nr_p2m_frames;
}

static void fill_l1(uint64_t table, uint64_t first, uint64_t total)
{
    window_at(table);
    for (unsigned int i = 0; i < 512; i++) {
        uint64_t pfn = first + i;

        if (pfn >= total || is_hole(pfn))
            window[i] = 0;
        else
            window[i] = machine_of(pfn) |
                        (is_table(pfn) || is_p2m_table(pfn) ? PTE_DATA & ~PTE_RW : PTE_DATA);
    }
}

/* A table whose entries name the `count` tables from `below` on. */
static void fill_upper(uint64_t table, uint64_t below, uint64_t count)
{
    window_at(table);
    for (unsigned int i = 0; i < 512; i++)
        window[i] = i < count ? machine_of(below + i) | PTE_TABLE : 0;
}

/* Take write access to the run away from the boot mapping where that covers it. */
static void protect_boot_mapping(uint64_t mapped_end)
{
    for (uint64_t pfn = tables_first; pfn < tables_first + tables_count && pfn < mapped_end; pfn++)
        hc_update_va_mapping(PV_VIRT_BASE + pfn * PAGE_SIZE, machine_of(pfn) | (PTE_DATA & ~PTE_RW),
                             UVMF_INVLPG);
}

uint64_t direct_build(uint64_t first_free, uint64_t total, uint64_t mapped_end)
{
    uint64_t l1 = (total + 511) / 512, l2 = (l1 + 511) / 512, l2_first, l3;
    mmu_update_t link;

    if (l2 > 512)
        panic("more memory than one L3 table maps");
    tables_first = first_free;
    tables_count = l1 + l2 + 1;
    l2_first = tables_first + l1;
    l3 = l2_first + l2;
    if (l3 >= total)
        panic("no room for the direct map of %lu pages", total);
    for (uint64_t i = 0; i < l1; i++)
        fill_l1(tables_first + i, i * 512, total);
    for (uint64_t i = 0; i < l2; i++)
        fill_upper(l2_first + i, tables_first + i * 512, l1 - i * 512 < 512 ? l1 - i * 512 : 512);
    fill_upper(l3, l2_first, l2);
    hc_update_va_mapping((uint64_t)window, pv_image_to_machine(window) | PTE_DATA, UVMF_INVLPG);
    protect_boot_mapping(mapped_end);
    link.ptr = pv_image_to_machine((void *)pv_start_info->pt_base) + 8 * (DIRECT_BASE >> 39 & 511);
    link.val = machine_of(l3) | PTE_TABLE;
    if (hc_mmu_update((uint64_t)&link, 1, 0, DOMID_SELF))
        panic("the hypervisor refused the direct map");
    return tables_first + tables_count;
}

uint64_t direct_entry(const void *page)
{
    uint64_t pfn = direct_pfn(page);

    return machine_of(tables_first + pfn / 512) + pfn % 512 * 8;
}
