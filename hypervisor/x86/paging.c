/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own address space (layout.h): built once at boot as a master L4, whose slots
 * 256 to 271 are copied into every frame that becomes a guest's L4. The L3 tables of these slots
 * exist from the start, so what is added below them later is seen by all roots at once.
 * Invariant wxorx: no page of ours is both writable and executable.
 */
#include "bootinfo.h"
#include "cpu.h"
#include "frame.h"
#include "log.h"
#include "pagetable.h"

#define PTE_PS (1ull << 7)
#define KERNEL_RW (PTE_PRESENT | PTE_RW | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL | PTE_NX)
#define TABLE_FLAGS (PTE_PRESENT | PTE_RW | PTE_ACCESSED | PTE_DIRTY)
#define LARGE_PAGE 0x200000ull

extern char image_start[], image_text_end[], image_rodata_end[], image_end[];

static uint64_t *master_l4;
static uint64_t master_phys;
static struct boot_info *boot; /* while frames come from boot_alloc */

static uint64_t *table_at(uint64_t phys)
{
    return (uint64_t *)(DIRECTMAP_BASE + phys);
}

static uint64_t table_alloc(void)
{
    uint64_t phys;
    mfn_t mfn;

    if (boot) {
        phys = boot_alloc(boot, PAGE_SIZE, PAGE_SIZE);
        __builtin_memset(table_at(phys), 0, PAGE_SIZE);
        return phys;
    }
    mfn = frame_alloc_hypervisor();
    return mfn_equal(mfn, MFN_INVALID) ? 0 : mfn.n << PAGE_SHIFT;
}

/* The entry for va at `level` in the master tables, making tables on the way. NULL: no memory. */
static uint64_t *entry_for(uint64_t va, unsigned level, uint64_t table_flags)
{
    uint64_t *table = master_l4;

    for (unsigned l = 4; l > level; l--) {
        uint64_t *entry = &table[pt_index(va, l)];

        if (!(*entry & PTE_PRESENT)) {
            uint64_t phys = table_alloc();

            if (!phys) {
                return NULL;
            }
            *entry = phys | table_flags;
        }
        table = table_at(*entry & PTE_MFN_MASK);
    }
    return &table[pt_index(va, level)];
}

static void map_large(uint64_t va, uint64_t phys, uint64_t bytes, uint64_t flags,
                      uint64_t table_flags)
{
    for (uint64_t off = 0; off < bytes; off += LARGE_PAGE) {
        *entry_for(va + off, 2, table_flags) = (phys + off) | flags | PTE_PS;
    }
}

static void map_image(void)
{
    const uint64_t text_end = (uint64_t)image_text_end, rodata_end = (uint64_t)image_rodata_end;
    const uint64_t end = (uint64_t)image_end;

    for (uint64_t va = (uint64_t)image_start; va < end; va += PAGE_SIZE) {
        uint64_t flags = PTE_PRESENT | PTE_ACCESSED | PTE_GLOBAL;

        if (va >= rodata_end) {
            flags |= PTE_RW | PTE_DIRTY | PTE_NX;
        } else if (va >= text_end) {
            flags |= PTE_NX;
        }
        *entry_for(va, 1, TABLE_FLAGS) = (va - IMAGE_BASE) | flags;
    }
}

void paging_map_page(uint64_t va, mfn_t mfn, uint64_t flags)
{
    uint64_t *entry = entry_for(va, 1, TABLE_FLAGS);

    if (!entry || mfn_equal(mfn, MFN_INVALID)) {
        panic("no memory for the hypervisor's mapping of %#lx", va);
    }
    *entry = mfn.n << PAGE_SHIFT | flags | KERNEL_RW;
}

volatile void *paging_map_device(uint64_t phys)
{
    static uint64_t next = DEVICE_BASE;
    uint64_t va = next;

    next += PAGE_SIZE;
    paging_map_page(va, MFN(phys >> PAGE_SHIFT), PTE_PCD | PTE_PWT);
    return (volatile void *)(va + (phys & ~PAGE_MASK));
}

