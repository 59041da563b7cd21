/* SPDX-License-Identifier: MIT */
/*
 * The page-type state machine (invariants: pagetype.h). A type word moves
 *
 *   NONE --get--> BUSY --ok--> VALIDATED --last put--> BUSY --> NONE
 *                  |  budget: PARTIAL (resumed by get)    |  budget: PARTIAL|TEARDOWN (resumed by
 * put,
 *                  +- refused: PARTIAL|TEARDOWN <---------+          get or domain death)
 *
 * BUSY is the frame's lock. PARTIAL keeps the type count at 1 and holds one reference of its own,
 * so a guest that walks away from a continuation leaves nothing dangling.
 */
#include "pagetype.h"

#include "descriptor.h"
#include "domain.h"
#include "log.h"
#include "pagetable.h"

#define ENTRIES 512

static bool is_table(uint64_t type)
{
    return type >= PT_L1 && type <= PT_L4;
}

static bool is_hypervisor_slot(unsigned level, unsigned index)
{
    return level == 4 && index >= HYPERVISOR_SLOT_FIRST && index <= HYPERVISOR_SLOT_LAST;
}

/* Leave BUSY for `next` (a whole type word). */
static void settle(struct frame *f, uint64_t next)
{
    atomic_store_explicit(&f->type, next, memory_order_release);
}

static void settle_partial(struct frame *f, uint64_t type, uint64_t flags, unsigned progress)
{
    f->progress = (uint16_t)progress;
    atomic_fetch_add(&f->count, 1); /* the partial state's own reference */
    settle(f, type | PT_PARTIAL | flags | 1);
}

static void settle_none(mfn_t mfn)
{
    frame_of(mfn)->tlb_epoch = this_cpu()->tlb_epoch;
    settle(frame_of(mfn), PT_NONE);
}

/* Validate entries from `from` on, storing what hardware shall see; *done counts those valid. */
static int validate_entries(struct vcpu *v, struct domain *owner, mfn_t mfn, unsigned level,
                            unsigned from, unsigned *done)
{
    pte_t *table = machine_map(mfn);
    unsigned i;
    int err = 0;

    for (i = from; i < ENTRIES; i++) {
        pte_t wanted = __atomic_load_n(&table[i], __ATOMIC_RELAXED), entry;

        if (!(wanted & PTE_PRESENT) || is_hypervisor_slot(level, i)) {
            continue;
        }
        if (hypercall_preempt(v, 4)) {
            err = -XEN_ERESTART;
            break;
        }
        err = pte_get(v, owner, owner, level, i, wanted, &entry);
        if (err) {
            break;
        }
        if (entry != wanted) {
            __atomic_store_n(&table[i], entry, __ATOMIC_RELAXED);
        }
    }
    *done = i;
    return err;
}

/* Drop what entries [0, count) hold, from the top; *left counts those still held. */
static int drop_entries(struct vcpu *v, mfn_t mfn, unsigned level, unsigned count, unsigned *left)
{
    pte_t *table = machine_map(mfn);

    for (*left = count; *left > 0; (*left)--) {
        unsigned i = *left - 1;
        pte_t entry = __atomic_load_n(&table[i], __ATOMIC_RELAXED);

        if (!(entry & PTE_PRESENT) || is_hypervisor_slot(level, i)) {
            continue;
        }
        if (hypercall_preempt(v, 4) || pte_put(v, level, entry)) {
            return -XEN_ERESTART;
        }
    }
    return 0;
}

/* BUSY, `count` entries valid: take them down. On return NONE (0) or PARTIAL|TEARDOWN. */
static int teardown(struct vcpu *v, mfn_t mfn, uint64_t type, unsigned count)
{
    unsigned left;

    if (!is_table(type)) {
        settle_none(mfn);
        return 0;
    }
    if (type == PT_L4 && count == ENTRIES) {
        machine_l4_clear(mfn);
    }
    if (drop_entries(v, mfn, pt_level(type), count, &left)) {
        settle_partial(frame_of(mfn), type, PT_TEARDOWN, left);
        return -XEN_ERESTART;
    }
    settle_none(mfn);
    return 0;
}

