/* SPDX-License-Identifier: MIT */
/*
 * Page tables of user spaces, by direct paging. A page becomes a table in two updates of one batch:
 * its direct-map entry turns read-only, then the level above names it, at which the hypervisor
 * checks it. Entries are read through the direct map and written by mmu_update only.
 */
#include "space_tables.h"

#include <stddef.h>
#include <string.h>

#include <pv/hypercall_stubs.h>

#include "memory.h"
#include "print.h"
#include "space.h"

#define BATCH 64

static mmu_update_t batch[BATCH];
static unsigned int batch_count;

static uint64_t machine_address(const void *p)
{
    return page_mfn(p) << 12 | ((uint64_t)p & (PAGE_SIZE - 1));
}

static void send_batch(void)
{
    uint32_t done = 0;
    long err;

    if (!batch_count)
        return;
    err = hc_mmu_update((uint64_t)batch, batch_count, (uint64_t)&done, DOMID_SELF);
    if (err)
        panic("mmu_update %u of %u (%lx = %lx) was refused: %ld", done, batch_count,
              batch[done].ptr, batch[done].val, err);
    batch_count = 0;
}

static void queue(uint64_t machine, uint64_t value)
{
    if (batch_count == BATCH)
        send_batch();
    batch[batch_count].ptr = machine;
    batch[batch_count++].val = value;
}

void tables_set(const uint64_t *entry, uint64_t value)
{
    queue(machine_address(entry), value);
}

static void extended_op(unsigned int cmd, uint64_t mfn)
{
    mmuext_op_t op = {.cmd = cmd, .arg1.mfn = mfn};

    if (hc_mmuext_op((uint64_t)&op, 1, 0, DOMID_SELF))
        panic("mmuext_op %u on frame %lx was refused", cmd, mfn);
}

void tables_commit(bool flush)
{
    send_batch();
    if (flush)
        extended_op(MMUEXT_TLB_FLUSH_LOCAL, 0);
}

static void make_readonly(const void *page)
{
    queue(direct_entry(page), page_mfn(page) << 12 | (PTE_DATA & ~PTE_RW));
}

static void make_writable(const void *page)
{
    queue(direct_entry(page), page_mfn(page) << 12 | PTE_DATA);
}

/* The table below an entry, made if wanted. */
static uint64_t *table_below(const uint64_t *entry, bool create)
{
    uint64_t *table;

    if (*entry & PTE_PRESENT)
        return pte_page(*entry);
    table = create ? page_alloc() : NULL;
    if (table) {
        make_readonly(table);
        tables_set(entry, page_mfn(table) << 12 | PTE_TABLE);
        send_batch();
    }
    return table;
}

const uint64_t *tables_entry(struct space *space, uint64_t address, bool create)
{
    const uint64_t *table = space->root;

    for (unsigned int level = 4; level > 1; level--) {
        table = table_below(&table[address >> (12 + 9 * (level - 1)) & 511], create);
        if (!table)
            return NULL;
    }
    return &table[address >> 12 & 511];
}

bool tables_create_root(struct space *space)
{
    space->root = page_alloc();
    if (!space->root)
        return false;
    make_readonly(space->root);
    send_batch();
    extended_op(MMUEXT_PIN_L4_TABLE, page_mfn(space->root));
    return true;
}

static void free_tables(uint64_t *table, unsigned int level)
{
    for (unsigned int i = 0; i < (level == 4 ? 1u : 512u) && level > 1; i++)
        if (table[i] & PTE_PRESENT)
            free_tables(pte_page(table[i]), level - 1);
    make_writable(table);
    send_batch();
    page_free(table);
}

void tables_destroy(struct space *space)
{
    send_batch();
    extended_op(MMUEXT_UNPIN_TABLE, page_mfn(space->root));
    free_tables(space->root, 4);
}

/* First address behind the part that a missing table of this level would cover. */
static uint64_t skip(uint64_t address, unsigned int level)
{
    uint64_t size = 1ul << (12 + 9 * (level - 1));

    return (address & ~(size - 1)) + size;
}

void tables_for_each(struct space *space, uint64_t start, uint64_t end,
                     void (*each)(struct space *space, uint64_t address, const uint64_t *entry,
                                  void *arg),
                     void *arg)
{
    uint64_t address = start;

    while (address < end) {
        const uint64_t *table = space->root;
        unsigned int level;

        for (level = 4; level > 1; level--) {
            uint64_t entry = table[address >> (12 + 9 * (level - 1)) & 511];

            if (!(entry & PTE_PRESENT))
                break;
            table = pte_page(entry);
        }
        if (level > 1) {
            address = skip(address, level);
            continue;
        }
        for (; address < end; address += PAGE_SIZE) {
            const uint64_t *entry = &table[address >> 12 & 511];

            if (*entry)
                each(space, address, entry, arg);
            if ((address >> 12 & 511) == 511) {
                address += PAGE_SIZE;
                break;
            }
        }
    }
    send_batch();
}
