/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator, owners and references. Invariants frame-free, frame-owned, frame-put stand
 * in frame.h. Boot memory is kept as runs and given out from their lower end without touching the
 * table; frames that come back go to a list. heap_lock guards runs, list and count; a domain's
 * page_lock guards its own list.
 */
#include "frame.h"

#include <string.h>

#include "debug.h"
#include "domain.h"
#include "log.h"
#include "pagetype.h"

#define RUNS_MAX 64

struct run {
    uint64_t next, end; /* mfns */
    bool fresh;         /* nobody has used it since the machine started */
};

struct frame *frame_table;
uint64_t frame_limit;
uint64_t *m2p;
bool frame_boot_scrub = true;

static spinlock_t heap_lock;
static struct run runs[RUNS_MAX];
static unsigned run_count;
static uint32_t free_list;
static uint64_t free_count;

static void scrub(mfn_t mfn)
{
    memset(machine_map(mfn), 0, PAGE_SIZE);
}

static void list_push(uint32_t *head, mfn_t mfn)
{
    struct frame *f = frame_of(mfn);

    f->prev = 0;
    f->next = *head;
    if (*head) {
        frame_of(MFN(*head))->prev = (uint32_t)mfn.n;
    }
    *head = (uint32_t)mfn.n;
}

static void list_unlink(uint32_t *head, mfn_t mfn)
{
    struct frame *f = frame_of(mfn);

    if (f->prev) {
        frame_of(MFN(f->prev))->next = f->next;
    } else {
        *head = f->next;
    }
    if (f->next) {
        frame_of(MFN(f->next))->prev = f->prev;
    }
    f->next = 0;
    f->prev = 0;
}

static void free_list_add(mfn_t mfn, uint64_t flags)
{
    atomic_store(&frame_of(mfn)->count, FRAME_FREE | flags);
    atomic_store(&frame_of(mfn)->owner, FRAME_OWNER_NONE);
    list_push(&free_list, mfn);
    free_count++;
}

static void release_run(mfn_t first, uint64_t count, bool fresh)
{
    spin_lock(&heap_lock);
    if (run_count < RUNS_MAX) {
        runs[run_count++] = (struct run){first.n, first.n + count, fresh};
        free_count += count;
    } else {
        for (uint64_t i = 0; i < count; i++) {
            free_list_add(MFN(first.n + i), FRAME_DIRTY);
        }
    }
    spin_unlock(&heap_lock);
}

void frame_release_boot(mfn_t first, uint64_t count)
{
    release_run(first, count, true);
}

void frame_release_module(mfn_t first, uint64_t count)
{
    release_run(first, count, false);
}

uint64_t frame_free_count(void)
{
    return free_count;
}

static mfn_t take_from_run(uint64_t count)
{
    for (unsigned i = 0; i < run_count; i++) {
        struct run *r = &runs[i];

        if (r->end - r->next >= count) {
            mfn_t mfn = MFN(r->next);

            r->next += count;
            if (r->next == r->end) {
                *r = runs[--run_count];
            }
            return mfn;
        }
    }
    return MFN_INVALID;
}

/* Contiguous frames from those that came back; slow, and only when no run is long enough. */
static mfn_t search_contiguous(uint64_t count)
{
    uint64_t found = 0;

    for (uint64_t n = 1; n < frame_limit; n++) {
        found = (atomic_load(&frame_table[n].count) & FRAME_FREE) ? found + 1 : 0;
        if (found == count) {
            for (uint64_t i = 0; i < count; i++) {
                list_unlink(&free_list, MFN(n - i));
            }
            return MFN(n - count + 1);
        }
    }
    return MFN_INVALID;
}

/* A clean run of frames, not yet owned or counted. Must be given a count by the caller. */
static mfn_t take(uint64_t count)
{
    mfn_t mfn = MFN_INVALID;
    bool listed = false;

    spin_lock(&heap_lock);
    if (count == 1 && free_list) {
        mfn = MFN(free_list);
        list_unlink(&free_list, mfn);
        listed = true;
    } else {
        mfn = take_from_run(count);
        if (mfn_equal(mfn, MFN_INVALID)) {
            mfn = search_contiguous(count);
            listed = true;
        }
    }
    if (!mfn_equal(mfn, MFN_INVALID)) {
        free_count -= count;
    }
    spin_unlock(&heap_lock);
    if (mfn_equal(mfn, MFN_INVALID)) {
        return mfn;
    }
    for (uint64_t i = 0; i < count; i++) {
        struct frame *f = frame_of(MFN(mfn.n + i));

        if (!listed || (atomic_load_explicit(&f->count, memory_order_relaxed) & FRAME_DIRTY)) {
            scrub(MFN(mfn.n + i));
        }
        frame_flush_stale(f);
    }
    return mfn;
}

