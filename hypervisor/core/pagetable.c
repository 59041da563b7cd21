/* SPDX-License-Identifier: MIT */
/*
 * The one validator of page-table entries, the one way an entry is changed, and walks. Nothing here
 * reads through guest mappings: tables are reached by frame number in the direct map.
 */
#include "pagetable.h"

#include "domain.h"
#include "log.h"
#include "pagetype.h"

/* Refused in every present entry: cache attributes other than write-back (guests share RAM only),
 * and the large-page or global bits where they mean that. */
#define L1_REFUSED (PTE_PWT | PTE_PCD | PTE_PAT)
#define LN_REFUSED (PTE_PWT | PTE_PCD | PTE_PSE)

static pte_t *entry_at(mfn_t table, unsigned index)
{
    return (pte_t *)machine_map(table) + index;
}

static int refuse_owner(struct vcpu *v, struct domain *d, unsigned level, mfn_t mfn)
{
    if (!mfn_is_ram(mfn)) {
        return refuse(v, XEN_EINVAL, "not-ram", "L%u entry names mfn %#lx, which is no RAM", level,
                      mfn.n);
    }
    return refuse(v, XEN_EINVAL, "not-yours", "L%u entry names mfn %#lx, which d%u does not own",
                  level, mfn.n, d->id);
}

static const char *type_name(uint64_t word)
{
    static const char *const names[] = {
        "untyped", "an L1 table", "an L2 table", "an L3 table", "an L4 table", "a descriptor table",
        "",        "writable"};

    return names[(word & PT_TYPE_MASK) >> 60];
}

static int l1_get(struct vcpu *v, struct domain *foreign, pte_t wanted, pte_t *out)
{
    mfn_t mfn = pte_mfn(wanted);
    int err;

    if (unlikely(wanted & L1_REFUSED)) {
        return refuse(v, XEN_EINVAL, "pte-bits", "L1 entry %#lx has cache attribute bits", wanted);
    }
    if (unlikely(!frame_get(mfn, foreign))) {
        return refuse_owner(v, foreign, 1, mfn);
    }
    if (wanted & PTE_RW) {
        err = pagetype_get(v, foreign, mfn, PT_WRITABLE);
        if (unlikely(err)) {
            uint64_t word = frame_type(mfn);

            frame_put(mfn);
            return refuse(v, -err, "pagetable-ro", "mfn %#lx is %s, asked writable by an L1 entry",
                          mfn.n, type_name(word));
        }
    }
    *out = (wanted | PTE_USER) & ~PTE_GLOBAL;
    return 0;
}

static int table_get(struct vcpu *v, struct domain *d, unsigned level, pte_t wanted, pte_t *out)
{
    mfn_t mfn = pte_mfn(wanted);
    int err;

    if (wanted & LN_REFUSED) {
        return refuse(v, XEN_EINVAL, "pte-bits",
                      "L%u entry %#lx has large-page or cache attribute bits", level, wanted);
    }
    if (!frame_get(mfn, d)) {
        return refuse_owner(v, d, level, mfn);
    }
    err = pagetype_get(v, d, mfn, pt_of_level(level - 1));
    if (err) {
        if (err == -XEN_EBUSY) {
            refuse(v, XEN_EINVAL, "table-type", "L%u entry names mfn %#lx, which is %s", level,
                   mfn.n, type_name(frame_type(mfn)));
            err = -XEN_EINVAL;
        }
        frame_put(mfn);
        return err;
    }
    *out = (wanted | PTE_USER) & ~PTE_GLOBAL;
    return 0;
}

int pte_get(struct vcpu *v, struct domain *d, struct domain *foreign, unsigned level,
            unsigned index, pte_t wanted, pte_t *out)
{
    if (level == 4 && index >= HYPERVISOR_SLOT_FIRST && index <= HYPERVISOR_SLOT_LAST) {
        return refuse(v, XEN_EINVAL, "hypervisor-slot", "L4 slot %u is the hypervisor's", index);
    }
    if (!(wanted & PTE_PRESENT)) {
        *out = wanted;
        return 0;
    }
    return level == 1 ? l1_get(v, foreign, wanted, out) : table_get(v, d, level, wanted, out);
}

