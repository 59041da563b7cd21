/* SPDX-License-Identifier: MIT */
/*
 * Guests that ask for anything, in any order: random calls on events, grants, mappings, vCPUs and
 * time, domains that die at any moment and come again. Nothing may reach a BUG, and every audit
 * must agree after each step. The seed is the test's number, so that a failure can be repeated.
 */
#include <stdlib.h>

#include "event.h"
#include "grant_internal.h"
#include "guests.h"
#include "sched.h"
#include "timer.h"

#define SEEDS 12
#define STEPS 1500
#define GUESTS 3u
#define SLOTS 8u /* of the empty entries of each guest */

static struct guest guest[GUESTS];
static uint64_t state;
static struct {
    grant_handle_t handle;
    uint64_t host_addr;
} mapped[GUESTS][8];

/* Marsaglia's xorshift64. */
static unsigned rnd(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % below;
}

/* Mostly small, so that things meet; sometimes absurd. */
static uint32_t number(unsigned below)
{
    static const uint32_t odd[] = {0, 31, 32, 4095, 4096, 0x7ff0, 0x80000000u, ~0u};

    return rnd(20) == 0 ? odd[rnd(ARRAY_LEN(odd))] : rnd(below);
}

static domid_t domid(void)
{
    return (domid_t)(rnd(6) == 0 ? number(8) : rnd(3) == 0 ? DOMID_SELF : rnd(GUESTS));
}

static void event_step(struct vcpu *v)
{
    evtchn_alloc_unbound_t u = {.dom = domid(), .remote_dom = domid()};
    evtchn_bind_interdomain_t i = {.remote_dom = domid(), .remote_port = number(12)};
    evtchn_bind_virq_t q = {.virq = number(6), .vcpu = number(3)};
    evtchn_bind_ipi_t p = {.vcpu = number(3)};
    evtchn_send_t s = {.port = number(12)};
    evtchn_bind_vcpu_t m = {.port = number(12), .vcpu = number(3)};
    evtchn_status_t t = {.dom = domid(), .port = number(12)};
    evtchn_reset_t r = {.dom = domid()};

    switch (rnd(12)) {
    case 0:
        event_op(v, EVTCHNOP_alloc_unbound, u);
        break;
    case 1:
    case 2:
        event_op(v, EVTCHNOP_bind_interdomain, i);
        break;
    case 3:
        event_op(v, EVTCHNOP_bind_virq, q);
        break;
    case 4:
        event_op(v, EVTCHNOP_bind_ipi, p);
        break;
    case 5:
        event_op(v, EVTCHNOP_bind_vcpu, m);
        break;
    case 6:
        event_op(v, EVTCHNOP_status, t);
        break;
    case 7:
        if (rnd(8) == 0) {
            event_op(v, EVTCHNOP_reset, r);
        }
        break;
    case 8:
        event_op(v, EVTCHNOP_close, s);
        break;
    case 9:
        event_op(v, EVTCHNOP_unmask, s);
        break;
    default:
        event_op(v, EVTCHNOP_send, s);
    }
}

/* Mostly of guest n. */
static uint64_t any_frame(unsigned n)
{
    const struct guest *g = &guest[rnd(5) ? n : rnd(GUESTS)];
    const mfn_t tables[] = {g->l1, g->l2, g->l3, g->l4, g->d->shared_info_mfn};

    switch (rnd(8)) {
    case 0:
        return number(4096);
    case 1:
        return tables[rnd(ARRAY_LEN(tables))].n;
    default:
        return g->page[2 + rnd(GUEST_PAGES - 2)].n;
    }
}

static void grant_change(unsigned n, struct vcpu *v)
{
    grant_entry_v1_t *e = grant_shared(v->domain->grant_table, rnd(4));

    *e = (grant_entry_v1_t){.flags = (uint16_t)(rnd(5) ? GTF_permit_access : rnd(0x40)),
                            .domid = (domid_t)rnd(GUESTS),
                            .frame = (uint32_t)any_frame(n)};
    e->flags |= rnd(4) ? 0 : GTF_readonly;
}

static uint64_t slot_address(unsigned n)
{
    unsigned slot = rnd(SLOTS);
    uint64_t table = (rnd(10) ? guest[n].l1.n : any_frame(n)) << PAGE_SHIFT;

    switch (rnd(12)) {
    case 0:
        return number(2) ? GUEST_HOLE : (uint64_t)number(2) << 63;
    case 1:
    case 2:
        return table + (256 + slot) * 8;
    default:
        return GUEST_EMPTY_VA + slot * PAGE_SIZE;
    }
}

