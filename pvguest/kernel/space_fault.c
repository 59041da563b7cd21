/* SPDX-License-Identifier: MIT */
/* Demand-zero pages, copy-on-write, and copies to and from user memory. */
#include "space.h"

#include <asm/errno.h>
#include <asm/mman.h>
#include <string.h>

#include "memory.h"
#include "space_tables.h"
#include "thread.h"

#define FAULT_WRITE 2ul /* error code bits, Intel SDM vol. 3A, 4.7 */
#define FAULT_FETCH 16ul

static const struct area *area_of(const struct space *space, uint64_t address)
{
    const struct area *area = space->areas;

    while (area && area->end <= address)
        area = area->next;
    return area && area->start <= address ? area : NULL;
}

static uint64_t flags_of(int prot)
{
    return PTE_PRESENT | PTE_USER | PTE_A | PTE_D | (prot & PROT_WRITE ? PTE_RW : 0) |
           (prot & PROT_EXEC ? 0 : PTE_NX);
}

static bool fill(struct space *space, uint64_t address, int prot)
{
    const uint64_t *entry = tables_entry(space, address, true);
    void *page = entry ? page_alloc() : NULL;

    if (!page)
        return false;
    tables_set(entry, page_mfn(page) << 12 | flags_of(prot));
    tables_commit(false);
    space->resident++;
    return true;
}

/* A write to a page that is read-only for sharing: the last owner keeps it, others copy. */
static bool unshare(const uint64_t *entry, int prot)
{
    void *page = pte_page(*entry), *copy;

    if (page_references(page) == 1) {
        tables_set(entry, (*entry & PTE_FRAME) | flags_of(prot));
        tables_commit(true);
        return true;
    }
    copy = page_alloc();
    if (!copy)
        return false;
    memcpy(copy, page, PAGE_SIZE);
    tables_set(entry, page_mfn(copy) << 12 | flags_of(prot));
    tables_commit(true);
    page_put(page);
    return true;
}

bool space_fault(struct space *space, uint64_t address, uint64_t error)
{
    const struct area *area;
    const uint64_t *entry;
    int need = error & FAULT_WRITE ? PROT_WRITE : error & FAULT_FETCH ? PROT_EXEC : PROT_READ;

    address &= ~(PAGE_SIZE - 1);
    area = address >= USER_START && address < USER_END ? area_of(space, address) : NULL;
    /* What can be written or executed can be read: there is no bit against it. */
    if (!area || !(area->prot & (need == PROT_READ ? PROT_READ | PROT_WRITE | PROT_EXEC : need)))
        return false;
    entry = tables_entry(space, address, false);
    if (!entry || !*entry)
        return fill(space, address, area->prot);
    if (need == PROT_WRITE && !(*entry & PTE_RW))
        return unshare(entry, area->prot);
    return true; /* somebody served it already: a stale translation */
}

/* The page behind an address, ready for the access; NULL: not the user's to touch. */
static char *reach(struct space *space, uint64_t address, bool write)
{
    uint64_t need = PTE_PRESENT | PTE_USER | (write ? PTE_RW : 0);

    for (unsigned int tries = 0; tries < 3; tries++) {
        const uint64_t *entry = address < USER_END ? tables_entry(space, address, false) : NULL;

        if (entry && (*entry & need) == need)
            return (char *)pte_page(*entry) + address % PAGE_SIZE;
        if (!space_fault(space, address, write ? FAULT_WRITE : 0))
            return NULL;
    }
    return NULL;
}

static size_t piece(uint64_t address, size_t size)
{
    size_t rest = PAGE_SIZE - address % PAGE_SIZE;

    return size < rest ? size : rest;
}

int copy_from_user(void *to, uint64_t from, size_t size)
{
    while (size) {
        size_t n = piece(from, size);
        const char *page = current->space ? reach(current->space, from, false) : NULL;

        if (!page)
            return -EFAULT;
        memcpy(to, page, n);
        to = (char *)to + n;
        from += n;
        size -= n;
    }
    return 0;
}

int space_write(struct space *space, uint64_t to, const void *from, size_t size)
{
    while (size) {
        size_t n = piece(to, size);
        char *page = reach(space, to, true);

        if (!page)
            return -EFAULT;
        memcpy(page, from, n);
        from = (const char *)from + n;
        to += n;
        size -= n;
    }
    return 0;
}

int copy_to_user(uint64_t to, const void *from, size_t size)
{
    return current->space ? space_write(current->space, to, from, size) : -EFAULT;
}

int clear_user(uint64_t to, size_t size)
{
    while (size) {
        size_t n = piece(to, size);
        char *page = current->space ? reach(current->space, to, true) : NULL;

        if (!page)
            return -EFAULT;
        memset(page, 0, n);
        to += n;
        size -= n;
    }
    return 0;
}

long string_from_user(char *to, uint64_t from, size_t size)
{
    size_t length = 0;

    while (length < size) {
        size_t n = piece(from + length, size - length);
        const char *page = current->space ? reach(current->space, from + length, false) : NULL;

        if (!page)
            return -EFAULT;
        for (size_t i = 0; i < n; i++, length++) {
            to[length] = page[i];
            if (!page[i])
                return (long)length;
        }
    }
    return -ENAMETOOLONG;
}
