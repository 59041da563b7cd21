/* SPDX-License-Identifier: MIT */
/* domain.c and reap.c: making domains, stopping them, and getting back all that they had. */
#include <setjmp.h>

#include "event.h"
#include "guests.h"
#include "sched.h"
#include "sim.h"
#include "timer.h"

#define MS 1000000ull
#define SECOND 1000000000ull

static struct guest a, b;

static void start(void)
{
    guests_start();
    b = guest_make(2, 1, false);
}

static void shut(struct guest *g)
{
    domain_shutdown(g->d, SHUTDOWN_poweroff);
    guests_exit();
    guests_reap();
}

START_TEST(all_memory_comes_back)
{
    uint64_t before = frame_free_count();

    for (unsigned i = 0; i < 3; i++) {
        a = guest_make(1, 4, i == 2);
        guests_run_as(a.v);
        shut(&a);
        ck_assert_ptr_null(domain_table[1]);
        ck_assert_uint_eq(frame_free_count(), before);
    }
}
END_TEST

START_TEST(names_and_numbers)
{
    ck_assert_ptr_null(domain_create(2, "again", false, 1));
    ck_assert_ptr_null(domain_create(DOMAIN_MAX, "large", false, 1));
    ck_assert_ptr_null(domain_create(DOMID_SELF, "self", false, 1));
    ck_assert_ptr_null(vcpu_create(b.d, 0));
    ck_assert_ptr_null(vcpu_create(b.d, VCPU_MAX));
    ck_assert_ptr_null(vcpu_create(b.d, ~0u));
    struct domain *d = domain_create(1, "a name that is longer than a name may be here", false, 1);
    ck_assert_str_eq(d->name, "a name that is longer than a na");
    ck_assert_uint_eq(domain_running(), 2);
    domain_abandon(d);
    ck_assert_uint_eq(domain_running(), 1);
    guests_reap();
    ck_assert_ptr_null(domain_table[1]);
}
END_TEST

/* With any number of frames less than it takes: refused, and all that it took is given back. */
START_TEST(making_one_without_memory)
{
    mfn_t last = MFN_INVALID, all[8192];
    unsigned n = 0, spare;

    while (!mfn_equal(last = frame_alloc_hypervisor(), MFN_INVALID)) {
        all[n++] = last;
    }
    for (spare = 0; spare < 64; spare++) {
        struct domain *d = domain_create(1, "poor", false, 1);
        struct vcpu *v = d ? vcpu_create(d, 0) : NULL;

        ck_assert_uint_eq(domain_running(), 1 + (d != NULL));
        if (d) {
            domain_abandon(d);
        }
        guests_reap();
        ck_assert_ptr_null(domain_table[1]);
        ck_assert_uint_eq(frame_free_count(), spare);
        if (v) {
            break;
        }
        frame_free_hypervisor(all[--n], 1);
    }
    ck_assert_uint_gt(spare, 5);
    ck_assert_uint_lt(spare, 64);
}
END_TEST

START_TEST(looking_up)
{
    a = guest_make(1, 1, false);
    ck_assert_ptr_eq(domain_get(a.v, DOMID_SELF), a.d);
    ck_assert_ptr_eq(domain_get(a.v, 1), a.d);
    ck_assert_ptr_eq(domain_get(a.v, 2), b.d);
    ck_assert_ptr_null(domain_get(a.v, 3));
    ck_assert_ptr_null(domain_get(a.v, DOMAIN_MAX));
    ck_assert_ptr_null(domain_get(a.v, DOMID_XEN));
    ck_assert_ptr_null(domain_get(a.v, 0xffff));
    domain_shutdown(b.d, SHUTDOWN_poweroff);
    ck_assert_ptr_null(domain_get(a.v, 2)); /* dying */
    guests_exit();
    guests_reap();
    ck_assert_ptr_eq(domain_table[2], b.d); /* somebody still looks at it */
    domain_put(b.d);
    guests_reap();
    ck_assert_ptr_null(domain_table[2]);
}
END_TEST

static long shutdown_op(struct vcpu *v, unsigned reason)
{
    sched_shutdown_t s = {.reason = reason};

    return sched_op(v, SCHEDOP_shutdown, s);
}

START_TEST(shutdown_reasons)
{
    a = guest_make(1, 2, false);
    ck_assert_int_eq(shutdown_op(a.v, SHUTDOWN_MAX + 1), -XEN_EINVAL);
    ck_assert_int_eq(shutdown_op(a.v, ~0u), -XEN_EINVAL);
    ck_assert_int_eq(call(a.v, __HYPERVISOR_sched_op, SCHEDOP_shutdown, GUEST_HOLE, 0),
                     -XEN_EFAULT);
    ck_assert_int_eq(call(a.v, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, GUEST_VA, 0),
                     -XEN_ENOSYS);
    ck_assert(!a.d->is_shut_down);
    ck_assert_int_eq(shutdown_op(a.v, (unsigned)_i), 0);
    ck_assert(a.d->is_shut_down && !a.d->crashed);
    ck_assert_uint_eq(a.d->shutdown_reason, (unsigned)_i);
    domain_shutdown(a.d, SHUTDOWN_crash); /* the first counts */
    domain_crash(a.d, "no more");
    ck_assert_uint_eq(a.d->shutdown_reason, (unsigned)_i);
    vcpu_wake(a.v);
    vcpu_up(a.v);
    ck_assert_int_eq(a.v->run, VCPU_OFFLINE);
    ck_assert_ptr_eq(guests_exit(), b.v);
    guests_reap();
    ck_assert_ptr_null(domain_table[1]);
}
END_TEST