static void grant_step(unsigned n, struct vcpu *v)
{
    gnttab_map_grant_ref_t map = {.host_addr = slot_address(n), .ref = number(4), .dom = domid()};
    gnttab_unmap_grant_ref_t unmap = {.host_addr = slot_address(n)};
    gnttab_copy_t copy = {.len = (uint16_t)number(5000), .flags = (uint16_t)rnd(4)};

    map.flags = (rnd(10) ? GNTMAP_host_map : 0) | (rnd(2) ? GNTMAP_readonly : 0) |
                (map.host_addr >> 60 ? 0 : GNTMAP_contains_pte);
    unsigned which = rnd(ARRAY_LEN(mapped[n]));
    unmap.handle = rnd(8) ? mapped[n][which].handle : number(9);
    unmap.host_addr = rnd(4) ? mapped[n][which].host_addr : unmap.host_addr;
    copy.source.u.gmfn = copy.flags & GNTCOPY_source_gref ? number(4) : any_frame(n);
    copy.source.domid = rnd(2) ? domid() : DOMID_SELF;
    copy.source.offset = (uint16_t)number(600);
    copy.dest.u.gmfn = copy.flags & GNTCOPY_dest_gref ? number(4) : any_frame(n);
    copy.dest.domid = rnd(2) ? domid() : DOMID_SELF;
    copy.dest.offset = (uint16_t)number(600);
    switch (rnd(6)) {
    case 0:
    case 1:
        grant_change(n, v);
        break;
    case 2:
    case 3:
        grant_op(v, GNTTABOP_map_grant_ref, map);
        if (map.status == GNTST_okay) {
            mapped[n][which].handle = map.handle;
            mapped[n][which].host_addr = map.host_addr;
        }
        break;
    case 4:
        grant_op(v, GNTTABOP_unmap_grant_ref, unmap);
        break;
    default:
        grant_op(v, GNTTABOP_copy, copy);
    }
}

/* Entries of the guest's own, over grants and under them; pins and unpins; frames given back. */
static void memory_step(unsigned n, struct vcpu *v)
{
    struct mmuext_op op = {.cmd = rnd(2) ? MMUEXT_PIN_L1_TABLE + rnd(4) : MMUEXT_UNPIN_TABLE,
                           .arg1.mfn = any_frame(n)};
    uint64_t flags = PTE_PRESENT | (rnd(2) ? PTE_RW : 0), va;

    va = rnd(4) ? GUEST_EMPTY_VA + rnd(SLOTS) * PAGE_SIZE
                : GUEST_VA + (2 + rnd(GUEST_PAGES - 2)) * PAGE_SIZE;
    switch (rnd(4)) {
    case 0:
        call(v, __HYPERVISOR_update_va_mapping, va, 0, 0);
        break;
    case 1:
        memcpy(guest_page(&guest[n], ARGS_PAGE), &op, sizeof(op));
        v->regs.r10 = DOMID_SELF;
        call(v, __HYPERVISOR_mmuext_op, GUEST_VA, 1, 0);
        break;
    default:
        call(v, __HYPERVISOR_update_va_mapping, va, any_frame(n) << PAGE_SHIFT | flags, 0);
    }
}

static void vcpu_step(struct vcpu *v)
{
    static vcpu_guest_context_t context;
    struct vcpu_register_vcpu_info info = {.mfn = any_frame(v->domain->id),
                                           .offset = number(64) * 64};
    struct vcpu_set_singleshot_timer shot = {.timeout_abs_ns = guests_now() + rnd(20000000)};
    struct vcpu_set_periodic_timer period = {.period_ns = rnd(30000000)};
    struct vcpu_register_runstate_memory_area area = {.addr.p = GUEST_VA + number(20) * 2048ul};
    unsigned id = number(3);

    switch (rnd(9)) {
    case 0:
        context = guest_context(&guest[v->domain->id]);
        context.ctrlreg[3] = rnd(3) ? context.ctrlreg[3] : xen_pfn_to_cr3(any_frame(v->domain->id));
        call_vcpu(v, VCPUOP_initialise, id, &context, sizeof(context));
        break;
    case 1:
        call_vcpu(v, VCPUOP_up, id, NULL, 0);
        break;
    case 2:
        if (rnd(6) == 0) {
            call_vcpu(v, VCPUOP_down, id, NULL, 0);
        }
        break;
    case 3:
        call_vcpu(v, VCPUOP_register_vcpu_info, id, &info, sizeof(info));
        break;
    case 4:
        call_vcpu(v, VCPUOP_set_periodic_timer, id, &period, sizeof(period));
        break;
    case 5:
        call_vcpu(v, VCPUOP_register_runstate_memory_area, id, &area, sizeof(area));
        break;
    case 6:
        call_vcpu(v, VCPUOP_stop_periodic_timer, id, NULL, 0);
        break;
    default:
        call_vcpu(v, VCPUOP_set_singleshot_timer, id, &shot, sizeof(shot));
    }
}

