/* SPDX-License-Identifier: MIT */
/*
 * A domain's grant table itself: its frames, which the guest maps and writes, and beside each entry
 * what the hypervisor knows of its use. Only version 1 exists.
 */
#include "grant_internal.h"

#include "guest.h"
#include "handlers.h"
#include "log.h"

void *grant_page_alloc(void)
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

        t->active[page] = t->active[page] ? t->active[page] : grant_page_alloc();
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
    d->grant_table = grant_page_alloc();
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

/* Grow the table to `count` frames. */
static int16_t setup(struct domain *d, uint32_t count)
{
    int16_t status = GNTST_okay;

    spin_lock(&d->grant_lock);
    while (d->grant_table->frame_count < count && status == GNTST_okay) {
        status = grow(d, d->grant_table) ? GNTST_okay : GNTST_no_space;
    }
    spin_unlock(&d->grant_lock);
    return status;
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
    s->status = setup(v->domain, s->nr_frames);
    for (unsigned i = 0; s->status == GNTST_okay && i < s->nr_frames; i++) {
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

/* The frames of the table are freed when the guest's own mappings of them are gone. */
bool grant_destroy_domain(struct domain *d)
{
    struct grant_table *t = d->grant_table;

    if (!t) {
        return true;
    }
    if (t->pins) {
        return false; /* others' handles still name entries of this table */
    }
    d->grant_table = NULL;
    for (unsigned i = 0; i < t->frame_count; i++) {
        frame_unshare(t->frame[i]);
    }
    for (unsigned i = 0; i < GRANT_FRAMES_MAX * ACTIVE_PAGES; i++) {
        page_free(t->active[i]);
    }
    page_free(t);
    return true;
}
