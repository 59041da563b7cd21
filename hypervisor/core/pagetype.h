/* SPDX-License-Identifier: MIT */
/*
 * What a frame is used as. One type at a time, changed only while its type count is 0.
 *
 * Invariants
 *   one-type:     writable mappings and page-table or descriptor use of a frame exclude each other.
 *   validated:    PT_VALIDATED on an Ln means each present entry holds one reference (and, if it
 *                 is writable or n > 1, one type reference) on the frame that it names.
 *   pinned:       PT_PINNED holds exactly one type reference and one reference.
 *   partial:      PT_PARTIAL means `progress` entries are validated, and the frame holds one
 *                 reference for that; nobody can use it as a table until it is finished.
 *   no-stale-tlb: before a frame leaves PT_WRITABLE for a table or descriptor type, every CPU that
 *                 may hold a writable translation has flushed or will before it runs a guest.
 * Man page: paravane-abi(7), section PAGE TYPES.
 */
#ifndef PARAVANE_CORE_PAGETYPE_H
#define PARAVANE_CORE_PAGETYPE_H

#include "frame.h"

#define PT_NONE (0ull << 60)
#define PT_L1 (1ull << 60)
#define PT_L2 (2ull << 60)
#define PT_L3 (3ull << 60)
#define PT_L4 (4ull << 60)
#define PT_SEGDESC (5ull << 60)
#define PT_WRITABLE (7ull << 60)
#define PT_TYPE_MASK (7ull << 60)
#define PT_PINNED (1ull << 59)
#define PT_VALIDATED (1ull << 58)
#define PT_PARTIAL (1ull << 57)
#define PT_BUSY (1ull << 56)     /* one CPU is validating, invalidating or updating it: its lock */
#define PT_TEARDOWN (1ull << 55) /* with PT_PARTIAL: on the way down, not up */
#define PT_COUNT_MASK 0xffffffffull

static inline uint64_t pt_of_level(unsigned level)
{
    return (uint64_t)level << 60;
}

static inline unsigned pt_level(uint64_t type_word)
{
    uint64_t t = (type_word & PT_TYPE_MASK) >> 60;

    return t <= 4 ? (unsigned)t : 0;
}

static inline uint64_t frame_type(mfn_t mfn)
{
    return atomic_load_explicit(&frame_of(mfn)->type, memory_order_acquire);
}

/*
 * Take a type reference (the caller already holds a reference), validating if the frame is not of
 * that type yet. 0; -EBUSY while used as another type; -EINVAL when its contents break a rule (the
 * why-line has been logged for v); -ERESTART when the budget of v->hc ran out (progress is kept in
 * the frame). `owner` is the domain against which entries are validated.
 */
int pagetype_get(struct vcpu *v, struct domain *owner, mfn_t mfn, uint64_t type);
/* Drop a type reference; the last one invalidates (drops what its entries hold). -ERESTART when
 * the budget ran out: call again. With v == NULL there is no budget. */
int pagetype_put(struct vcpu *v, mfn_t mfn);
/* The same for callers that cannot come back to it: what is left over is parked in v and finished
 * by pagetype_finish() before v's next memory hypercall (Xen's old_guest_table). */
void pagetype_put_later(struct vcpu *v, mfn_t mfn);
/* Finish what v has parked; 0, or -ERESTART when the budget ran out. */
int pagetype_finish(struct vcpu *v);
/* Domain death: undo a half-done validation or a pin, whatever the state. -ERESTART: call again. */
int pagetype_relinquish(struct vcpu *v, mfn_t mfn);

/* Hold a validated table's lock (PT_BUSY) while changing entries; false if it is not a validated
 * table (any more). The word that was there, without PT_BUSY, is in *word. */
bool pagetype_lock(mfn_t mfn, uint64_t *word);
void pagetype_unlock(mfn_t mfn);

/* Reference and type reference in one; on failure neither is held. */
int frame_get_and_type(struct vcpu *v, struct domain *owner, mfn_t mfn, uint64_t type);
int frame_put_and_type(struct vcpu *v, mfn_t mfn);

int pagetype_pin(struct vcpu *v, struct domain *d, mfn_t mfn, uint64_t type);
int pagetype_unpin(struct vcpu *v, struct domain *d, mfn_t mfn);

/* Recompute counts and types from memory alone and compare; number of differences (logged). */
unsigned pagetype_audit(void);

#endif
