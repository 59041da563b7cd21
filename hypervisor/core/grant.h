/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, version 1: a domain lets another map or copy some of its frames.
 * Invariant grant-pins: an active entry's pin counts equal the map-track entries that name it plus
 * copies in progress; a mapping's frame reference belongs to the PTE that maps it, as for every
 * other PTE. Hypercall: grant_table_op(2).
 */
#ifndef PARAVANE_CORE_GRANT_H
#define PARAVANE_CORE_GRANT_H

#include "domain.h"

int grant_init_domain(struct domain *d); /* -ENOMEM */
/* Domain death, both repeatable. First drop the pins that d holds on others' grants; false: there
 * is more to do. Last free its own table; false: others still have grants of it pinned. */
bool grant_release(struct domain *d);
bool grant_destroy_domain(struct domain *d);
/* Builder: entry `ref` of d permits `remote` to access pfn/mfn (console, xenstore). */
int grant_set_boot_entry(struct domain *d, grant_ref_t ref, domid_t remote, mfn_t mfn);

unsigned grant_audit(struct domain *d);

#endif
