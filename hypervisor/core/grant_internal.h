/* SPDX-License-Identifier: MIT */
/* What grant.c and grant_copy.c share: table layout, and pinning a grant. */
#ifndef PARAVANE_CORE_GRANT_INTERNAL_H
#define PARAVANE_CORE_GRANT_INTERNAL_H

#include "grant.h"

#define GRANT_FRAMES_MAX 32
#define GRANTS_PER_FRAME (PAGE_SIZE / sizeof(grant_entry_v1_t))
#define TRACK_PAGES 32

/* How a grant is in use: by mappings (map-track entries) and copies under way. */
struct active {
    mfn_t mfn; /* as granted when the first pin was taken */
    uint16_t readers, writers;
    domid_t user;
};
#define ACTIVE_PER_PAGE (PAGE_SIZE / sizeof(struct active))
#define ACTIVE_PAGES (GRANTS_PER_FRAME / ACTIVE_PER_PAGE)

/* One mapping that this domain holds; its handle is the index plus one. */
struct maptrack {
    grant_ref_t ref;
    domid_t granter;
    bool used, write;
};
#define TRACK_PER_PAGE (PAGE_SIZE / sizeof(struct maptrack))

struct grant_table {
    mfn_t frame[GRANT_FRAMES_MAX];
    uint32_t frame_count;
    struct active *active[GRANT_FRAMES_MAX * ACTIVE_PAGES];
    struct maptrack *track[TRACK_PAGES];
};

grant_entry_v1_t *grant_shared(struct grant_table *t, grant_ref_t ref);
struct active *grant_active(struct grant_table *t, grant_ref_t ref);

/* Pin `ref` of granter for `user` (granter's grant_lock held): GNTST_*, the frame in *mfn. The
 * frame is not referenced yet. */
int16_t grant_pin(struct domain *granter, domid_t user, grant_ref_t ref, bool write, mfn_t *mfn);
void grant_unpin(struct domain *granter, grant_ref_t ref, bool write);

#endif
