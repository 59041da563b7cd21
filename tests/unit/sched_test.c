/* SPDX-License-Identifier: MIT */
/* sched.c, sched_fair.c, sched_op.c: who runs when, and what a vCPU does with its own time. */
#include "sched.h"

#include "dispatch.h"
#include "event.h"
#include "guests.h"
#include "timer.h"
#include "trap.h"

#define MS 1000000ull

static struct guest a, b;

static void start(void)
{
    guests_start();
    a = guest_make(1, 1, false);
    b = guest_make(2, 1, false);
}

/* Another vCPU of g, running from now on. */
static struct vcpu *second_vcpu(struct guest *g)
{
    static vcpu_guest_context_t c;
    struct vcpu *v = vcpu_create(g->d, g->d->vcpu_count);

    c = guest_context(g);
    ck_assert_int_eq(vcpu_set_context(NULL, v, &c), 0);
    vcpu_up(v);
    return v;
}

/* Let busy guests run for so long. */
static void run_for(uint64_t ns)
{
    uint64_t end = guests_now() + ns;

    while (guests_now() < end) {
        uint64_t next;

        guests_exit();
        next = this_cpu()->deadline < end ? this_cpu()->deadline : end;
        guests_wait(next - guests_now());
    }
    guests_exit();
}

static uint64_t ran(const struct vcpu *v)
{
    return v->run_time[VCPU_RUNNING] + (v->run == VCPU_RUNNING ? guests_now() - v->run_since : 0);
}

static long block(struct vcpu *v)
{
    long ret = call(v, __HYPERVISOR_sched_op, SCHEDOP_block, 0, 0);

    guests_exit();
    return ret;
}

static void sleep_for(struct vcpu *v, uint64_t ns)
{
    ck_assert_int_eq(call(v, __HYPERVISOR_set_timer_op, guests_now() + ns, 0, 0), 0);
    block(v);
    ck_assert_int_eq(v->run, VCPU_BLOCKED);
}

static evtchn_port_t timer_port(struct vcpu *v)
{
    evtchn_bind_virq_t q = {.virq = VIRQ_TIMER, .vcpu = v->id};

    ck_assert_int_eq(event_op(v, EVTCHNOP_bind_virq, q), 0);
    return q.port;
}

static void forget_events(struct guest *g)
{
    memset(g->d->shared_info->evtchn_pending, 0, sizeof(g->d->shared_info->evtchn_pending));
    for (unsigned i = 0; i < g->d->vcpu_count; i++) {
        g->d->vcpu[i]->info->evtchn_pending_sel = 0;
        g->d->vcpu[i]->info->evtchn_upcall_pending = 0;
    }
}

static evtchn_port_t ipi_port(struct vcpu *v, unsigned vcpu)
{
    evtchn_bind_ipi_t i = {.vcpu = vcpu};

    ck_assert_int_eq(event_op(v, EVTCHNOP_bind_ipi, i), 0);
    return i.port;
}

static void send_port(struct vcpu *v, evtchn_port_t port)
{
    evtchn_send_t s = {.port = port};

    ck_assert_int_eq(event_op(v, EVTCHNOP_send, s), 0);
}

static void about(uint64_t value, uint64_t wanted, uint64_t slack)
{
    ck_assert_msg(value + slack >= wanted && value <= wanted + slack, "%lu, not about %lu", value,
                  wanted);
}

START_TEST(two_busy_domains_share_evenly)
{
    run_for(1000 * MS);
    about(ran(a.v), 500 * MS, 10 * MS);
    about(ran(b.v), 500 * MS, 10 * MS);
}
END_TEST

START_TEST(more_vcpus_are_no_larger_share)
{
    struct vcpu *extra[3];

    for (unsigned i = 0; i < 3; i++) {
        extra[i] = second_vcpu(&a);
    }
    run_for(2000 * MS);
    about(ran(b.v), 1000 * MS, 20 * MS);
    for (unsigned i = 0; i < 3; i++) {
        about(ran(extra[i]), 250 * MS, 20 * MS);
    }
}
END_TEST

