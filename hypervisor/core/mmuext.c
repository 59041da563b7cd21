/* SPDX-License-Identifier: MIT */
/* mmuext_op(2): pinning, new roots, TLB, LDT. One small function each; the batch loop at the end.
 */
#include "descriptor.h"
#include "guest.h"
#include "handlers.h"
#include "log.h"
#include "pagetable.h"

static long pin(struct vcpu *v, const struct mmuext_op *op, uint64_t type)
{
    int err = pagetype_pin(v, v->domain, MFN(op->arg1.mfn), type);

    if (err == -XEN_EBUSY) {
        return refuse(v, XEN_EINVAL, "pin-type", "mfn %#lx is in use as something else",
                      (uint64_t)op->arg1.mfn);
    }
    return err;
}

long do_mmuext_pin_l1_table(struct vcpu *v, struct mmuext_op *op)
{
    return pin(v, op, PT_L1);
}

long do_mmuext_pin_l2_table(struct vcpu *v, struct mmuext_op *op)
{
    return pin(v, op, PT_L2);
}

long do_mmuext_pin_l3_table(struct vcpu *v, struct mmuext_op *op)
{
    return pin(v, op, PT_L3);
}

long do_mmuext_pin_l4_table(struct vcpu *v, struct mmuext_op *op)
{
    return pin(v, op, PT_L4);
}

long do_mmuext_unpin_table(struct vcpu *v, struct mmuext_op *op)
{
    return pagetype_unpin(v, v->domain, MFN(op->arg1.mfn));
}

/* Take an L4 for a root, with the why-line that a plain -EBUSY lacks. */
static int root_get(struct vcpu *v, mfn_t mfn)
{
    int err = frame_get_and_type(v, v->domain, mfn, PT_L4);

    if (err && err != -XEN_ERESTART) {
        return refuse(v, XEN_EINVAL, "root", "mfn %#lx cannot be a root", mfn.n);
    }
    return err;
}

long do_mmuext_new_baseptr(struct vcpu *v, struct mmuext_op *op)
{
    mfn_t old = v->guest_table, next = MFN(op->arg1.mfn);

    if (!mfn_equal(old, next)) {
        int err = root_get(v, next);

        if (err) {
            return err;
        }
        v->guest_table = next;
    }
    machine_load_root(next);
    if (!mfn_equal(old, next)) {
        pagetype_put_later(v, old);
    }
    return 0;
}

long do_mmuext_new_user_baseptr(struct vcpu *v, struct mmuext_op *op)
{
    mfn_t old = v->guest_table_user, next = MFN(op->arg1.mfn);

    if (mfn_equal(old, next)) {
        return 0;
    }
    if (!mfn_is_none(next)) {
        int err = root_get(v, next);

        if (err) {
            return err;
        }
    }
    v->guest_table_user = next;
    if (!mfn_is_none(old)) {
        pagetype_put_later(v, old);
    }
    return 0;
}

/* One CPU runs guests today, so "on all CPUs" and "here" are the same flush. */
static long flush_all(void)
{
    atomic_fetch_or_explicit(&this_cpu()->work, PCPU_WORK_FLUSH, memory_order_relaxed);
    return 0;
}

static long flush_page(const struct mmuext_op *op)
{
    machine_tlb_flush_page(op->arg1.linear_addr);
    return 0;
}

long do_mmuext_tlb_flush_local(struct vcpu *v, struct mmuext_op *op)
{
    (void)v, (void)op;
    return flush_all();
}

long do_mmuext_invlpg_local(struct vcpu *v, struct mmuext_op *op)
{
    (void)v;
    return flush_page(op);
}

/* The vCPU bitmap is read, as a bad pointer must be told. */
static long check_bitmap(const struct mmuext_op *op)
{
    uint32_t bitmap;

    return guest_copy_in(&bitmap, (uint64_t)op->arg2.vcpumask.p, sizeof(bitmap));
}

long do_mmuext_tlb_flush_multi(struct vcpu *v, struct mmuext_op *op)
{
    long err = check_bitmap(op);

    (void)v;
    return err ? err : flush_all();
}

long do_mmuext_invlpg_multi(struct vcpu *v, struct mmuext_op *op)
{
    long err = check_bitmap(op);

    (void)v;
    return err ? err : flush_page(op);
}

long do_mmuext_tlb_flush_all(struct vcpu *v, struct mmuext_op *op)
{
    (void)v, (void)op;
    return flush_all();
}

long do_mmuext_invlpg_all(struct vcpu *v, struct mmuext_op *op)
{
    (void)v;
    return flush_page(op);
}

/* RAM is write-back and coherent, and no guest has a device: nothing to write back. */
long do_mmuext_flush_cache(struct vcpu *v, struct mmuext_op *op)
{
    (void)v, (void)op;
    return 0;
}

long do_mmuext_set_ldt(struct vcpu *v, struct mmuext_op *op)
{
    return ldt_set(v, op->arg1.linear_addr, op->arg2.nr_ents);
}

#define RESUMED 0x80000000u

long do_mmuext_op(struct vcpu *v, uint64_t ops, uint64_t count, uint64_t done_va, uint64_t domid)
{
    uint32_t n = (uint32_t)count & ~RESUMED, i, done = 0;
    long err = pagetype_finish(v);

    if (unlikely(err)) {
        return err;
    }
    if ((domid_t)domid != DOMID_SELF && (domid_t)domid != v->domain->id) {
        return refuse(v, XEN_EPERM, "foreign", "page tables of d%u are out of reach",
                      (domid_t)domid);
    }
    if ((count & RESUMED) && done_va) {
        guest_copy_in(&done, done_va, sizeof(done));
    }
    for (i = 0; i < n && !err; i++) {
        struct mmuext_op op;

        if (i && (hypercall_preempt(v, 16) || pagetype_finish(v))) {
            err = -XEN_ERESTART;
            break;
        }
        if (guest_copy_in_at(&op, ops, i, sizeof(op))) {
            err = -XEN_EFAULT;
            break;
        }
        err = mmuext_op_each(v, &op);
        if (err) {
            break;
        }
    }
    done += i;
    if (done_va && guest_copy_out(done_va, &done, sizeof(done)) && !err) {
        err = -XEN_EFAULT;
    }
    if (err == -XEN_ERESTART) {
        v->hc.args[0] = ops + i * sizeof(struct mmuext_op);
        v->hc.args[1] = (n - i) | RESUMED;
    }
    return err;
}
