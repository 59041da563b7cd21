/* SPDX-License-Identifier: MIT */
/*
 * Page-table entries: formats, the one validator for every entry a guest asks for, and walks.
 * Formats: Intel SDM vol. 3A, 4.5 "4-level paging".
 */
#ifndef PARAVANE_CORE_PAGETABLE_H
#define PARAVANE_CORE_PAGETABLE_H

#include "pagetype.h"

typedef uint64_t pte_t;

#define PTE_PRESENT (1ull << 0)
#define PTE_RW (1ull << 1)
#define PTE_USER (1ull << 2)
#define PTE_PWT (1ull << 3)
#define PTE_PCD (1ull << 4)
#define PTE_ACCESSED (1ull << 5)
#define PTE_DIRTY (1ull << 6)
#define PTE_PSE (1ull << 7) /* PAT in an L1 entry */
#define PTE_PAT PTE_PSE
#define PTE_GLOBAL (1ull << 8)
#define PTE_AVAIL (7ull << 9)
#define PTE_GUEST_KERNEL (1ull << 52) /* Xen's _PAGE_GUEST_KERNEL, visible to the guest */
#define PTE_NX (1ull << 63)
#define PTE_MFN_MASK 0x000ffffffffff000ull

static inline mfn_t pte_mfn(pte_t pte)
{
    return MFN((pte & PTE_MFN_MASK) >> PAGE_SHIFT);
}

/* Index of va in the table of `level` (1..4). */
static inline unsigned pt_index(uint64_t va, unsigned level)
{
    return (va >> (PAGE_SHIFT + 9 * (level - 1))) & 511;
}

/*
 * Validate one present or absent guest entry for a table of `level` owned by d, in slot `index`
 * (only L4 looks at it), take the references it holds, and give in *out what hardware shall see.
 * `foreign` is the domain whose frames L1 entries may name besides d's own shared frames (d
 * itself normally). Errors: -EINVAL, -EPERM, -EBUSY, -ERESTART (why-line logged).
 */
int pte_get(struct vcpu *v, struct domain *d, struct domain *foreign, unsigned level,
            unsigned index, pte_t wanted, pte_t *out);
/* Drop what a validated entry holds. */
int pte_put(struct vcpu *v, unsigned level, pte_t pte);

/*
 * The one way a guest's entry is changed: table frame `table` (of any table type, or PT_WRITABLE,
 * when it is a plain store), entry `index`. `preserve_ad` keeps hardware's A and D bits. Atomic
 * with hardware and other CPUs; *old (may be NULL) gets the entry replaced. When `expected` is
 * not NULL the store happens only if the entry equals *expected; else -EAGAIN and *old is set.
 */
int pte_update(struct vcpu *v, struct domain *foreign, mfn_t table, unsigned index, pte_t wanted,
               bool preserve_ad, const pte_t *expected, pte_t *old);

/* A grant mapping: write an L1 entry naming a frame of another domain, for which the caller has
 * taken the references the entry will hold. *old gets the entry replaced, already dropped. */
int pte_install(struct vcpu *v, mfn_t table, unsigned index, pte_t entry);
/* Replace the entry by `next` only if it names mfn; -EAGAIN (and nothing done) otherwise. */
int pte_remove(struct vcpu *v, mfn_t table, unsigned index, mfn_t mfn, pte_t next);

/* Walk root for va without touching guest mappings. Returns the entry that ends the walk at
 * `*level` (1 when complete); *table and the index name where it stands. 0 if not present. */
pte_t pagetable_walk(mfn_t root, uint64_t va, unsigned *level, mfn_t *table);

/*
 * A write fault at va with this error code, in guest kernel mode, that may be the guest writing its
 * own L1 table through a read-only mapping: decode the instruction at v->regs.rip, apply the write
 * through pte_update, advance rip. true: handled. (ptwr.c)
 */
bool pagetable_emulate_write(struct vcpu *v, uint64_t va);

#endif