/* BUSY with a count of 1: make the contents obey the type. */
static int validate(struct vcpu *v, struct domain *owner, mfn_t mfn, uint64_t type, unsigned from)
{
    struct frame *f = frame_of(mfn);
    unsigned done = 0;
    int err;

    if (type == PT_SEGDESC) {
        if (!descriptor_page_validate(mfn)) {
            settle_none(mfn);
            return refuse(v, XEN_EINVAL, "descriptor",
                          "mfn %#lx holds a descriptor that a guest may not have", mfn.n);
        }
        settle(f, type | PT_VALIDATED | 1);
        return 0;
    }
    err = validate_entries(v, owner, mfn, pt_level(type), from, &done);
    if (err == -XEN_ERESTART) {
        settle_partial(f, type, 0, done);
        return err;
    }
    if (err) {
        /* Even when the way down needs a continuation, the refusal is what the guest hears: get
         * on a PARTIAL|TEARDOWN frame ends in -EINVAL. */
        return teardown(v, mfn, type, done) ? -XEN_ERESTART : err;
    }
    if (type == PT_L4) {
        machine_l4_fill(mfn);
    }
    settle(f, type | PT_VALIDATED | 1);
    return 0;
}

/* Resume a PARTIAL frame whose word was `word`; we have made it BUSY. */
static int resume(struct vcpu *v, struct domain *owner, mfn_t mfn, uint64_t word)
{
    struct frame *f = frame_of(mfn);
    uint64_t type = word & PT_TYPE_MASK;
    int err;

    if (word & PT_TEARDOWN) {
        err = teardown(v, mfn, type, f->progress);
        err = err ? err : -XEN_EINVAL;
    } else {
        err = validate(v, owner, mfn, type, f->progress);
    }
    frame_put(mfn); /* the partial state's reference; a new one was taken if it is partial again */
    return err;
}

int pagetype_get(struct vcpu *v, struct domain *owner, mfn_t mfn, uint64_t type)
{
    struct frame *f = frame_of(mfn);
    uint64_t word = atomic_load_explicit(&f->type, memory_order_acquire);

    for (;;) {
        uint64_t next;

        if (word & PT_COUNT_MASK) {
            if ((word & PT_TYPE_MASK) != type) {
                return -XEN_EBUSY;
            }
            if (word & PT_BUSY) {
                __builtin_ia32_pause();
                word = atomic_load_explicit(&f->type, memory_order_acquire);
                continue;
            }
            if ((word & PT_COUNT_MASK) > PT_COUNT_MASK / 2) {
                return -XEN_EBUSY;
            }
            next = word & PT_PARTIAL ? (word & ~(PT_PARTIAL | PT_TEARDOWN)) | PT_BUSY : word + 1;
        } else {
            next = type | 1 | (type == PT_WRITABLE ? PT_VALIDATED : PT_BUSY);
        }
        if (atomic_compare_exchange_weak(&f->type, &word, next)) {
            break;
        }
    }
    if ((word & PT_COUNT_MASK) == 0) {
        if ((word & PT_TYPE_MASK) != type) {
            frame_flush_stale(f);
        }
        return type == PT_WRITABLE ? 0 : validate(v, owner, mfn, type, 0);
    }
    return word & PT_PARTIAL ? resume(v, owner, mfn, word) : 0;
}

int pagetype_put(struct vcpu *v, mfn_t mfn)
{
    struct frame *f = frame_of(mfn);
    uint64_t word = atomic_load_explicit(&f->type, memory_order_acquire);
    uint64_t next;

    for (;;) {
        BUG_ON((word & PT_COUNT_MASK) == 0);
        if (word & PT_BUSY) {
            __builtin_ia32_pause();
            word = atomic_load_explicit(&f->type, memory_order_acquire);
            continue;
        }
        if ((word & PT_COUNT_MASK) > 1) {
            next = word - 1;
        } else if ((word & PT_TYPE_MASK) == PT_WRITABLE) {
            /* The type stays until another is asked for; only the epoch must be remembered. */
            f->tlb_epoch = this_cpu()->tlb_epoch;
            next = word - 1;
        } else {
            next = (word & ~(PT_PARTIAL | PT_TEARDOWN | PT_VALIDATED)) | PT_BUSY;
        }
        if (atomic_compare_exchange_weak(&f->type, &word, next)) {
            break;
        }
    }
    if (!(next & PT_BUSY)) {
        return 0;
    }
    if (word & PT_PARTIAL) {
        int err = teardown(v, mfn, word & PT_TYPE_MASK, f->progress);

        frame_put(mfn);
        return err;
    }
    return teardown(v, mfn, word & PT_TYPE_MASK, ENTRIES);
}

