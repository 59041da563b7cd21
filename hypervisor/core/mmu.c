/* SPDX-License-Identifier: MIT */
/* mmu_update(2), update_va_mapping(2): page-table entries by machine address and by virtual. */
#include "guest.h"
#include "handlers.h"
#include "log.h"
#include "pagetable.h"

static int machphys(struct vcpu *v, struct domain *d, const mmu_update_t *req)
{
    mfn_t mfn = MFN(req->ptr >> PAGE_SHIFT);

    if (!frame_get(mfn, d)) {
        return refuse(v, XEN_EINVAL, "not-yours", "machphys: mfn %#lx is not d%u's", mfn.n, d->id);
    }
    m2p[mfn.n] = req->val;
    frame_put(mfn);
    return 0;
}

/* One request. `foreign` owns the frames that new L1 entries may name. */
static int update_one(struct vcpu *v, struct domain *foreign, const mmu_update_t *req)
{
    unsigned cmd = req->ptr & 3;

    switch (cmd) {
    case MMU_NORMAL_PT_UPDATE:
    case MMU_PT_UPDATE_PRESERVE_AD:
        if (unlikely(req->ptr & 4)) {
            return refuse(v, XEN_EINVAL, "unaligned", "entry address %#lx is not a multiple of 8",
                          (uint64_t)(req->ptr & ~3ull));
        }
        return pte_update(v, foreign, MFN(req->ptr >> PAGE_SHIFT), (req->ptr & ~PAGE_MASK) >> 3,
                          req->val, cmd == MMU_PT_UPDATE_PRESERVE_AD, NULL, NULL);
    case MMU_MACHPHYS_UPDATE:
        return machphys(v, foreign, req);
    default:
        return -XEN_ENOSYS;
    }
}

/* The domain whose frames are meant: low half of foreigndom (the high half, a table's owner minus
 * one, is for privileged domains and not provided). */
static struct domain *foreign_domain(struct vcpu *v, uint64_t foreigndom, int *err)
{
    struct domain *d = NULL;

    *err = -XEN_EPERM;
    if (foreigndom >> 16) {
        refuse(v, XEN_EPERM, "foreign", "page tables of another domain are out of reach");
        return NULL;
    }
    if ((domid_t)foreigndom != DOMID_SELF && (domid_t)foreigndom != v->domain->id &&
        !v->domain->privileged) {
        refuse(v, XEN_EPERM, "foreign", "frames of d%u are not yours to map", (domid_t)foreigndom);
        return NULL;
    }
    *err = -XEN_ESRCH;
    d = domain_get(v, (domid_t)foreigndom);
    return d;
}

/* count's top bit says that *done already counts what an earlier part of this call did. */
#define RESUMED 0x80000000u

static uint32_t done_before(uint64_t count, uint64_t done_va)
{
    uint32_t done = 0;

    if ((count & RESUMED) && done_va) {
        guest_copy_in(&done, done_va, sizeof(done));
    }
    return done;
}

long do_mmu_update(struct vcpu *v, uint64_t reqs, uint64_t count, uint64_t done_va,
                   uint64_t foreigndom)
{
    uint32_t n = (uint32_t)count & ~RESUMED, i, done = done_before(count, done_va);
    struct domain *foreign;
    int err = pagetype_finish(v);

    if (unlikely(err)) {
        return err;
    }
    if (likely((domid_t)foreigndom == DOMID_SELF && foreigndom == DOMID_SELF)) {
        foreign = v->domain;
    } else {
        foreign = foreign_domain(v, foreigndom, &err);
        if (!foreign) {
            return err;
        }
    }
    err = 0;
    for (i = 0; i < n && !err; i++) {
        mmu_update_t req;

        if (i && hypercall_preempt(v, 8)) {
            err = -XEN_ERESTART;
            break;
        }
        if (unlikely(guest_copy_in_at(&req, reqs, i, sizeof(req)))) {
            err = -XEN_EFAULT;
            break;
        }
        err = update_one(v, foreign, &req);
        if (err) {
            break;
        }
    }
    done += i;
    if (done_va && guest_copy_out(done_va, &done, sizeof(done)) && !err) {
        err = -XEN_EFAULT;
    }
    if (foreign != v->domain) {
        domain_put(foreign);
    }
    if (err == -XEN_ERESTART) {
        v->hc.args[0] = reqs + i * sizeof(mmu_update_t);
        v->hc.args[1] = (n - i) | RESUMED;
    }
    return err;
}

/* Flags of update_va_mapping: which TLB entries go, on which of the domain's CPUs. */
static void flush_after(uint64_t va, uint64_t flags)
{
    struct pcpu *pcpu = this_cpu();

    switch (flags & UVMF_FLUSHTYPE_MASK) {
    case UVMF_TLB_FLUSH:
        atomic_fetch_or_explicit(&pcpu->work, PCPU_WORK_FLUSH, memory_order_relaxed);
        break;
    case UVMF_INVLPG:
        machine_tlb_flush_page(va);
        break;
    default:
        break;
    }
}

static long update_va(struct vcpu *v, struct domain *foreign, uint64_t va, uint64_t pte,
                      uint64_t flags)
{
    unsigned level;
    mfn_t table;
    int err = pagetype_finish(v);

    if (unlikely(err)) {
        return err;
    }
    if (unlikely(!va_range_is_guest(va, 1))) {
        return refuse(v, XEN_EINVAL, "hypervisor-slot", "va %#lx is not the guest's", va);
    }
    pagetable_walk(v->guest_table, va, &level, &table);
    if (unlikely(level != 1)) {
        return refuse(v, XEN_EINVAL, "no-table", "va %#lx has no L1 table", va);
    }
    err = pte_update(v, foreign, table, pt_index(va, 1), pte, false, NULL, NULL);
    if (!err) {
        flush_after(va, flags);
    }
    return err;
}

long do_update_va_mapping(struct vcpu *v, uint64_t va, uint64_t pte, uint64_t flags)
{
    return update_va(v, v->domain, va, pte, flags);
}

long do_update_va_mapping_otherdomain(struct vcpu *v, uint64_t va, uint64_t pte, uint64_t flags,
                                      uint64_t domid)
{
    struct domain *foreign;
    long ret;
    int err;

    foreign = foreign_domain(v, (domid_t)domid, &err);
    if (!foreign) {
        return err;
    }
    ret = update_va(v, foreign, va, pte, flags);
    domain_put(foreign);
    return ret;
}
