/* SPDX-License-Identifier: MIT */
/*
 * Private file mappings. The pages of a ram file are ordinary pages with references, so a mapping
 * names them at once, read-only, and copy-on-write does the rest as after a fork: nothing is copied
 * when a program starts. Holes and what is behind the end stay for demand-zero filling.
 */
#include "space_file.h"

#include <stdbool.h>

#include <asm/errno.h>
#include <linux/mman.h>

#include "inode.h"
#include "memory.h"
#include "space.h"
#include "space_tables.h"

static uint64_t entry_flags(int prot)
{
    return PTE_USER | PTE_A | PTE_D | (prot ? PTE_PRESENT : 0) | (prot & PROT_EXEC ? 0 : PTE_NX);
}

int space_map_inode(struct space *space, uint64_t start, uint64_t length, int prot,
                    struct inode *inode, uint64_t offset)
{
    int error = space_map(space, start, length, prot);

    for (uint64_t at = 0; !error && at < length && offset + at < inode->size; at += PAGE_SIZE) {
        void *page = inode_page(inode, (offset + at) / PAGE_SIZE, false);
        if (!page)
            continue;
        const uint64_t *entry = tables_entry(space, start + at, true);
        if (!entry) {
            error = -ENOMEM;
            break;
        }
        page_get(page);
        tables_set(entry, page_mfn(page) << 12 | entry_flags(prot));
        space->resident++;
    }
    tables_commit(false);
    if (error)
        space_unmap(space, start, length);
    return error;
}