/* Parked frames keep the reference of who parked them. */
void pagetype_put_later(struct vcpu *v, mfn_t mfn)
{
    unsigned i;

    if (pagetype_put(v, mfn) == 0) {
        frame_put(mfn);
        return;
    }
    for (i = 0; i < ARRAY_LEN(v->parked); i++) {
        if (mfn_is_none(v->parked[i])) {
            v->parked[i] = mfn;
            return;
        }
    }
    while (pagetype_put(NULL, mfn)) {
    }
    frame_put(mfn);
}

int pagetype_finish(struct vcpu *v)
{
    for (unsigned i = 0; i < ARRAY_LEN(v->parked); i++) {
        mfn_t mfn = v->parked[i];

        if (mfn_is_none(mfn)) {
            continue;
        }
        if (pagetype_put(v, mfn)) {
            return -XEN_ERESTART;
        }
        v->parked[i] = MFN_NONE;
        frame_put(mfn);
    }
    return 0;
}

int frame_get_and_type(struct vcpu *v, struct domain *owner, mfn_t mfn, uint64_t type)
{
    int err;

    if (!frame_get(mfn, owner)) {
        return -XEN_EINVAL;
    }
    err = pagetype_get(v, owner, mfn, type);
    if (err) {
        frame_put(mfn);
    }
    return err;
}

int frame_put_and_type(struct vcpu *v, mfn_t mfn)
{
    int err = pagetype_put(v, mfn);

    if (!err) {
        frame_put(mfn);
    }
    return err;
}

int pagetype_pin(struct vcpu *v, struct domain *d, mfn_t mfn, uint64_t type)
{
    struct frame *f;
    int err = frame_get_and_type(v, d, mfn, type);

    if (err) {
        return err;
    }
    f = frame_of(mfn);
    if (atomic_fetch_or(&f->type, PT_PINNED) & PT_PINNED) {
        pagetype_put_later(v, mfn);
        return refuse(v, XEN_EINVAL, "pin-twice", "mfn %#lx is pinned already", mfn.n);
    }
    return 0;
}

int pagetype_unpin(struct vcpu *v, struct domain *d, mfn_t mfn)
{
    struct frame *f;

    if (!frame_get(mfn, d)) {
        return refuse(v, XEN_EINVAL, "not-yours", "unpin: mfn %#lx is not d%u's", mfn.n, d->id);
    }
    f = frame_of(mfn);
    if (!(atomic_fetch_and(&f->type, ~PT_PINNED) & PT_PINNED)) {
        frame_put(mfn);
        return refuse(v, XEN_EINVAL, "pin-none", "unpin: mfn %#lx is not pinned", mfn.n);
    }
    frame_put(mfn);
    pagetype_put_later(v, mfn);
    return 0;
}

int pagetype_relinquish(struct vcpu *v, mfn_t mfn)
{
    struct frame *f = frame_of(mfn);
    uint64_t word = atomic_fetch_and(&f->type, ~PT_PINNED);

    if (word & PT_PINNED) {
        int err = frame_put_and_type(v, mfn);

        if (err) {
            atomic_fetch_or(&f->type, PT_PINNED); /* come back to it */
            return err;
        }
    } else if (word & PT_PARTIAL) {
        return pagetype_put(v, mfn);
    }
    return 0;
}

bool pagetype_lock(mfn_t mfn, uint64_t *word)
{
    struct frame *f = frame_of(mfn);

    *word = atomic_load_explicit(&f->type, memory_order_acquire);
    for (;;) {
        if (!(*word & PT_VALIDATED) || !is_table(*word & PT_TYPE_MASK) ||
            !(*word & PT_COUNT_MASK)) {
            if (!(*word & PT_BUSY)) {
                return false;
            }
        } else if (!(*word & PT_BUSY)) {
            if (atomic_compare_exchange_weak(&f->type, word, *word | PT_BUSY)) {
                return true;
            }
            continue;
        }
        __builtin_ia32_pause();
        *word = atomic_load_explicit(&f->type, memory_order_acquire);
    }
}

void pagetype_unlock(mfn_t mfn)
{
    atomic_fetch_and_explicit(&frame_of(mfn)->type, ~PT_BUSY, memory_order_release);
}
