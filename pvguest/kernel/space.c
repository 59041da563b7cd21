/* SPDX-License-Identifier: MIT */
/* Areas of user spaces and what happens to their pages (space.h). */
#include "space.h"

#include <asm/errno.h>
#include <asm/mman.h>
#include <string.h>

#include <pv/hypercall_stubs.h>

#include "memory.h"
#include "print.h"
#include "space_tables.h"
#include "thread.h"

static const struct space *active;

static uint64_t entry_flags(int prot)
{
    return PTE_USER | PTE_A | PTE_D |
           (prot & (PROT_READ | PROT_WRITE | PROT_EXEC) ? PTE_PRESENT : 0) |
           (prot & PROT_WRITE ? PTE_RW : 0) | (prot & PROT_EXEC ? 0 : PTE_NX);
}

struct space *space_create(void)
{
    struct space *space = kmalloc(sizeof(*space));

    if (!space)
        return NULL;
    memset(space, 0, sizeof(*space));
    if (!tables_create_root(space)) {
        kfree(space);
        return NULL;
    }
    return space;
}

static void drop_page(struct space *space, uint64_t address, const uint64_t *entry, void *arg)
{
    void *page = pte_page(*entry);

    (void)address, (void)arg;
    tables_set(entry, 0);
    tables_commit(false); /* the page may only go when no entry names it */
    space->resident--;
    page_put(page);
}

void space_destroy(struct space *space)
{
    struct area *area;

    if (active == space) {
        mmuext_op_t op = {.cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = 0};

        hc_mmuext_op((uint64_t)&op, 1, 0, DOMID_SELF);
        active = NULL;
    }
    tables_for_each(space, 0, USER_END, drop_page, NULL);
    tables_destroy(space);
    while ((area = space->areas)) {
        space->areas = area->next;
        kfree(area);
    }
    kfree(space);
}

void space_activate(struct space *space)
{
    mmuext_op_t op = {.cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = page_mfn(space->root)};

    if (active == space)
        return;
    if (hc_mmuext_op((uint64_t)&op, 1, 0, DOMID_SELF))
        panic("the hypervisor refused a user root");
    active = space;
}

static bool is_user_range(uint64_t start, uint64_t length)
{
    return !(start % PAGE_SIZE) && !(length % PAGE_SIZE) && length && start >= USER_START &&
           length <= USER_END && start <= USER_END - length;
}

static struct area *area_at(const struct space *space, uint64_t address)
{
    struct area *area = space->areas;

    while (area && area->end <= address)
        area = area->next;
    return area && area->start <= address ? area : NULL;
}

/* Make `at` a border between areas. false: no memory. */
static bool split(struct space *space, uint64_t at)
{
    struct area *area = area_at(space, at), *upper;

    if (!area || area->start == at)
        return true;
    upper = kmalloc(sizeof(*upper));
    if (!upper)
        return false;
    *upper = *area;
    upper->start = at;
    area->end = at;
    area->next = upper;
    return true;
}

static void remove_areas(struct space *space, uint64_t start, uint64_t end)
{
    struct area **at = &space->areas;

    while (*at && (*at)->start < end) {
        struct area *area = *at;

        if (area->start < start) {
            at = &area->next;
            continue;
        }
        *at = area->next;
        kfree(area);
    }
}

int space_unmap(struct space *space, uint64_t start, uint64_t length)
{
    if (!is_user_range(start, length))
        return -EINVAL;
    if (!split(space, start) || !split(space, start + length))
        return -ENOMEM;
    remove_areas(space, start, start + length);
    tables_for_each(space, start, start + length, drop_page, NULL);
    tables_commit(true);
    return 0;
}

int space_map(struct space *space, uint64_t start, uint64_t length, int prot)
{
    struct area *area, **at = &space->areas;
    int error = space_unmap(space, start, length);

    if (error)
        return error;
    while (*at && (*at)->end <= start)
        at = &(*at)->next;
    area = kmalloc(sizeof(*area));
    if (!area)
        return -ENOMEM;
    *area = (struct area){start, start + length, prot, *at};
    *at = area;
    return 0;
}

