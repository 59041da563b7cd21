/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, version 1: setup, map and unmap; grant_table_op(2). The shared entry is guest
 * memory: flags and domid are read once as one word and changed by compare-and-exchange against what
 * was read, so a grant revoked meanwhile is noticed. Invariant grant-pins stands in grant.h.
 */
#include "grant_internal.h"

#include <string.h>

#include "guest.h"
#include "handlers.h"
#include "log.h"
#include "pagetable.h"

static void *page_alloc(void)
{
    mfn_t mfn = frame_alloc_hypervisor();

    return mfn_equal(mfn, MFN_INVALID) ? NULL : machine_map(mfn);
}

static void page_free(void *page)
{
    if (page) {
        frame_free_hypervisor(machine_mfn_of(page), 1);
    }
}

/* One more table frame with its active entries; false: no memory or at the limit. */
static bool grow(struct domain *d, struct grant_table *t)
{
    unsigned n = t->frame_count;
    mfn_t mfn;

    if (n == GRANT_FRAMES_MAX) {
        return false;
    }
    for (unsigned i = 0; i < ACTIVE_PAGES; i++) {
        unsigned page = n * ACTIVE_PAGES + i;

        t->active[page] = t->active[page] ? t->active[page] : page_alloc();
        if (!t->active[page]) {
            return false;
        }
    }
    mfn = frame_alloc_hypervisor();
    if (mfn_equal(mfn, MFN_INVALID)) {
        return false;
    }
    frame_share(mfn, d);
    t->frame[n] = mfn;
    t->frame_count++;
    return true;
}

int grant_init_domain(struct domain *d)
{
    _Static_assert(sizeof(struct grant_table) <= PAGE_SIZE, "a grant table record is one page");
    d->grant_table = page_alloc();
    if (!d->grant_table || !grow(d, d->grant_table)) {
        return -XEN_ENOMEM;
    }
    return 0;
}

grant_entry_v1_t *grant_shared(struct grant_table *t, grant_ref_t ref)
{
    return (grant_entry_v1_t *)machine_map(t->frame[ref / GRANTS_PER_FRAME]) +
           ref % GRANTS_PER_FRAME;
}

struct active *grant_active(struct grant_table *t, grant_ref_t ref)
{
    return &t->active[ref / ACTIVE_PER_PAGE][ref % ACTIVE_PER_PAGE];
}

int grant_set_boot_entry(struct domain *d, grant_ref_t ref, domid_t remote, mfn_t mfn)
{
    grant_entry_v1_t *e = grant_shared(d->grant_table, ref);

    e->domid = remote;
    e->frame = (uint32_t)mfn.n;
    e->flags = GTF_permit_access;
    return 0;
}

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
    if (a->readers + a->writers == UINT16_MAX) {
        return GNTST_general_error;
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
    *mfn = a->mfn; /* the frame as of the first pin: later changes of the entry do not count */
    return GNTST_okay;
}