/* Time that one had to itself is not held against it later. */
START_TEST(a_late_riser_does_not_starve_others)
{
    vcpu_pause(b.v);
    run_for(60000 * MS);
    vcpu_unpause(b.v);
    ck_assert_ptr_eq(guests_exit(), b.v); /* prompt */
    uint64_t before = ran(a.v);
    run_for(1000 * MS);
    about(ran(a.v) - before, 500 * MS, 20 * MS);
}
END_TEST

START_TEST(a_new_domain_does_not_starve_others)
{
    run_for(10000 * MS);
    struct guest c = guest_make(3, 1, false);
    uint64_t before = ran(a.v);

    run_for(3000 * MS);
    about(ran(c.v), 1000 * MS, 30 * MS);
    about(ran(a.v) - before, 1000 * MS, 30 * MS);
}
END_TEST

/* Runs 1 ms of every 10: waits for nobody when its timer fires. */
START_TEST(a_sleeper_is_served_promptly)
{
    timer_port(a.v);
    for (unsigned i = 0; i < 50; i++) {
        uint64_t due = guests_now() + 9 * MS;

        sleep_for(a.v, 9 * MS);
        while (guests_now() < due) {
            ck_assert_ptr_eq(guests_exit(), b.v);
            guests_wait((this_cpu()->deadline < due ? this_cpu()->deadline : due) - guests_now());
        }
        ck_assert_ptr_eq(guests_exit(), a.v);
        guests_wait(1 * MS);
        forget_events(&a);
    }
    about(ran(a.v), 50 * MS, 1 * MS);
}
END_TEST

/* Blocks a lot and is behind each time: gets no more than its half all the same. */
START_TEST(frequent_naps_are_no_larger_share)
{
    evtchn_port_t unused = timer_port(a.v);
    uint64_t end = guests_now() + 2000 * MS;

    (void)unused;
    while (guests_now() < end) {
        if (guests_exit() == a.v) {
            guests_wait(3 * MS);
            if (guests_exit() == a.v) {
                forget_events(&a);
                sleep_for(a.v, 1 * MS / 10);
            }
        } else {
            guests_wait(this_cpu()->deadline - guests_now());
        }
    }
    ck_assert_uint_le(ran(a.v), 1100 * MS);
    ck_assert_uint_ge(ran(b.v), 900 * MS);
    ck_assert_uint_ge(ran(a.v), 700 * MS);
}
END_TEST

/* An IPI to a sleeping sibling is handled at once: the sender may well spin for it. */
START_TEST(a_woken_sibling_comes_first)
{
    struct vcpu *sibling = second_vcpu(&a);
    evtchn_port_t port = ipi_port(a.v, 1);

    vcpu_pause(b.v);
    block(sibling);
    run_for(100 * MS);
    send_port(a.v, port);
    ck_assert_ptr_eq(guests_exit(), sibling);
    guests_wait(MS / 10);
    forget_events(&a);
    block(sibling);
    ck_assert_ptr_eq(guests_exit(), a.v);
}
END_TEST

START_TEST(alone_there_is_no_slice)
{
    unsigned deadlines;

    vcpu_pause(b.v);
    run_for(100 * MS);
    deadlines = guests_deadlines();
    run_for(1000 * MS);
    ck_assert_uint_eq(guests_deadlines(), deadlines);
    vcpu_unpause(b.v); /* and as soon as somebody waits there is one */
    guests_exit();
    ck_assert_uint_le(this_cpu()->deadline, guests_now() + 10 * MS);
}
END_TEST

START_TEST(yield_lets_others_go_once)
{
    run_for(5 * MS);
    struct vcpu *first = guests_exit(), *other = first == a.v ? b.v : a.v;

    ck_assert_int_eq(call(first, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0), 0);
    ck_assert_ptr_eq(guests_exit(), other);
    run_for(10 * MS);
    ck_assert_ptr_eq(guests_exit(), first);
}
END_TEST

START_TEST(yield_alone_does_nothing)
{
    vcpu_pause(b.v);
    guests_run_as(a.v);
    guests_exit();
    ck_assert_int_eq(call(a.v, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0), 0);
    ck_assert_uint_eq(atomic_load(&this_cpu()->work), 0);
}
END_TEST