START_TEST(a_crash_is_its_own)
{
    char log[65536];

    a = guest_make(1, 1, false);
    guests_run_as(a.v);
    sim_uart_output(0, log, sizeof(log));
    domain_crash(a.d, "v%u did %s", 0, "that");
    ck_assert_str_eq(a.d->why, "v0 did that");
    ck_assert(a.d->crashed);
    sim_uart_output(0, log, sizeof(log));
    ck_assert_ptr_nonnull(strstr(log, "d1 (guest1) crashed: v0 did that"));
    ck_assert_ptr_nonnull(strstr(log, "rip")); /* its registers */
    ck_assert_ptr_eq(guests_exit(), b.v);
    guests_reap();
    ck_assert_ptr_null(domain_table[1]);
    ck_assert_uint_eq(domain_running(), 1);
}
END_TEST

static long watchdog(unsigned id, unsigned seconds)
{
    sched_watchdog_t w = {.id = id, .timeout = seconds};

    return sched_op(a.v, SCHEDOP_watchdog, w);
}

START_TEST(watchdogs)
{
    a = guest_make(1, 1, false);
    ck_assert_int_eq(watchdog(0, 0), -XEN_EINVAL);
    ck_assert_int_eq(watchdog(3, 1), -XEN_EINVAL);
    ck_assert_int_eq(watchdog(~0u, 1), -XEN_EINVAL);
    ck_assert_int_eq(watchdog(1, 1), -XEN_ENOENT);
    ck_assert_int_eq(watchdog(0, 2), 1);
    ck_assert_int_eq(watchdog(0, 60), 2);
    ck_assert_int_eq(watchdog(0, 60), -XEN_ENOSPC);
    ck_assert_int_eq(call(a.v, __HYPERVISOR_sched_op, SCHEDOP_watchdog, GUEST_HOLE, 0),
                     -XEN_EFAULT);
    guests_wait(SECOND);
    guests_exit();
    ck_assert_int_eq(watchdog(1, 2), 0); /* still there */
    guests_wait(SECOND + SECOND / 2);
    guests_exit();
    ck_assert(!a.d->is_shut_down);
    ck_assert_int_eq(watchdog(2, 0), 0); /* stopped */
    ck_assert_int_eq(watchdog(2, 0), -XEN_ENOENT);
    ck_assert_int_eq(watchdog(0, ~0u), 2);
    guests_wait(SECOND);
    guests_exit();
    ck_assert(a.d->is_shut_down);
    ck_assert_uint_eq(a.d->shutdown_reason, SHUTDOWN_watchdog);
}
END_TEST

/* All that a vCPU can hold: timers, a user root, its vcpu_info, descriptor tables, a poll. */
START_TEST(a_domain_with_everything)
{
    static vcpu_guest_context_t c;
    struct vcpu_register_vcpu_info reg = {.offset = 128};
    sched_poll_t poll = {.nr_ports = 0, .timeout = 50 * MS};
    uint64_t before = frame_free_count();
    mfn_t gdt;

    a = guest_make(1, 3, false);
    gdt = frame_alloc_domain(a.d);
    c = guest_context(&a);
    c.gdt_ents = 16;
    c.gdt_frames[0] = gdt.n;
    c.ctrlreg[1] = xen_pfn_to_cr3(a.l4.n);
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_initialise, 1, &c, sizeof(c)), 0);
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_up, 1, NULL, 0), 0);
    reg.mfn = a.page[4].n;
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_vcpu_info, 0, &reg, sizeof(reg)), 0);
    struct vcpu_set_periodic_timer p = {.period_ns = 2 * MS};
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_set_periodic_timer, 0, &p, sizeof(p)), 0);
    ck_assert_int_eq(call(a.v, __HYPERVISOR_set_timer_op, 40 * MS, 0, 0), 0);
    ck_assert_int_eq(watchdog(0, 1), 1);
    evtchn_bind_virq_t q = {.virq = VIRQ_TIMER};
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_virq, q), 0);
    a.v->info->evtchn_upcall_pending = 0;
    ck_assert_int_eq(sched_op(a.d->vcpu[1], SCHEDOP_poll, poll), 0);
    shut(&a);
    ck_assert_ptr_null(domain_table[1]);
    ck_assert_uint_eq(frame_free_count(), before);
    for (unsigned i = 0; i < 30; i++) { /* no timer of it is left */
        guests_wait(100 * MS);
        guests_exit();
    }
}
END_TEST