void grant_unpin(struct domain *granter, grant_ref_t ref, bool write)
{
    struct active *a = grant_active(granter->grant_table, ref);
    uint32_t *word = word_of(grant_shared(granter->grant_table, ref));
    uint32_t clear = 0;

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

/* A free map-track entry, or NULL. Handles are 1-based so that 0 is never valid. */
static struct maptrack *track_alloc(struct grant_table *t, grant_handle_t *handle)
{
    for (unsigned p = 0; p < TRACK_PAGES; p++) {
        if (!t->track[p]) {
            t->track[p] = page_alloc();
            if (!t->track[p]) {
                return NULL;
            }
        }
        for (unsigned i = 0; i < TRACK_PER_PAGE; i++) {
            if (!t->track[p][i].used) {
                *handle = p * TRACK_PER_PAGE + i + 1;
                return &t->track[p][i];
            }
        }
    }
    return NULL;
}

static struct maptrack *track_find(struct grant_table *t, grant_handle_t handle)
{
    unsigned n = handle - 1;

    if (handle == 0 || n >= TRACK_PAGES * TRACK_PER_PAGE || !t->track[n / TRACK_PER_PAGE]) {
        return NULL;
    }
    return &t->track[n / TRACK_PER_PAGE][n % TRACK_PER_PAGE];
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
static int16_t install(struct vcpu *v, struct domain *granter, mfn_t mfn, uint64_t host_addr,
                       uint32_t flags)
{
    bool write = !(flags & GNTMAP_readonly);
    pte_t entry = mfn.n << PAGE_SHIFT | PTE_PRESENT | PTE_ACCESSED |
                  (uint64_t)(flags >> _GNTMAP_guest_avail0 & 7) << 9;
    unsigned index;
    mfn_t table;

    if (!find_pte(v, host_addr, flags & GNTMAP_contains_pte, &table, &index)) {
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
    return GNTST_okay;
}

static int16_t map_locked(struct vcpu *v, struct domain *granter, gnttab_map_grant_ref_t *op)
{
    bool write = !(op->flags & GNTMAP_readonly);
    grant_handle_t handle;
    struct maptrack *track;
    int16_t status;
    mfn_t mfn;

    track = track_alloc(v->domain->grant_table, &handle);
    if (!track) {
        return GNTST_no_space;
    }
    status = grant_pin(granter, v->domain->id, op->ref, write, &mfn);
    if (status != GNTST_okay) {
        return status;
    }
    status = install(v, granter, mfn, op->host_addr, op->flags);
    if (status != GNTST_okay) {
        grant_unpin(granter, op->ref, write);
        return status;
    }
    *track = (struct maptrack){.ref = op->ref, .granter = granter->id, .used = true,
                               .write = write};
    op->handle = handle;
    op->dev_bus_addr = mfn.n << PAGE_SHIFT;
    return GNTST_okay;
}

long do_gnttabop_map_grant_ref(struct vcpu *v, gnttab_map_grant_ref_t *op)
{
    struct domain *granter = domain_get(v, op->dom);

    op->handle = 0;
    op->dev_bus_addr = 0;
    if (!granter) {
        op->status = GNTST_bad_domain;
        return 0;
    }
    if (!(op->flags & GNTMAP_host_map) || (op->flags & GNTMAP_device_map)) {
        op->status = GNTST_bad_gntref;
    } else {
        spin_lock(&granter->grant_lock);
        op->status = map_locked(v, granter, op);
        spin_unlock(&granter->grant_lock);
    }
    if (op->status != GNTST_okay) {
        refuse(v, XEN_EINVAL, "grant-map", "d%u ref %u at %#lx: status %d", granter->id, op->ref,
               op->host_addr, op->status);
    }
    domain_put(granter);
    return 0;
}

static int16_t unmap_one(struct vcpu *v, gnttab_unmap_grant_ref_t *op)
{
    struct maptrack *track = track_find(v->domain->grant_table, op->handle);
    struct domain *granter;
    unsigned index, level;
    mfn_t table;

    if (!track || !track->used) {
        return GNTST_bad_handle;
    }
    granter = domain_table[track->granter];
    if (!granter) {
        return GNTST_bad_domain;
    }
    if (op->host_addr) {
        mfn_t mfn = grant_active(granter->grant_table, track->ref)->mfn;
        bool by_va = va_range_is_guest(op->host_addr, 1) &&
                     pagetable_walk(v->guest_table, op->host_addr, &level, &table) != 0 &&
                     mfn_equal(pte_mfn(pagetable_walk(v->guest_table, op->host_addr, &level, &table)), mfn);

        if (!find_pte(v, op->host_addr, !by_va, &table, &index) ||
            pte_remove(v, table, index, mfn, 0)) {
            return GNTST_bad_virt_addr;
        }
        atomic_fetch_or_explicit(&this_cpu()->work, PCPU_WORK_FLUSH, memory_order_relaxed);
    }
    spin_lock(&granter->grant_lock);
    grant_unpin(granter, track->ref, track->write);
    spin_unlock(&granter->grant_lock);
    memset(track, 0, sizeof(*track));
    return GNTST_okay;
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

long do_gnttabop_setup_table(struct vcpu *v, gnttab_setup_table_t *s)
{
    struct grant_table *t = v->domain->grant_table;

    if (s->dom != DOMID_SELF && s->dom != v->domain->id) {
        s->status = GNTST_permission_denied;
        return 0;
    }
    if (s->nr_frames > GRANT_FRAMES_MAX) {
        refuse(v, XEN_EINVAL, "too-many", "%u grant frames asked, %u is the limit", s->nr_frames,
               GRANT_FRAMES_MAX);
        s->status = GNTST_general_error;
        return 0;
    }
    while (t->frame_count < s->nr_frames) {
        if (!grow(v->domain, t)) {
            s->status = GNTST_no_space;
            return 0;
        }
    }
    s->status = GNTST_okay;
    for (unsigned i = 0; i < s->nr_frames; i++) {
        xen_pfn_t mfn = t->frame[i].n;

        if (guest_copy_out_at((uint64_t)s->frame_list.p, i, &mfn, sizeof(mfn))) {
            return -XEN_EFAULT;
        }
    }
    return 0;
}

long do_gnttabop_query_size(struct vcpu *v, gnttab_query_size_t *q)
{
    if (q->dom != DOMID_SELF && q->dom != v->domain->id) {
        q->status = GNTST_permission_denied;
        return 0;
    }
    q->nr_frames = v->domain->grant_table->frame_count;
    q->max_nr_frames = GRANT_FRAMES_MAX;
    q->status = GNTST_okay;
    return 0;
}

long do_gnttabop_get_version(struct vcpu *v, gnttab_get_version_t *g)
{
    if (g->dom != DOMID_SELF && g->dom != v->domain->id) {
        return refuse(v, XEN_EPERM, "foreign", "the grant table of d%u is not yours", g->dom);
    }
    g->version = 1;
    return 0;
}

/* Version 1 is what there is; guests that ask for 2 fall back on -ENOSYS. */
long do_gnttabop_set_version(struct vcpu *v, gnttab_set_version_t *s)
{
    (void)v;
    if (s->version != 1) {
        return s->version == 2 ? -XEN_ENOSYS : -XEN_EINVAL;
    }
    return 0;
}

/* What this domain maps of others: only the pins are left, its own page tables held the frames. */
static void release_mappings(struct domain *d, struct grant_table *t)
{
    for (unsigned p = 0; p < TRACK_PAGES; p++) {
        for (unsigned i = 0; t->track[p] && i < TRACK_PER_PAGE; i++) {
            struct maptrack *track = &t->track[p][i];
            struct domain *granter = track->used ? domain_table[track->granter] : NULL;

            if (granter && granter->grant_table) {
                grant_unpin(granter, track->ref, track->write);
            }
            track->used = false;
        }
    }
    (void)d;
}

static bool is_pinned(struct grant_table *t)
{
    for (grant_ref_t ref = 0; ref < t->frame_count * GRANTS_PER_FRAME; ref++) {
        const struct active *a = grant_active(t, ref);

        if (a->readers + a->writers) {
            return true;
        }
    }
    return false;
}

bool grant_destroy_domain(struct domain *d)
{
    struct grant_table *t = d->grant_table;

    if (!t) {
        return true;
    }
    release_mappings(d, t);
    if (is_pinned(t)) {
        return true; /* mappers' handles still name us; the table goes with the last frame */
    }
    d->grant_table = NULL;
    for (unsigned i = 0; i < t->frame_count; i++) {
        frame_unshare(t->frame[i]);
    }
    for (unsigned i = 0; i < GRANT_FRAMES_MAX * ACTIVE_PAGES; i++) {
        page_free(t->active[i]);
    }
    for (unsigned i = 0; i < TRACK_PAGES; i++) {
        page_free(t->track[i]);
    }
    page_free(t);
    return true;
}

unsigned grant_audit(struct domain *d)
{
    struct grant_table *t = d->grant_table;
    unsigned bad = 0;

    for (grant_ref_t ref = 0; t && ref < t->frame_count * GRANTS_PER_FRAME; ref++) {
        const struct active *a = grant_active(t, ref);
        unsigned seen = 0;

        for (unsigned id = 0; id < DOMAIN_MAX; id++) {
            struct grant_table *u = domain_table[id] ? domain_table[id]->grant_table : NULL;

            for (unsigned p = 0; u && p < TRACK_PAGES && u->track[p]; p++) {
                for (unsigned i = 0; i < TRACK_PER_PAGE; i++) {
                    const struct maptrack *m = &u->track[p][i];

                    seen += m->used && m->granter == d->id && m->ref == ref;
                }
            }
        }
        if (seen != (unsigned)(a->readers + a->writers)) {
            log_error("grant-pins: d%u ref %u is pinned %u times, mapped %u", d->id, ref,
                      a->readers + a->writers, seen);
            bad++;
        }
    }
    return bad;
}