mfn_t frame_alloc_hypervisor_run(uint64_t count)
{
    mfn_t mfn = take(count);

    if (!mfn_equal(mfn, MFN_INVALID)) {
        for (uint64_t i = 0; i < count; i++) {
            atomic_store(&frame_of(MFN(mfn.n + i))->owner, FRAME_OWNER_NONE);
            atomic_store(&frame_of(MFN(mfn.n + i))->count, FRAME_HYPERVISOR | FRAME_ALLOCATED | 1);
        }
    }
    return mfn;
}

mfn_t frame_alloc_hypervisor(void)
{
    return frame_alloc_hypervisor_run(1);
}

/* Debug builds leave a pattern that shows in dumps, and clear the frame when it is given out. */
static uint64_t wipe(mfn_t mfn)
{
    if (debug_build) {
        memset(machine_map(mfn), 0xa5, PAGE_SIZE);
        return FRAME_DIRTY;
    }
    scrub(mfn);
    return 0;
}

static void release(mfn_t mfn)
{
    uint64_t flags = wipe(mfn);

    m2p[mfn.n] = ~0ull;
    frame_of(mfn)->tlb_epoch = this_cpu()->tlb_epoch;
    atomic_store(&frame_of(mfn)->type, PT_NONE);
    spin_lock(&heap_lock);
    free_list_add(mfn, flags);
    spin_unlock(&heap_lock);
}

void frame_free_hypervisor(mfn_t mfn, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        release(MFN(mfn.n + i));
    }
}

static void give_to(struct domain *d, mfn_t first, uint64_t count)
{
    spin_lock(&d->page_lock);
    for (uint64_t n = first.n; n < first.n + count; n++) {
        struct frame *f = frame_of(MFN(n));

        atomic_store_explicit(&f->owner, d->id, memory_order_relaxed);
        atomic_store_explicit(&f->count, FRAME_ALLOCATED | FRAME_LISTED | 1, memory_order_release);
        list_push(&d->page_list, MFN(n));
    }
    d->page_count += count;
    spin_unlock(&d->page_lock);
}

mfn_t frame_alloc_domain(struct domain *d)
{
    mfn_t mfn;

    if (d->page_count >= d->max_pages) {
        return MFN_INVALID;
    }
    mfn = take(1);
    if (!mfn_equal(mfn, MFN_INVALID)) {
        give_to(d, mfn, 1);
    }
    return mfn;
}

/* Up to `count` frames from the first run of boot memory; 0 when there is none left. */
static uint64_t take_part_of_run(uint64_t count, mfn_t *first, bool *fresh)
{
    spin_lock(&heap_lock);
    if (run_count == 0) {
        spin_unlock(&heap_lock);
        return 0;
    }
    struct run *r = &runs[0];

    count = count < r->end - r->next ? count : r->end - r->next;
    *first = MFN(r->next);
    *fresh = r->fresh;
    r->next += count;
    if (r->next == r->end) {
        *r = runs[--run_count];
    }
    free_count -= count;
    spin_unlock(&heap_lock);
    return count;
}

uint64_t frame_alloc_domain_run(struct domain *d, uint64_t count, bool zeroed, uint64_t *mfn)
{
    mfn_t first;
    bool fresh;

    count = count < d->max_pages - d->page_count ? count : d->max_pages - d->page_count;
    if (count == 0) {
        return 0;
    }
    count = take_part_of_run(count, &first, &fresh);
    if (count == 0) {
        first = frame_alloc_domain(d);
        *mfn = first.n;
        return !mfn_equal(first, MFN_INVALID);
    }
    if (zeroed || !fresh || frame_boot_scrub) {
        memset(machine_map(first), 0, count * PAGE_SIZE);
    }
    give_to(d, first, count);
    for (uint64_t i = 0; i < count; i++) {
        mfn[i] = first.n + i;
    }
    return count;
}

bool frame_adopt_boot(struct domain *d, mfn_t mfn)
{
    if (!mfn_is_ram(mfn) || d->page_count >= d->max_pages ||
        atomic_load(&frame_of(mfn)->count) != 0) {
        return false;
    }
    give_to(d, mfn, 1);
    return true;
}