static void time_step(unsigned n, struct vcpu *v)
{
    sched_poll_t poll = {.nr_ports = number(3), .timeout = guests_now() + rnd(3000000)};
    sched_watchdog_t dog = {.id = number(3), .timeout = rnd(2)};
    uint32_t *ports = guest_page(&guest[n], 1);

    poll.ports.p = (evtchn_port_t *)(GUEST_VA + PAGE_SIZE);
    ports[0] = number(12);
    ports[1] = number(12);
    ports[2] = number(12);
    switch (rnd(5)) {
    case 0:
        sched_op(v, SCHEDOP_poll, poll);
        break;
    case 1:
        sched_op(v, SCHEDOP_watchdog, dog);
        break;
    case 2:
        call(v, __HYPERVISOR_sched_op, SCHEDOP_block, 0, 0);
        break;
    case 3:
        call(v, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
        break;
    default:
        guests_wait(rnd(12000000));
    }
}

static void make(unsigned n)
{
    if (!domain_table[n]) {
        memset(mapped[n], 0, sizeof(mapped[n]));
        guest[n] = guest_make((domid_t)n, 1 + rnd(2), n == 0);
    }
}

/* Some vCPU of guest n that can run; a sleeper is woken for it. NULL: the domain is dead. */
static struct vcpu *runner(unsigned n)
{
    struct domain *d = domain_table[n];
    struct vcpu *v;

    if (!d || d->is_shut_down) {
        return NULL;
    }
    v = d->vcpu[rnd(d->vcpu_count)];
    v = v->is_up && mfn_equal(v->guest_table, guest[n].l4) ? v : d->vcpu[0];
    vcpu_wake(v);
    return vcpu_is_runnable(v) ? v : NULL;
}

/* The guest's own writes to what it shares with us. */
static void scribble(struct guest *g)
{
    unsigned char *page = (unsigned char *)g->d->shared_info;

    for (unsigned i = 0; i < 40; i++) {
        page[rnd(rnd(2) ? 64 : 3072)] = (unsigned char)rnd(256);
    }
}

static void step(void)
{
    unsigned n = rnd(GUESTS);
    struct vcpu *v = runner(n);

    if (!v) {
        guests_reap();
        make(n);
        return;
    }
    switch (rnd(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
        event_step(v);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
        grant_step(n, v);
        break;
    case 9:
    case 10:
        memory_step(n, v);
        break;
    case 11:
    case 12:
        vcpu_step(v);
        break;
    case 13:
        time_step(n, v);
        break;
    case 14:
        scribble(&guest[n]);
        break;
    default:
        if (rnd(12) == 0) {
            domain_shutdown(v->domain, SHUTDOWN_crash);
        }
    }
}

START_TEST(anything_goes)
{
    uint64_t before;

    state = 0x9e3779b97f4a7c15ull * (unsigned)(_i + 1);
    guests_start();
    struct guest bystander = guest_make(7, 1, false); /* somebody who can always run */

    before = frame_free_count();
    for (unsigned n = 0; n < GUESTS; n++) {
        make(n);
    }
    for (unsigned i = 0; i < STEPS; i++) {
        step();
        vcpu_wake(bystander.v);
        guests_exit();
    }
    for (unsigned n = 0; n < GUESTS; n++) {
        if (domain_table[n]) {
            domain_shutdown(domain_table[n], SHUTDOWN_poweroff);
        }
    }
    for (unsigned i = 0; i < 3; i++) {
        guests_exit();
        guests_reap();
    }
    for (unsigned n = 0; n < GUESTS; n++) {
        ck_assert_ptr_null(domain_table[n]);
    }
    ck_assert_uint_eq(frame_free_count(), before);
}
END_TEST

static void add(TCase *tc)
{
    tcase_add_loop_test(tc, anything_goes, 0, SEEDS);
}

int main(void)
{
    return unit_main("hostile", add);
}