/* A guest may give a frame back that it uses as a table: the reaper must not lose its way there. */
START_TEST(frames_given_back_while_in_use)
{
    uint64_t before = frame_free_count();

    a = guest_make(1, 1, false);
    mfn_t l1 = frame_alloc_domain(a.d);
    struct mmuext_op pin = {.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = l1.n};
    guests_run_as(a.v);
    for (unsigned i = 0; i < 512; i++) {
        ((pte_t *)machine_map(l1))[i] = a.page[5].n << PAGE_SHIFT | PTE_PRESENT | PTE_RW;
    }
    memcpy(guest_page(&a, ARGS_PAGE), &pin, sizeof(pin));
    a.v->regs.r10 = DOMID_SELF;
    ck_assert_int_eq(call(a.v, __HYPERVISOR_mmuext_op, GUEST_VA, 1, 0), 0);
    ck_assert_int_eq(frame_give_back(a.d, l1), 0);
    ck_assert_int_eq(frame_give_back(a.d, a.page[5]), 0);
    ck_assert_int_eq(frame_give_back(a.d, a.l2), 0);
    shut(&a);
    ck_assert_ptr_null(domain_table[1]);
    ck_assert_uint_eq(frame_free_count(), before);
}
END_TEST

/* Half-validated tables, from a continuation that never came. */
START_TEST(a_validation_that_was_left)
{
    uint64_t before = frame_free_count();
    mfn_t l2, l1;

    a = guest_make(1, 1, false);
    l2 = frame_alloc_domain(a.d);
    for (unsigned i = 0; i < 8; i++) {
        l1 = frame_alloc_domain(a.d);
        ((pte_t *)machine_map(l2))[i] = l1.n << PAGE_SHIFT | PTE_PRESENT | PTE_RW | PTE_USER;
        for (unsigned n = 0; n < 512; n++) {
            ((pte_t *)machine_map(l1))[n] = a.page[5].n << PAGE_SHIFT | PTE_PRESENT;
        }
    }
    a.v->hc.budget = 5000;
    ck_assert_int_eq(pagetype_pin(a.v, a.d, l2, PT_L2), -XEN_ERESTART);
    guests_audit();
    shut(&a);
    ck_assert_ptr_null(domain_table[1]);
    ck_assert_uint_eq(frame_free_count(), before);
}
END_TEST

/* A large domain goes in steps, while another one is busy and nobody else asks for the CPU. */
START_TEST(reaping_goes_on_beside_a_busy_guest)
{
    unsigned turns = 0;

    a = guest_make(1, 1, false);
    a.d->max_pages = 3000;
    while (!mfn_equal(frame_alloc_domain(a.d), MFN_INVALID)) {
    }
    ck_assert_uint_eq(a.d->page_count, 3000);
    guests_run_as(a.v);
    ck_assert_int_eq(shutdown_op(a.v, SHUTDOWN_poweroff), 0);
    while (guests_exit() == b.v && domain_table[1]) {
        ck_assert_uint_ne(sim_deadline(), ~0ull);
        guests_wait(sim_deadline() - guests_now());
        ck_assert_uint_lt(turns++, 100);
    }
    ck_assert_ptr_null(domain_table[1]);
    ck_assert_uint_gt(turns, 10);
    ck_assert_uint_lt(guests_now(), 100 * MS);
    guests_exit();
    guests_wait(SECOND);
    guests_exit();
    ck_assert_uint_eq(sim_deadline(), ~0ull); /* and then there is quiet */
}
END_TEST

static jmp_buf over;
static enum machine_end ended;

static void on_end(enum machine_end how)
{
    ended = how;
    longjmp(over, 1);
}

START_TEST(the_last_one_ends_the_machine)
{
    sim_on_end = on_end;
    ended = MACHINE_PANIC;
    guests_run_as(b.v);
    if (setjmp(over) == 0) {
        domain_shutdown(b.d, SHUTDOWN_poweroff);
        guests_exit();
        ck_abort_msg("it went on");
    }
    ck_assert_int_eq(ended, MACHINE_POWEROFF);
    ck_assert_uint_eq(domain_running(), 0);
}
END_TEST

static void add(TCase *tc)
{
    tcase_add_checked_fixture(tc, start, NULL);
    tcase_add_test(tc, all_memory_comes_back);
    tcase_add_test(tc, names_and_numbers);
    tcase_add_test(tc, making_one_without_memory);
    tcase_add_test(tc, looking_up);
    tcase_add_loop_test(tc, shutdown_reasons, 0, SHUTDOWN_MAX + 1);
    tcase_add_test(tc, a_crash_is_its_own);
    tcase_add_test(tc, watchdogs);
    tcase_add_test(tc, a_domain_with_everything);
    tcase_add_test(tc, frames_given_back_while_in_use);
    tcase_add_test(tc, a_validation_that_was_left);
    tcase_add_test(tc, reaping_goes_on_beside_a_busy_guest);
    tcase_add_test(tc, the_last_one_ends_the_machine);
}

int main(void)
{
    return unit_main("domain", add);
}
