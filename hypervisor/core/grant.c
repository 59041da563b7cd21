/* SPDX-License-Identifier: MIT */
/*
 * Grants of version 1: pinning, mapping, unmapping; grant_table_op(2). The shared entry is guest
 * memory: flags and domid are read once as one word and changed by compare-and-exchange against
 * what was read, so a grant revoked meanwhile is noticed. Invariant grant-pins stands in grant.h.
 */
#include "grant_internal.h"

#include <string.h>

#include "guest.h"
#include "handlers.h"
#include "log.h"
#include "pagetable.h"

/* Flags and domid of a shared entry as one 32-bit word: flags in the low half. */
static uint32_t *word_of(grant_entry_v1_t *e)
{
    return (uint32_t *)e;
}

int16_t grant_pin(struct domain *granter, domid_t user, grant_ref_t ref, bool write, mfn_t *mfn)
{
    struct grant_table *t = granter->grant_table;
    grant_entry_v1_t *e;
    struct active *a;
    uint32_t word, next;

    if (ref >= t->frame_count * GRANTS_PER_FRAME) {
        return GNTST_bad_gntref;
    }
    e = grant_shared(t, ref);
    a = grant_active(t, ref);
    if (a->readers + a->writers == UINT16_MAX || (a->readers + a->writers && a->user != user)) {
        return GNTST_general_error; /* the second: still in use by whom it was granted before */
    }
    word = __atomic_load_n(word_of(e), __ATOMIC_ACQUIRE);
    do {
        uint16_t flags = (uint16_t)word;

        if ((flags & GTF_type_mask) != GTF_permit_access || (domid_t)(word >> 16) != user) {
            return GNTST_bad_gntref;
        }
        if (write && (flags & GTF_readonly)) {
            return GNTST_permission_denied;
        }
        next = word | GTF_reading | (write ? GTF_writing : 0);
    } while (!__atomic_compare_exchange_n(word_of(e), &word, next, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
    if (a->readers + a->writers == 0) {
        a->mfn = MFN(__atomic_load_n(&e->frame, __ATOMIC_RELAXED));
        a->user = user;
    }
    if (write) {
        a->writers++;
    } else {
        a->readers++;
    }
    t->pins++;
    *mfn = a->mfn; /* the frame as of the first pin: later changes of the entry do not count */
    return GNTST_okay;
}

void grant_unpin(struct domain *granter, grant_ref_t ref, bool write)
{
    struct active *a = grant_active(granter->grant_table, ref);
    uint32_t *word = word_of(grant_shared(granter->grant_table, ref));
    uint32_t clear = 0;

    granter->grant_table->pins--;
    if (write) {
        a->writers--;
    } else {
        a->readers--;
    }
    if (a->writers == 0) {
        clear |= GTF_writing;
    }
    if (a->readers + a->writers == 0) {
        clear |= GTF_reading;
    }
    __atomic_fetch_and(word, ~clear, __ATOMIC_RELEASE);
}

static void lock_two(struct domain *a, struct domain *b)
{
    spin_lock(a->id < b->id ? &a->grant_lock : &b->grant_lock);
    if (a != b) {
        spin_lock(a->id < b->id ? &b->grant_lock : &a->grant_lock);
    }
}

static void unlock_two(struct domain *a, struct domain *b)
{
    spin_unlock(&a->grant_lock);
    if (a != b) {
        spin_unlock(&b->grant_lock);
    }
}

/* Which L1 entry host_addr means. */
static bool find_pte(struct vcpu *v, uint64_t host_addr, bool contains_pte, mfn_t *table,
                     unsigned *index)
{
    unsigned level;

    if (contains_pte) {
        *table = MFN(host_addr >> PAGE_SHIFT);
        *index = (host_addr & ~PAGE_MASK) >> 3;
        return (host_addr & 7) == 0 && mfn_is_ram(*table);
    }
    if (!va_range_is_guest(host_addr, 1)) {
        return false;
    }
    pagetable_walk(v->guest_table, host_addr, &level, table);
    *index = pt_index(host_addr, 1);
    return level == 1;
}

/* References for the entry and the entry itself: the entry owns them, as every L1 entry does. */
static int16_t install(struct vcpu *v, struct domain *granter, mfn_t mfn,
                       const gnttab_map_grant_ref_t *op, struct maptrack *track)
{
    bool write = !(op->flags & GNTMAP_readonly);
    pte_t entry = mfn.n << PAGE_SHIFT | PTE_PRESENT | PTE_ACCESSED |
                  (uint64_t)(op->flags >> _GNTMAP_guest_avail0 & 7) << 9;
    unsigned index;
    mfn_t table;

    if (!find_pte(v, op->host_addr, op->flags & GNTMAP_contains_pte, &table, &index)) {
        return GNTST_bad_virt_addr;
    }
    if (!frame_get(mfn, granter)) {
        return GNTST_bad_page;
    }
    if (write) {
        if (pagetype_get(v, granter, mfn, PT_WRITABLE)) {
            frame_put(mfn);
            return GNTST_general_error;
        }
        entry |= PTE_RW | PTE_DIRTY;
    }
    if (pte_install(v, table, index, entry)) {
        pte_put(NULL, 1, entry);
        return GNTST_bad_virt_addr;
    }
    track->table = (uint32_t)table.n;
    track->index = (uint16_t)index;
    return GNTST_okay;
}

/* Both domains' grant locks held. */
static int16_t map_locked(struct vcpu *v, struct domain *granter, gnttab_map_grant_ref_t *op)
{
    struct grant_table *own = v->domain->grant_table;
    bool write = !(op->flags & GNTMAP_readonly);
    grant_handle_t handle;
    struct maptrack *track;
    int16_t status;
    mfn_t mfn;

    track = grant_track_alloc(own, &handle);
    if (!track) {
        return GNTST_no_space;
    }
    status = grant_pin(granter, v->domain->id, op->ref, write, &mfn);
    if (status == GNTST_okay) {
        status = install(v, granter, mfn, op, track);
        if (status != GNTST_okay) {
            grant_unpin(granter, op->ref, write);
        }
    }
    if (status != GNTST_okay) {
        grant_track_free(own, handle);
        return status;
    }
    track->ref = op->ref;
    track->granter = granter->id;
    track->write = write;
    track->by_pte = op->flags & GNTMAP_contains_pte;
    op->handle = handle;
    op->dev_bus_addr = mfn.n << PAGE_SHIFT;
    return GNTST_okay;
}

/* GNTMAP_device_map beside host_map asks for nothing more: there is no IOMMU, and the frame stays.
 */
long do_gnttabop_map_grant_ref(struct vcpu *v, gnttab_map_grant_ref_t *op)
{
    struct domain *granter = domain_get(v, op->dom);

    op->handle = 0;
    op->dev_bus_addr = 0;
    if (!granter) {
        op->status = GNTST_bad_domain;
        refuse(v, XEN_EINVAL, "grant-map", "there is no d%u", op->dom);
        return 0;
    }
    if (!(op->flags & GNTMAP_host_map)) {
        op->status = GNTST_bad_gntref;
    } else {
        lock_two(v->domain, granter);
        op->status = map_locked(v, granter, op);
        unlock_two(v->domain, granter);
    }
    if (op->status != GNTST_okay) {
        refuse(v, XEN_EINVAL, "grant-map", "d%u ref %u at %#lx: status %d", granter->id, op->ref,
               op->host_addr, op->status);
    }
    domain_put(granter);
    return 0;
}

/*
 * Unmap exactly what this handle mapped. If the guest has overwritten the entry itself, the
 * references went then, and only the pin is left. Both domains' grant locks held.
 */
static int16_t unmap_locked(struct vcpu *v, struct domain *granter,
                            const gnttab_unmap_grant_ref_t *op)
{
    struct grant_table *own = v->domain->grant_table;
    struct maptrack *track = grant_track_find(own, op->handle);
    unsigned index;
    mfn_t table;

    if (!track || track->granter != granter->id) {
        return GNTST_bad_handle;
    }
    if (!find_pte(v, op->host_addr, track->by_pte, &table, &index) || table.n != track->table ||
        index != track->index) {
        return GNTST_bad_virt_addr;
    }
    if (pte_remove(v, table, index, grant_active(granter->grant_table, track->ref)->mfn, 0) == 0) {
        /* The granter may use the frame for something else as soon as it sees the flags. */
        atomic_fetch_or_explicit(&this_cpu()->work, PCPU_WORK_FLUSH, memory_order_relaxed);
    }
    grant_unpin(granter, track->ref, track->write);
    grant_track_free(own, op->handle);
    return GNTST_okay;
}

static int16_t unmap_one(struct vcpu *v, const gnttab_unmap_grant_ref_t *op)
{
    struct domain *d = v->domain, *granter = NULL;
    struct maptrack *track;
    int16_t status;

    spin_lock(&d->grant_lock);
    track = grant_track_find(d->grant_table, op->handle);
    if (track) {
        granter = domain_table[track->granter]; /* its grant is pinned: it cannot go away */
        domain_hold(granter);
    }
    spin_unlock(&d->grant_lock);
    if (!granter) {
        return GNTST_bad_handle;
    }
    lock_two(d, granter);
    status = unmap_locked(v, granter, op);
    unlock_two(d, granter);
    domain_put(granter);
    return status;
}

long do_gnttabop_unmap_grant_ref(struct vcpu *v, gnttab_unmap_grant_ref_t *op)
{
    op->status = unmap_one(v, op);
    if (op->status != GNTST_okay) {
        refuse(v, XEN_EINVAL, "grant-unmap", "handle %u at %#lx: status %d", op->handle,
               op->host_addr, op->status);
    }
    return 0;
}