/* Two vCPUs that yield to each other, and a third party: the third gets its share. */
START_TEST(yielding_to_each_other_starves_nobody)
{
    struct vcpu *sibling = second_vcpu(&a);
    uint64_t end = guests_now() + 1000 * MS;

    while (guests_now() < end) {
        struct vcpu *v = guests_exit();

        if (v == b.v) {
            guests_wait(this_cpu()->deadline - guests_now());
        } else {
            guests_wait(MS / 4);
            call(v, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
        }
    }
    ck_assert_uint_ge(ran(b.v), 450 * MS);
    ck_assert_uint_ge(ran(a.v) + ran(sibling), 20 * MS);
}
END_TEST

START_TEST(block_with_something_pending_goes_on)
{
    evtchn_port_t port = ipi_port(a.v, 0);

    a.v->info->evtchn_upcall_mask = 1;
    send_port(a.v, port);
    vcpu_pause(b.v);
    guests_exit();
    ck_assert_int_eq(call(a.v, __HYPERVISOR_sched_op, SCHEDOP_block, 0, 0), 0);
    ck_assert_int_eq(a.v->run, VCPU_RUNNING);
    ck_assert_int_eq(a.v->info->evtchn_upcall_mask, 0);
    ck_assert_uint_eq(atomic_load(&this_cpu()->work), 0); /* not even a decision was asked for */
}
END_TEST

START_TEST(all_asleep_until_a_timer)
{
    timer_port(a.v);
    timer_port(b.v);
    sleep_for(a.v, 30 * MS);
    ck_assert_int_eq(call(b.v, __HYPERVISOR_set_timer_op, guests_now() + 20 * MS, 0, 0), 0);
    uint64_t due = guests_now() + 20 * MS;
    ck_assert_int_eq(call(b.v, __HYPERVISOR_sched_op, SCHEDOP_block, 0, 0), 0);
    ck_assert_ptr_eq(guests_exit(), b.v);
    ck_assert_uint_eq(guests_now(), due);
    ck_assert_uint_ge(guests_idles(), 1);
    ck_assert(event_upcall_due(b.v));
}
END_TEST

static long poll(struct vcpu *v, const evtchn_port_t *ports, unsigned count, uint64_t timeout)
{
    sched_poll_t p = {.nr_ports = count, .timeout = timeout};
    char *page = machine_map((v->domain == a.d ? &a : &b)->page[2]);

    memcpy(page, ports, (count < 128 ? count : 128) * sizeof(*ports));
    p.ports.p = (evtchn_port_t *)(GUEST_VA + 2 * PAGE_SIZE);
    return sched_op(v, SCHEDOP_poll, p);
}

START_TEST(poll_sleeps_until_its_port)
{
    evtchn_port_t ports[2] = {ipi_port(a.v, 0), ipi_port(a.v, 0)};

    a.v->info->evtchn_upcall_mask = 1;
    a.d->shared_info->evtchn_mask[0] = ~0ul;
    ck_assert_int_eq(poll(a.v, &ports[0], 1, 0), 0);
    ck_assert_int_eq(a.v->run, VCPU_BLOCKED);
    guests_exit();
    event_set_pending(a.v, ports[1]); /* not the one */
    ck_assert_int_eq(a.v->run, VCPU_BLOCKED);
    event_set_pending(a.v, ports[0]);
    ck_assert_int_eq(a.v->run, VCPU_RUNNABLE);
    ck_assert_uint_eq(atomic_load(&a.d->pollers), 0);
    guests_exit();
    ck_assert_int_eq(poll(a.v, &ports[0], 1, 0), 0); /* pending already */
    ck_assert(vcpu_is_runnable(a.v));
    forget_events(&a);
    ck_assert_int_eq(poll(a.v, ports, 2, 0), 0); /* either */
    ck_assert_int_eq(a.v->run, VCPU_BLOCKED);
    event_set_pending(a.v, ports[1]);
    ck_assert_int_eq(a.v->run, VCPU_RUNNABLE);
}
END_TEST

START_TEST(poll_ends_at_its_time)
{
    evtchn_port_t port = ipi_port(a.v, 0);
    uint64_t due = guests_now() + 5 * MS;

    a.v->info->evtchn_upcall_mask = 1;
    ck_assert_int_eq(poll(a.v, &port, 1, due), 0);
    ck_assert_int_eq(a.v->run, VCPU_BLOCKED);
    run_for(6 * MS);
    ck_assert(vcpu_is_runnable(a.v));
    ck_assert_int_eq(poll(a.v, &port, 1, due), 0); /* past: ends at once */
    guests_exit();
    ck_assert(vcpu_is_runnable(a.v));
}
END_TEST

/* Whatever ended a poll, its timer wakes nobody from a later sleep. */
START_TEST(a_poll_that_ended_leaves_nothing)
{
    evtchn_port_t port = ipi_port(a.v, 0);

    a.v->info->evtchn_upcall_mask = 1;
    ck_assert_int_eq(poll(a.v, &port, 1, guests_now() + 5 * MS), 0);
    event_set_pending(a.v, port);
    guests_exit();
    forget_events(&a);
    ck_assert(!a.v->poll_timer.armed);
    block(a.v);
    run_for(20 * MS);
    ck_assert_int_eq(a.v->run, VCPU_BLOCKED);
}
END_TEST

START_TEST(poll_does_not_sleep_on_an_upcall_due)
{
    evtchn_port_t ports[2] = {ipi_port(a.v, 0), ipi_port(a.v, 0)};

    send_port(a.v, ports[1]);
    a.v->info->evtchn_upcall_mask = 0;
    ck_assert_int_eq(poll(a.v, &ports[0], 1, 0), 0);
    ck_assert(vcpu_is_runnable(a.v));
}
END_TEST

START_TEST(poll_refusals)
{
    evtchn_port_t ports[129] = {0};
    sched_poll_t p = {.nr_ports = 1};

    ck_assert_int_eq(poll(a.v, ports, 129, 0), -XEN_EINVAL);
    ck_assert_int_eq(poll(a.v, ports, ~0u, 0), -XEN_EINVAL);
    ports[1] = NR_EVTCHN;
    ck_assert_int_eq(poll(a.v, ports, 2, 0), -XEN_EINVAL);
    p.ports.p = (evtchn_port_t *)GUEST_HOLE;
    ck_assert_int_eq(sched_op(a.v, SCHEDOP_poll, p), -XEN_EFAULT);
    ck_assert_int_eq(call(a.v, __HYPERVISOR_sched_op, SCHEDOP_poll, GUEST_HOLE, 0), -XEN_EFAULT);
    ck_assert_int_eq(a.v->run, VCPU_RUNNING);
    ck_assert_uint_eq(atomic_load(&a.d->pollers), 0);
}
END_TEST

START_TEST(pauses_nest_and_lose_no_wakeup)
{
    evtchn_port_t port = ipi_port(a.v, 0);

    block(a.v);
    vcpu_pause(a.v);
    vcpu_pause(a.v);
    event_set_pending(a.v, port);
    ck_assert(!vcpu_is_runnable(a.v));
    vcpu_unpause(a.v);
    ck_assert(!vcpu_is_runnable(a.v));
    vcpu_unpause(a.v);
    ck_assert(vcpu_is_runnable(a.v));
    forget_events(&a);
    block(a.v);
    vcpu_pause(a.v);
    vcpu_unpause(a.v);
    ck_assert_int_eq(a.v->run, VCPU_BLOCKED); /* a pause is no reason to wake */
}
END_TEST

/* The area is written at every change that its kernel can see, and counts all time. */
START_TEST(runstate_area)
{
    struct vcpu_register_runstate_memory_area r = {.addr.p = GUEST_VA + 3 * PAGE_SIZE};
    struct vcpu_runstate_info *area = guest_page(&a, 3);

    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_runstate_memory_area, 0, &r, sizeof(r)), 0);
    ck_assert_int_eq(area->state, RUNSTATE_running);
    run_for(100 * MS);
    while (guests_exit() != b.v) {
        run_for(MS);
    }
    ck_assert_int_eq(area->state, RUNSTATE_runnable); /* what others see while it waits */
    ck_assert_uint_eq(area->state_entry_time, a.v->run_since);
    guests_run_as(a.v);
    ck_assert_int_eq(area->state, RUNSTATE_running);
    ck_assert_uint_eq(area->time[0] + area->time[1] + area->time[2] + area->time[3],
                      area->state_entry_time);
}
END_TEST