bool paging_window_init(uint64_t va)
{
    return entry_for(va, 1, TABLE_FLAGS) != NULL;
}

void paging_window_set(uint64_t va, uint64_t pte)
{
    *entry_for(va, 1, TABLE_FLAGS) = pte;
    invlpg(va);
}

static uint64_t highest_ram(const struct boot_info *info)
{
    uint64_t top = 0;

    for (unsigned i = 0; i < info->region_count; i++) {
        if (info->region[i].end > top) {
            top = info->region[i].end;
        }
    }
    return top;
}

static void make_tables(struct boot_info *info, uint64_t top)
{
    uint64_t m2p_bytes, table_bytes, m2p_phys, table_phys;

    frame_limit = top >> PAGE_SHIFT;
    m2p_bytes = (frame_limit * 8 + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
    table_bytes = (frame_limit * sizeof(struct frame) + PAGE_SIZE - 1) & PAGE_MASK;
    m2p_phys = boot_alloc(info, m2p_bytes, LARGE_PAGE);
    table_phys = boot_alloc(info, table_bytes, PAGE_SIZE);
    m2p = (uint64_t *)table_at(m2p_phys);
    frame_table = (struct frame *)table_at(table_phys);
    __builtin_memset(m2p, 0xff, m2p_bytes);
    __builtin_memset(frame_table, 0, table_bytes);
    map_large(M2P_BASE, m2p_phys, m2p_bytes,
              PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_GLOBAL | PTE_NX, TABLE_FLAGS | PTE_USER);
}

/* Build the master tables and load them. After this all RAM is mapped and the identity map is gone.
 */
void paging_init(struct boot_info *info)
{
    uint64_t top = highest_ram(info);

    boot = info;
    master_phys = table_alloc();
    master_l4 = table_at(master_phys);
    for (unsigned slot = HYPERVISOR_SLOT_FIRST; slot <= HYPERVISOR_SLOT_LAST; slot++) {
        uint64_t flags = TABLE_FLAGS | (slot == HYPERVISOR_SLOT_FIRST ? PTE_USER : 0);

        master_l4[slot] = table_alloc() | flags;
    }
    map_image();
    map_large(DIRECTMAP_BASE, 0, top, KERNEL_RW, TABLE_FLAGS);
    make_tables(info, top);
    boot = NULL;
    write_cr4(read_cr4() | CR4_PGE);
    this_cpu()->root = MFN(master_phys >> PAGE_SHIFT);
    write_cr3(master_phys);
}

void machine_l4_fill(mfn_t l4)
{
    uint64_t *entries = machine_map(l4);

    __builtin_memcpy(&entries[HYPERVISOR_SLOT_FIRST], &master_l4[HYPERVISOR_SLOT_FIRST],
                     (HYPERVISOR_SLOT_LAST - HYPERVISOR_SLOT_FIRST + 1) * sizeof(uint64_t));
}

void machine_l4_clear(mfn_t l4)
{
    uint64_t *entries = machine_map(l4);

    __builtin_memset(&entries[HYPERVISOR_SLOT_FIRST], 0,
                     (HYPERVISOR_SLOT_LAST - HYPERVISOR_SLOT_FIRST + 1) * sizeof(uint64_t));
}

void machine_load_root(mfn_t l4)
{
    this_cpu()->root = l4;
    this_cpu()->tlb_epoch++;
    write_cr3(l4.n << PAGE_SHIFT);
}

void machine_leave_guest(void)
{
    desc_load_hypervisor_gdt();
    desc_set_ldt(0, 0);
    if (this_cpu()->root.n != master_phys >> PAGE_SHIFT) {
        machine_load_root(MFN(master_phys >> PAGE_SHIFT));
    }
}

void machine_tlb_flush(void)
{
    this_cpu()->tlb_epoch++;
    write_cr3(read_cr3());
}

void machine_tlb_flush_page(uint64_t va)
{
    if (va_is_canonical(va)) {
        invlpg(va);
    }
}
