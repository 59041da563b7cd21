/* SPDX-License-Identifier: MIT */
/* Grant table, version 1, as the granting side sees it: let another domain at some of our frames.
 */
#ifndef PV_GRANT_H
#define PV_GRANT_H

#include <pv/xen.h>

/* Map the table's `frames` (at most 4) frames; 0 or -errno. References 0-7 are reserved. */
int pv_grant_init(unsigned frames);
/* Permit `domid` to access the frame; the reference, or -XEN_ENOSPC. */
int pv_grant(domid_t domid, uint64_t mfn, int readonly);
/* Take it back: 0, or -XEN_EBUSY while the other side still uses it. */
int pv_grant_end(grant_ref_t ref);

#endif