START_TEST(runstate_area_waits_for_kernel_mode)
{
    struct vcpu_register_runstate_memory_area r = {.addr.p = GUEST_VA + 3 * PAGE_SIZE};
    struct vcpu_runstate_info *area = guest_page(&a, 3);

    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_runstate_memory_area, 0, &r, sizeof(r)), 0);
    a.v->guest_table_user = MFN_NONE;
    vcpu_enter_user(a.v);
    memset(area, 0xee, sizeof(*area));
    guests_run_as(b.v);
    guests_run_as(a.v);
    ck_assert_int_eq(area->state, (int)0xeeeeeeee);
    ck_assert(a.v->areas_stale);
    vcpu_enter_kernel(a.v);
    ck_assert_int_eq(area->state, RUNSTATE_running);
    ck_assert_uint_eq(area->state_entry_time, a.v->run_since);
    ck_assert(!a.v->areas_stale);
}
END_TEST

START_TEST(runstate_area_with_update_flag)
{
    struct vcpu_register_runstate_memory_area r = {.addr.p = GUEST_VA + 3 * PAGE_SIZE};
    struct vcpu_runstate_info *area = guest_page(&a, 3);

    ck_assert_int_eq(
        call(a.v, __HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0),
        0);
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_runstate_memory_area, 0, &r, sizeof(r)), 0);
    ck_assert_uint_eq(area->state_entry_time & XEN_RUNSTATE_UPDATE, 0);
    ck_assert_uint_eq(area->state_entry_time, a.v->run_since);
}
END_TEST