bool space_is_free(const struct space *space, uint64_t start, uint64_t length)
{
    for (const struct area *area = space->areas; area; area = area->next)
        if (area->start < start + length && start < area->end)
            return false;
    return is_user_range(start, length);
}

uint64_t space_find_gap(const struct space *space, uint64_t length)
{
    uint64_t start = USER_MMAP;

    for (const struct area *area = space->areas; area; area = area->next) {
        if (area->end <= start)
            continue;
        if (area->start >= start + length)
            break;
        start = area->end;
    }
    return length && length < USER_END && start + length <= USER_STACK_TOP ? start : 0;
}

/* A page that others share stays read-only: the next write copies it. */
static void protect_page(struct space *space, uint64_t address, const uint64_t *entry, void *arg)
{
    uint64_t flags = entry_flags(*(const int *)arg);

    (void)space, (void)address;
    if (page_references(pte_page(*entry)) > 1)
        flags &= ~PTE_RW;
    tables_set(entry, (*entry & PTE_FRAME) | flags);
}

int space_protect(struct space *space, uint64_t start, uint64_t length, int prot)
{
    uint64_t at = start;

    if (!is_user_range(start, length))
        return -EINVAL;
    for (struct area *area; at < start + length; at = area->end)
        if (!(area = area_at(space, at)))
            return -ENOMEM;
    if (!split(space, start) || !split(space, start + length))
        return -ENOMEM;
    for (struct area *area = space->areas; area; area = area->next)
        if (area->start >= start && area->end <= start + length)
            area->prot = prot;
    tables_for_each(space, start, start + length, protect_page, &prot);
    tables_commit(true);
    return 0;
}

uint64_t space_resident(const struct space *space)
{
    return space->resident;
}

void space_set_brk(struct space *space, uint64_t start)
{
    space->brk_start = space->brk_end = (start + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

uint64_t space_brk(struct space *space, uint64_t end)
{
    uint64_t old = (space->brk_end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    uint64_t new = (end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);

    if (end < space->brk_start || end >= USER_MMAP)
        return space->brk_end;
    if (new > old) {
        if (!space_is_free(space, old, new - old) ||
            space_map(space, old, new - old, PROT_READ | PROT_WRITE))
            return space->brk_end;
    } else if (new < old && space_unmap(space, new, old - new)) {
        return space->brk_end;
    }
    space->brk_end = end;
    return end;
}

struct clone {
    struct space *to;
    bool failed;
};

static void share_page(struct space *from, uint64_t address, const uint64_t *entry, void *arg)
{
    struct clone *clone = arg;
    uint64_t value = *entry & ~PTE_RW;
    const uint64_t *to;

    (void)from;
    to = clone->failed ? NULL : tables_entry(clone->to, address, true);
    if (!to) {
        clone->failed = true;
        return;
    }
    if (*entry & PTE_RW)
        tables_set(entry, value);
    tables_set(to, value);
    page_get(pte_page(value));
    clone->to->resident++;
}

static bool copy_areas(struct space *to, const struct space *from)
{
    struct area **at = &to->areas;

    for (const struct area *area = from->areas; area; area = area->next) {
        *at = kmalloc(sizeof(**at));
        if (!*at)
            return false;
        **at = *area;
        (*at)->next = NULL;
        at = &(*at)->next;
    }
    to->brk_start = from->brk_start;
    to->brk_end = from->brk_end;
    return true;
}

struct space *space_clone(struct space *space)
{
    struct clone clone = {.to = space_create()};

    if (!clone.to)
        return NULL;
    clone.failed = !copy_areas(clone.to, space);
    tables_for_each(space, 0, USER_END, share_page, &clone);
    tables_commit(true);
    if (clone.failed) {
        space_destroy(clone.to);
        return NULL;
    }
    return clone.to;
}
