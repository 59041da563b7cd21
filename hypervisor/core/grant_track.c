/* SPDX-License-Identifier: MIT */
/*
 * Map-track: which grants of others a domain has mapped, by handle. Invariant grant-track: an entry
 * in use holds one pin on the granter's active entry, so the granter's record outlives it; the free
 * ones are a list from free_handle on.
 */
#include "grant_internal.h"

#include <string.h>

#include "log.h"

static struct maptrack *entry_of(struct grant_table *t, grant_handle_t handle)
{
    uint32_t n = handle - 1;

    return &t->track[n / TRACK_PER_PAGE][n % TRACK_PER_PAGE];
}

/* One more page of free entries, lowest handle first. */
static bool more_entries(struct grant_table *t)
{
    struct maptrack *page;
    uint32_t first = t->track_pages * TRACK_PER_PAGE + 1;

    if (t->track_pages == TRACK_PAGES) {
        return false;
    }
    page = grant_page_alloc();
    if (!page) {
        return false;
    }
    for (uint32_t i = 0; i + 1 < TRACK_PER_PAGE; i++) {
        page[i].ref = first + i + 1;
    }
    t->track[t->track_pages++] = page;
    t->free_handle = first;
    return true;
}

struct maptrack *grant_track_alloc(struct grant_table *t, grant_handle_t *handle)
{
    struct maptrack *m;

    if (!t->free_handle && !more_entries(t)) {
        return NULL;
    }
    *handle = t->free_handle;
    m = entry_of(t, *handle);
    t->free_handle = m->ref;
    m->used = true;
    return m;
}

struct maptrack *grant_track_find(struct grant_table *t, grant_handle_t handle)
{
    if (handle == 0 || handle > t->track_pages * TRACK_PER_PAGE) {
        return NULL;
    }
    return entry_of(t, handle)->used ? entry_of(t, handle) : NULL;
}

void grant_track_free(struct grant_table *t, grant_handle_t handle)
{
    struct maptrack *m = entry_of(t, handle);

    memset(m, 0, sizeof(*m));
    m->ref = t->free_handle;
    t->free_handle = handle;
}

/* A page of entries at a time. Its page tables, which hold the frames, are not used any more. */
bool grant_release(struct domain *d)
{
    struct grant_table *t = d->grant_table;
    struct maptrack *page;

    if (!t || t->track_pages == 0) {
        return true;
    }
    t->free_handle = 0;
    page = t->track[--t->track_pages];
    for (unsigned i = 0; i < TRACK_PER_PAGE; i++) {
        if (page[i].used) {
            struct domain *granter = domain_table[page[i].granter];

            spin_lock(&granter->grant_lock);
            grant_unpin(granter, page[i].ref, page[i].write);
            spin_unlock(&granter->grant_lock);
        }
    }
    frame_free_hypervisor(machine_mfn_of(page), 1);
    return t->track_pages == 0;
}

/* Count every mapping that u has of a grant of d at the grant's active entry. */
static unsigned count_mappings(struct domain *d, struct grant_table *u, domid_t user)
{
    unsigned bad = 0;

    for (grant_handle_t h = 1; h <= u->track_pages * TRACK_PER_PAGE; h++) {
        const struct maptrack *m = grant_track_find(u, h);

        if (!m || m->granter != d->id) {
            continue;
        }
        if (m->ref >= d->grant_table->frame_count * GRANTS_PER_FRAME) {
            log_error("grant-track: handle %u of d%u names ref %u of d%u", h, user, m->ref, d->id);
            bad++;
        } else {
            grant_active(d->grant_table, m->ref)->counted++;
        }
    }
    return bad;
}

unsigned grant_audit(struct domain *d)
{
    struct grant_table *t = d->grant_table;
    unsigned bad = 0, pins = 0;

    if (!t) {
        return 0;
    }
    for (unsigned id = 0; id < DOMAIN_MAX; id++) {
        if (domain_table[id] && domain_table[id]->grant_table) {
            bad += count_mappings(d, domain_table[id]->grant_table, (domid_t)id);
        }
    }
    for (grant_ref_t ref = 0; ref < t->frame_count * GRANTS_PER_FRAME; ref++) {
        struct active *a = grant_active(t, ref);

        pins += a->readers + a->writers;
        if (a->counted != a->readers + a->writers) {
            log_error("grant-pins: d%u ref %u is pinned %u times, mapped %u", d->id, ref,
                      a->readers + a->writers, a->counted);
            bad++;
        }
        a->counted = 0;
    }
    if (pins != t->pins) {
        log_error("grant-pins: d%u has %u pins, %u counted", d->id, pins, t->pins);
        bad++;
    }
    return bad;
}