START_TEST(an_area_that_is_not_there_harms_nobody)
{
    struct vcpu_register_runstate_memory_area r = {.addr.p = GUEST_HOLE};

    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_runstate_memory_area, 0, &r, sizeof(r)), 0);
    run_for(50 * MS);
    ck_assert(!a.d->is_shut_down);
}
END_TEST

static void add(TCase *tc)
{
    tcase_add_checked_fixture(tc, start, NULL);
    tcase_add_test(tc, two_busy_domains_share_evenly);
    tcase_add_test(tc, more_vcpus_are_no_larger_share);
    tcase_add_test(tc, a_late_riser_does_not_starve_others);
    tcase_add_test(tc, a_new_domain_does_not_starve_others);
    tcase_add_test(tc, a_sleeper_is_served_promptly);
    tcase_add_test(tc, frequent_naps_are_no_larger_share);
    tcase_add_test(tc, a_woken_sibling_comes_first);
    tcase_add_test(tc, alone_there_is_no_slice);
    tcase_add_test(tc, yield_lets_others_go_once);
    tcase_add_test(tc, yield_alone_does_nothing);
    tcase_add_test(tc, yielding_to_each_other_starves_nobody);
    tcase_add_test(tc, block_with_something_pending_goes_on);
    tcase_add_test(tc, all_asleep_until_a_timer);
    tcase_add_test(tc, poll_sleeps_until_its_port);
    tcase_add_test(tc, poll_ends_at_its_time);
    tcase_add_test(tc, a_poll_that_ended_leaves_nothing);
    tcase_add_test(tc, poll_does_not_sleep_on_an_upcall_due);
    tcase_add_test(tc, poll_refusals);
    tcase_add_test(tc, pauses_nest_and_lose_no_wakeup);
    tcase_add_test(tc, runstate_area);
    tcase_add_test(tc, runstate_area_waits_for_kernel_mode);
    tcase_add_test(tc, runstate_area_with_update_flag);
    tcase_add_test(tc, an_area_that_is_not_there_harms_nobody);
}

int main(void)
{
    return unit_main("sched", add);
}
