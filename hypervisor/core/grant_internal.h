/* SPDX-License-Identifier: MIT */
/* What the grant files share: table layout, pinning a grant, map-track entries. */
#ifndef PARAVANE_CORE_GRANT_INTERNAL_H
#define PARAVANE_CORE_GRANT_INTERNAL_H

#include "grant.h"

#define GRANT_FRAMES_MAX 32
#define GRANTS_PER_FRAME (PAGE_SIZE / sizeof(grant_entry_v1_t))
#define TRACK_PAGES 64

/* How a grant is in use: by mappings (map-track entries) and copies under way. */
struct active {
    mfn_t mfn; /* as granted when the first pin was taken */
    uint16_t readers, writers;
    domid_t user;
    uint16_t counted; /* grant_audit()'s own */
};
#define ACTIVE_PER_PAGE (PAGE_SIZE / sizeof(struct active))
#define ACTIVE_PAGES (GRANTS_PER_FRAME / ACTIVE_PER_PAGE)

/*
 * One mapping that this domain holds; its handle is the index plus one. It remembers which entry of
 * which L1 table was written, so that what is unmapped is what was mapped.
 */
struct maptrack {
    uint32_t ref; /* while free: the next free handle, 0 = none */
    uint32_t table;
    uint16_t index;
    domid_t granter;
    bool used, write, by_pte;
};
#define TRACK_PER_PAGE (PAGE_SIZE / sizeof(struct maptrack))

/* Under its domain's grant_lock. The granter's pins and the mapper's tracks change together, so
 * both locks are held then. */
struct grant_table {
    mfn_t frame[GRANT_FRAMES_MAX];
    uint32_t frame_count;
    uint32_t pins;        /* readers and writers of all active entries */
    uint32_t track_pages; /* of track[] in use */
    uint32_t free_handle;
    struct active *active[GRANT_FRAMES_MAX * ACTIVE_PAGES];
    struct maptrack *track[TRACK_PAGES];
};

grant_entry_v1_t *grant_shared(struct grant_table *t, grant_ref_t ref);
struct active *grant_active(struct grant_table *t, grant_ref_t ref);

/* Pin `ref` of granter for `user` (granter's grant_lock held): GNTST_*, the frame in *mfn. The
 * frame is not referenced yet. */
int16_t grant_pin(struct domain *granter, domid_t user, grant_ref_t ref, bool write, mfn_t *mfn);
void grant_unpin(struct domain *granter, grant_ref_t ref, bool write);

/* Map-track entries (grant_track.c). */
struct maptrack *grant_track_alloc(struct grant_table *t, grant_handle_t *handle); /* NULL: full */
struct maptrack *grant_track_find(struct grant_table *t, grant_handle_t handle); /* NULL: unused */
void grant_track_free(struct grant_table *t, grant_handle_t handle);

void *grant_page_alloc(void); /* zeroed, or NULL */

#endif
