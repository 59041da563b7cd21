/* SPDX-License-Identifier: MIT */
/*
 * The frame table: one record per machine frame, the allocator, owners and references.
 *
 * Invariants
 *   frame-free:  a frame on the free list has count 0, type 0, no owner, and contents scrubbed.
 *   frame-owned: a frame with an owner is either on that domain's page list (FRAME_LISTED) or is
 *                one of the hypervisor's frames shared with it (FRAME_SHARED), and holds the
 *                allocation reference until the owner gives it back.
 *   frame-put:   count reaching 0 frees the frame; a frame whose type count is not 0 has count > 0.
 */
#ifndef PARAVANE_CORE_FRAME_H
#define PARAVANE_CORE_FRAME_H

#include "machine.h"

#define FRAME_OWNER_NONE 0xffffu

struct frame {
    _Atomic uint64_t count; /* FRAME_* flags and the number of references (low 32 bits) */
    _Atomic uint64_t type;  /* PT_* word, pagetype.h */
    _Atomic uint16_t owner; /* domid, FRAME_OWNER_NONE for free and hypervisor frames */
    uint16_t progress;      /* entries valid while PT_PARTIAL (written by who holds PT_BUSY) */
    uint32_t next, prev;    /* free list or owner's page list, 0 = end (frame.c, page_lock) */
    uint32_t tlb_epoch;     /* pcpu.tlb_epoch when its last type reference or itself went away */
};

#define FRAME_COUNT_MASK 0xffffffffull
#define FRAME_ALLOCATED (1ull << 63)  /* the owner's allocation reference is still held */
#define FRAME_LISTED (1ull << 62)     /* on the owner's page list */
#define FRAME_SHARED (1ull << 61)     /* hypervisor's frame that its owner may map */
#define FRAME_HYPERVISOR (1ull << 60) /* hypervisor's own: never mappable */
#define FRAME_DIRTY (1ull << 59)      /* free, not scrubbed yet (boot memory) */
#define FRAME_FREE (1ull << 58)       /* on the free list */

/*
 * No-stale-tlb: a translation of this frame made before `tlb_epoch` may still be cached on this CPU
 * unless the CPU has flushed since. If so, the flush becomes a duty of the exit path.
 */
static inline void frame_flush_stale(const struct frame *f)
{
    struct pcpu *pcpu = this_cpu();

    if (f->tlb_epoch == pcpu->tlb_epoch) {
        atomic_fetch_or_explicit(&pcpu->work, PCPU_WORK_FLUSH, memory_order_relaxed);
    }
}

extern struct frame *frame_table; /* frame_limit records */
extern uint64_t frame_limit;      /* one above the highest RAM frame */
extern uint64_t *m2p;             /* machine to pseudo-physical, ~0 = none; guests read it */

static inline bool mfn_is_ram(mfn_t mfn)
{
    return mfn.n < frame_limit;
}

static inline struct frame *frame_of(mfn_t mfn)
{
    return &frame_table[mfn.n];
}

static inline mfn_t frame_mfn(const struct frame *f)
{
    return MFN(f - frame_table);
}

/* Boot: hand [first, first + count) to the allocator; scrubbed when they are first given out. */
void frame_release_boot(mfn_t first, uint64_t count);
/* The same for what held a boot module: somebody's secrets, scrubbed before anyone else gets it. */
void frame_release_module(mfn_t first, uint64_t count);
/* Clear boot memory even for guests that do not ask for zeros. Off only by the person who starts
 * the machine (bootscrub=no) and knows that its memory is fresh, as QEMU's is. */
extern bool frame_boot_scrub;
uint64_t frame_free_count(void);

/* One zeroed frame for the hypervisor itself (page tables, tables, areas), or MFN_INVALID. */
mfn_t frame_alloc_hypervisor(void);
/* A zeroed run of `count` contiguous frames for the hypervisor, or MFN_INVALID. */
mfn_t frame_alloc_hypervisor_run(uint64_t count);
void frame_free_hypervisor(mfn_t mfn, uint64_t count);

/* A zeroed frame owned by d, on its page list, with the allocation reference; MFN_INVALID if the
 * heap is empty or d is at max_pages. */
mfn_t frame_alloc_domain(struct domain *d);
/* Up to `count` frames for d from one run of boot memory while that lasts: their numbers go to
 * mfn[]. Not zeroed if the caller does not ask for it, the memory is fresh and bootscrub=no.
 * Returns how many, 0 when the heap is empty or d is at max_pages. */
uint64_t frame_alloc_domain_run(struct domain *d, uint64_t count, bool zeroed, uint64_t *mfn);
/* Boot: a frame of a boot module, not handed to the allocator yet, becomes d's own as if it had
 * been allocated, but keeps its contents. False if it has an owner already or d is full. */
bool frame_adopt_boot(struct domain *d, mfn_t mfn);
/* The owner gives the frame back: drops the allocation reference once. -EINVAL if not its own or
 * already given back. The frame is freed when the last other reference goes. */
int frame_give_back(struct domain *d, mfn_t mfn);
/* Make a hypervisor frame mappable by d (shared_info, grant tables), and end that. */
void frame_share(mfn_t mfn, struct domain *d);
void frame_unshare(mfn_t mfn);

/* Take a reference on a frame that d owns: false if it is not d's, not RAM or being freed. */
bool frame_get(mfn_t mfn, const struct domain *d);
/* The same for whoever owns it (caller checked rights otherwise). */
bool frame_get_any(mfn_t mfn);
void frame_put(mfn_t mfn);

/* Audits frame-free, frame-owned and frame-put; logs the first violations; returns their number. */
unsigned frame_audit(void);

#endif
