/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include "console.h"
#include "descriptor.h"
#include "event.h"
#include "grant.h"
#include "log.h"
#include "pagetype.h"
#include "sched.h"

#define FRAMES 16384

void fixture_start(void)
{
    static bool started;

    if (started) {
        return;
    }
    started = true;
    sim_start(FRAMES);
    console_init(CONSOLE_MUX);
    sched_init();
}

struct vcpu *fixture_domain(unsigned vcpus)
{
    static domid_t next_id = 1;
    struct domain *d;

    fixture_start();
    d = domain_create(next_id++, "test", false, FRAMES);
    ck_assert_ptr_nonnull(d);
    for (unsigned id = 0; id < vcpus; id++) {
        struct vcpu *v = vcpu_create(d, id);

        ck_assert_ptr_nonnull(v);
        v->kernel_mode = true;
        v->hc.budget = HYPERCALL_BUDGET;
    }
    return d->vcpu[0];
}

mfn_t fixture_frame(struct domain *d)
{
    mfn_t mfn = frame_alloc_domain(d);

    ck_assert(!mfn_equal(mfn, MFN_INVALID));
    return mfn;
}

static mfn_t next_table(struct domain *d, mfn_t table, uint64_t va, unsigned level)
{
    pte_t *entry = (pte_t *)machine_map(table) + pt_index(va, level);

    if (!(*entry & PTE_PRESENT)) {
        *entry = fixture_frame(d).n << PAGE_SHIFT | PTE_KERNEL_RW;
    }
    return pte_mfn(*entry);
}

void fixture_map(struct domain *d, mfn_t *root, uint64_t va, mfn_t mfn, uint64_t flags)
{
    mfn_t table;

    if (mfn_is_none(*root)) {
        *root = fixture_frame(d);
    }
    table = *root;
    for (unsigned level = 4; level > 1; level--) {
        table = next_table(d, table, va, level);
    }
    ((pte_t *)machine_map(table))[pt_index(va, 1)] = mfn.n << PAGE_SHIFT | flags;
}

mfn_t fixture_l1(mfn_t root, uint64_t va)
{
    for (unsigned level = 4; level > 1; level--) {
        root = pte_mfn(((pte_t *)machine_map(root))[pt_index(va, level)]);
    }
    return root;
}

static void take_root(struct vcpu *v, mfn_t root)
{
    int err;

    do {
        v->hc.budget = HYPERCALL_BUDGET;
        err = frame_get_and_type(v, v->domain, root, PT_L4);
    } while (err == -XEN_ERESTART);
    ck_assert_int_eq(err, 0);
}

void fixture_enter(struct vcpu *v, mfn_t root, mfn_t user_root)
{
    take_root(v, root);
    v->guest_table = root;
    if (!mfn_is_none(user_root)) {
        take_root(v, user_root);
        v->guest_table_user = user_root;
    }
    v->initialised = true;
    this_cpu()->current = v;
    machine_load_root(root);
}

void fixture_audit(struct domain *d)
{
    for (unsigned id = 0; id < d->vcpu_count; id++) {
        ck_assert_uint_eq(descriptor_audit(d->vcpu[id]), 0);
    }
    ck_assert_uint_eq(frame_audit(), 0);
    ck_assert_uint_eq(pagetype_audit(), 0);
    ck_assert_uint_eq(event_audit(d), 0);
    ck_assert_uint_eq(grant_audit(d), 0);
}