int frame_give_back(struct domain *d, mfn_t mfn)
{
    struct frame *f;
    uint64_t count;

    if (!mfn_is_ram(mfn)) {
        return -XEN_EINVAL;
    }
    f = frame_of(mfn);
    if (atomic_load(&f->owner) != d->id) {
        return -XEN_EINVAL;
    }
    count = atomic_load(&f->count);
    do {
        if ((count & (FRAME_ALLOCATED | FRAME_LISTED)) != (FRAME_ALLOCATED | FRAME_LISTED)) {
            return -XEN_EINVAL;
        }
    } while (!atomic_compare_exchange_weak(&f->count, &count, count & ~FRAME_ALLOCATED));
    frame_put(mfn);
    return 0;
}

void frame_share(mfn_t mfn, struct domain *d)
{
    struct frame *f = frame_of(mfn);

    /* Born writable, with one type reference that lasts while it is shared. */
    atomic_store(&f->type, PT_WRITABLE | PT_VALIDATED | 1);
    atomic_store(&f->owner, d->id);
    atomic_store(&f->count, FRAME_SHARED | FRAME_ALLOCATED | 1);
}

void frame_unshare(mfn_t mfn)
{
    struct frame *f = frame_of(mfn);

    /* Who maps it by a grant keeps it so long; nobody else gets it, whoever has the id next. */
    atomic_store(&f->owner, FRAME_OWNER_NONE);
    atomic_fetch_sub(&f->type, 1);
    atomic_fetch_and(&f->count, ~FRAME_ALLOCATED);
    frame_put(mfn);
}

static bool get_counted(struct frame *f)
{
    uint64_t count = atomic_load_explicit(&f->count, memory_order_relaxed);

    do {
        if ((count & FRAME_COUNT_MASK) == 0 || (count & FRAME_COUNT_MASK) > FRAME_COUNT_MASK / 2 ||
            (count & (FRAME_HYPERVISOR | FRAME_FREE))) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&f->count, &count, count + 1,
                                                    memory_order_acquire, memory_order_relaxed));
    return true;
}

bool frame_get_any(mfn_t mfn)
{
    return mfn_is_ram(mfn) && get_counted(frame_of(mfn));
}

bool frame_get(mfn_t mfn, const struct domain *d)
{
    struct frame *f;

    if (unlikely(!mfn_is_ram(mfn))) {
        return false;
    }
    f = frame_of(mfn);
    if (atomic_load_explicit(&f->owner, memory_order_relaxed) != d->id || !get_counted(f)) {
        return false;
    }
    /* It may have been freed and given to another between the test and the reference. */
    if (unlikely(atomic_load_explicit(&f->owner, memory_order_acquire) != d->id)) {
        frame_put(mfn);
        return false;
    }
    return true;
}

static void free_owned(mfn_t mfn, uint64_t flags)
{
    if (flags & FRAME_LISTED) {
        struct domain *d = domain_table[atomic_load(&frame_of(mfn)->owner)];

        spin_lock(&d->page_lock);
        list_unlink(&d->page_list, mfn);
        d->page_count--;
        spin_unlock(&d->page_lock);
    }
    release(mfn);
}

void frame_put(mfn_t mfn)
{
    uint64_t old = atomic_fetch_sub_explicit(&frame_of(mfn)->count, 1, memory_order_acq_rel);

    BUG_ON((old & FRAME_COUNT_MASK) == 0);
    if (unlikely((old & FRAME_COUNT_MASK) == 1)) {
        free_owned(mfn, old);
    }
}

unsigned frame_audit(void)
{
    unsigned bad = 0;

    for (uint32_t at = free_list; at; at = frame_of(MFN(at))->next) {
        const struct frame *f = frame_of(MFN(at));

        if (atomic_load(&f->type) != 0 || (atomic_load(&f->count) & FRAME_COUNT_MASK)) {
            log_error("frame-free: mfn %#x has count %#lx type %#lx", at, atomic_load(&f->count),
                      atomic_load(&f->type));
            bad++;
        }
    }
    for (unsigned id = 0; id < DOMAIN_MAX; id++) {
        const struct domain *d = domain_table[id];
        uint64_t pages = 0;

        for (uint32_t at = d ? d->page_list : 0; at; at = frame_of(MFN(at))->next) {
            const struct frame *f = frame_of(MFN(at));

            pages++;
            if (atomic_load(&f->owner) != id || !(atomic_load(&f->count) & FRAME_LISTED)) {
                log_error("frame-owned: mfn %#x on the list of d%u is not its own", at, id);
                bad++;
            }
        }
        if (d && pages != d->page_count) {
            log_error("frame-owned: d%u has %lu frames listed, %lu counted", id, pages,
                      d->page_count);
            bad++;
        }
    }
    return bad;
}