int pte_put(struct vcpu *v, unsigned level, pte_t pte)
{
    mfn_t mfn = pte_mfn(pte);

    if (!(pte & PTE_PRESENT)) {
        return 0;
    }
    if (level == 1) {
        if (pte & PTE_RW) {
            pagetype_put(NULL, mfn);
        }
        frame_of(mfn)->tlb_epoch = this_cpu()->tlb_epoch;
        frame_put(mfn);
        return 0;
    }
    return frame_put_and_type(v, mfn);
}

/* Drop an entry that was replaced; a table's long way down is parked in v. */
static void put_replaced(struct vcpu *v, unsigned level, pte_t old)
{
    if (!(old & PTE_PRESENT)) {
        return;
    }
    if (level > 1) {
        /* Its tables may be cached by the paging-structure caches until a flush. */
        atomic_fetch_or_explicit(&this_cpu()->work, PCPU_WORK_FLUSH, memory_order_relaxed);
        pagetype_put_later(v, pte_mfn(old));
        return;
    }
    pte_put(v, 1, old);
}

/*
 * Store `entry` over what stands there, atomically with hardware's A and D updates. Fails with
 * -EAGAIN only when `expected` is given and differs.
 */
static int exchange(pte_t *at, pte_t entry, bool preserve_ad, const pte_t *expected, pte_t *old)
{
    pte_t now = __atomic_load_n(at, __ATOMIC_RELAXED);
    pte_t next;

    do {
        if (expected && now != *expected) {
            *old = now;
            return -XEN_EAGAIN;
        }
        next = preserve_ad ? entry | (now & (PTE_ACCESSED | PTE_DIRTY)) : entry;
    } while (
        !__atomic_compare_exchange_n(at, &now, next, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    *old = now;
    return 0;
}

/*
 * Same frame, present before and after, and not becoming writable: the references that the old
 * entry holds are those the new one needs (a writable one too many is dropped), so nothing is
 * validated but the bits.
 */
static bool is_harmless(unsigned level, pte_t now, pte_t wanted)
{
    return level == 1 && (now & wanted & PTE_PRESENT) && ((now ^ wanted) & PTE_MFN_MASK) == 0 &&
           !(wanted & ~now & PTE_RW) && !(wanted & L1_REFUSED);
}

/* -EAGAIN also when the entry changed under us. */
static int update_harmless(pte_t *at, pte_t now, pte_t wanted, bool preserve_ad)
{
    pte_t entry = (wanted | PTE_USER) & ~PTE_GLOBAL, old;

    if (preserve_ad) {
        entry |= now & (PTE_ACCESSED | PTE_DIRTY);
    }
    if (exchange(at, entry, false, &now, &old)) {
        return -XEN_EAGAIN;
    }
    if (now & ~wanted & PTE_RW) {
        pagetype_put(NULL, pte_mfn(now));
    }
    return 0;
}

static int update_table(struct vcpu *v, struct domain *d, struct domain *foreign, mfn_t table,
                        unsigned level, unsigned index, pte_t wanted, bool preserve_ad,
                        const pte_t *expected, pte_t *old)
{
    pte_t *at = entry_at(table, index);
    pte_t now = __atomic_load_n(at, __ATOMIC_RELAXED), entry;
    int err;

    if (level == 4 && index >= HYPERVISOR_SLOT_FIRST && index <= HYPERVISOR_SLOT_LAST &&
        wanted == 0) {
        *old = 0; /* clearing what is not the guest's to see: nothing to do */
        return 0;
    }
    if ((!expected || now == *expected) && is_harmless(level, now, wanted) &&
        update_harmless(at, now, wanted, preserve_ad) == 0) {
        *old = now;
        return 0;
    }
    err = pte_get(v, d, foreign, level, index, wanted, &entry);
    if (unlikely(err)) {
        return err;
    }
    err = exchange(at, entry, preserve_ad, expected, old);
    if (unlikely(err)) {
        put_replaced(v, level, entry);
        return err;
    }
    put_replaced(v, level, *old);
    return 0;
}

/* An ordinary writable page: store as the guest itself could. */
static int update_plain(struct vcpu *v, struct domain *d, mfn_t table, unsigned index, pte_t wanted,
                        const pte_t *expected, pte_t *old)
{
    int err = frame_get_and_type(v, d, table, PT_WRITABLE);

    if (err) {
        return refuse(v, XEN_EINVAL, "not-a-table", "mfn %#lx is neither a page table nor writable",
                      table.n);
    }
    err = exchange(entry_at(table, index), wanted, false, expected, old);
    frame_put_and_type(v, table);
    return err;
}

int pte_update(struct vcpu *v, struct domain *foreign, mfn_t table, unsigned index, pte_t wanted,
               bool preserve_ad, const pte_t *expected, pte_t *old)
{
    struct domain *d = v->domain;
    uint64_t word;
    pte_t unused = 0;
    int err;

    if (unlikely(!frame_get(table, d))) {
        return refuse(v, XEN_EINVAL, "not-yours", "page table mfn %#lx is not d%u's", table.n,
                      d->id);
    }
    old = old ? old : &unused;
    if (likely(pagetype_lock(table, &word))) {
        err = update_table(v, d, foreign, table, pt_level(word), index, wanted, preserve_ad,
                           expected, old);
        pagetype_unlock(table);
    } else {
        err = update_plain(v, d, table, index, wanted, expected, old);
    }
    frame_put(table);
    return err;
}

int pte_install(struct vcpu *v, mfn_t table, unsigned index, pte_t entry)
{
    uint64_t word;
    pte_t old;

    if (!frame_get(table, v->domain)) {
        return -XEN_EINVAL;
    }
    if (!pagetype_lock(table, &word) || pt_level(word) != 1) {
        if (word & PT_VALIDATED && pt_level(word) > 1) {
            pagetype_unlock(table);
        }
        frame_put(table);
        return refuse(v, XEN_EINVAL, "grant-pte", "mfn %#lx is not an L1 table", table.n);
    }
    exchange(entry_at(table, index), entry | PTE_USER, false, NULL, &old);
    put_replaced(v, 1, old);
    pagetype_unlock(table);
    frame_put(table);
    return 0;
}

int pte_remove(struct vcpu *v, mfn_t table, unsigned index, mfn_t mfn, pte_t next)
{
    uint64_t word;
    pte_t *at, now;
    int err = -XEN_EAGAIN;

    if (!frame_get(table, v->domain)) {
        return -XEN_EINVAL;
    }
    if (pagetype_lock(table, &word)) {
        at = entry_at(table, index);
        now = __atomic_load_n(at, __ATOMIC_RELAXED);
        if (pt_level(word) == 1 && (now & PTE_PRESENT) && mfn_equal(pte_mfn(now), mfn)) {
            err = exchange(at, next, false, NULL, &now);
            put_replaced(v, 1, now);
        }
        pagetype_unlock(table);
    }
    frame_put(table);
    return err;
}

pte_t pagetable_walk(mfn_t root, uint64_t va, unsigned *level, mfn_t *table)
{
    mfn_t at = root;
    unsigned l = 4;

    for (;; l--) {
        pte_t entry = __atomic_load_n(entry_at(at, pt_index(va, l)), __ATOMIC_RELAXED);

        *level = l;
        *table = at;
        if (!(entry & PTE_PRESENT)) {
            return 0;
        }
        if (l == 1) {
            return entry;
        }
        at = pte_mfn(entry);
    }
}
