/* SPDX-License-Identifier: MIT */
/* timer.c and time.c: software timers on one deadline, and the time that guests read. */
#include "timer.h"

#include "guests.h"
#include "sim.h"

#define MS 1000000ull

static unsigned order[16], fired;

static void fire(void *arg)
{
    ck_assert_uint_lt(fired, ARRAY_LEN(order));
    order[fired++] = (unsigned)(uintptr_t)arg;
}

static struct timer t[4];

static void start(void)
{
    machine_clock.wall_at_boot_ns = 5123456789123456789ull; /* beyond 2106 */
    guests_start();
    fired = 0;
    for (unsigned i = 0; i < ARRAY_LEN(t); i++) {
        timer_init(&t[i], fire, (void *)(uintptr_t)i);
    }
}

static void pass(uint64_t ns)
{
    guests_wait(ns);
    sim_timer_interrupt();
    if (atomic_fetch_and(&this_cpu()->work, ~PCPU_WORK_TIMER) & PCPU_WORK_TIMER) {
        timer_run();
    }
}

START_TEST(they_fire_in_order)
{
    timer_set(&t[0], 30 * MS);
    timer_set(&t[1], 10 * MS);
    timer_set(&t[2], 20 * MS);
    timer_set(&t[3], 10 * MS); /* equal: in the order they were set */
    pass(9 * MS);
    ck_assert_uint_eq(fired, 0);
    pass(1 * MS);
    ck_assert_uint_eq(fired, 2);
    pass(100 * MS);
    ck_assert_uint_eq(fired, 4);
    ck_assert(order[0] == 1 && order[1] == 3 && order[2] == 2 && order[3] == 0);
    ck_assert(!t[0].armed);
}
END_TEST

START_TEST(the_past_fires_at_once)
{
    guests_wait(50 * MS);
    timer_set(&t[0], 10 * MS);
    ck_assert_uint_le(sim_deadline(), guests_now());
    pass(0);
    ck_assert_uint_eq(fired, 1);
    timer_set(&t[0], 0);
    pass(0);
    ck_assert_uint_eq(fired, 2);
}
END_TEST

START_TEST(setting_again_and_stopping)
{
    timer_set(&t[0], 10 * MS);
    timer_set(&t[0], 20 * MS);
    timer_stop(&t[1]); /* never set */
    pass(15 * MS);
    ck_assert_uint_eq(fired, 0);
    timer_stop(&t[0]);
    timer_stop(&t[0]);
    pass(50 * MS);
    ck_assert_uint_eq(fired, 0);
}
END_TEST

START_TEST(the_device_is_left_alone_when_it_is_early_enough)
{
    unsigned before;

    timer_set(&t[0], 10 * MS);
    before = guests_deadlines();
    timer_set(&t[1], 20 * MS);
    timer_set(&t[0], 15 * MS);
    timer_stop(&t[0]);
    timer_set(&t[0], 10 * MS);
    ck_assert_uint_eq(guests_deadlines(), before);
    timer_set(&t[2], 5 * MS);
    ck_assert_uint_eq(guests_deadlines(), before + 1);
    timer_stop(&t[2]);
    pass(5 * MS); /* nothing is due: it only moves on */
    ck_assert_uint_eq(fired, 0);
    ck_assert_uint_eq(this_cpu()->deadline, 10 * MS);
}
END_TEST

static void set_next(void *arg)
{
    fire(arg);
    timer_set(&t[2], guests_now() + MS);
    timer_stop(&t[3]);
}

START_TEST(timers_may_set_and_stop_timers)
{
    timer_init(&t[1], set_next, (void *)1);
    timer_set(&t[1], 10 * MS);
    timer_set(&t[3], 10 * MS);
    pass(10 * MS);
    ck_assert_uint_eq(fired, 1); /* the other was stopped by the first */
    pass(1 * MS);
    ck_assert_uint_eq(fired, 2);
    ck_assert_uint_eq(order[1], 2);
}
END_TEST

START_TEST(very_far_away)
{
    timer_set(&t[0], ~0ull);
    timer_set(&t[1], ~0ull - 1);
    pass(1000000 * MS);
    ck_assert_uint_eq(fired, 0);
    timer_set(&t[2], guests_now() + MS);
    pass(MS);
    ck_assert_uint_eq(fired, 1);
}
END_TEST

/* The guest's formula (xen/xen.h) gives the hypervisor's own time, whatever the moment. */
START_TEST(guests_read_the_same_time)
{
    struct guest g = guest_make(1, 1, false);
    const struct vcpu_time_info *i = &g.d->shared_info->vcpu_info[0].time;
    uint64_t delta;

    guests_wait(123456789);
    ck_assert_uint_eq(i->version & 1, 0);
    ck_assert_uint_ne(i->version, 0);
    ck_assert_uint_eq(i->flags, 1); /* XEN_PVCLOCK_TSC_STABLE_BIT */
    delta = machine_tsc() - i->tsc_timestamp;
    delta = i->tsc_shift < 0 ? delta >> -i->tsc_shift : delta << i->tsc_shift;
    ck_assert_uint_eq(i->system_time +
                          (uint64_t)((unsigned __int128)delta * i->tsc_to_system_mul >> 32),
                      machine_now());
}
END_TEST

START_TEST(wall_clock)
{
    struct guest g = guest_make(1, 1, false);
    const shared_info_t *s = g.d->shared_info;

    ck_assert_uint_eq(s->wc_version & 1, 0);
    ck_assert_uint_ne(s->wc_version, 0);
    ck_assert_uint_eq((uint64_t)s->wc_sec_hi << 32 | s->wc_sec,
                      machine_clock.wall_at_boot_ns / 1000000000);
    ck_assert_uint_eq(s->wc_nsec, machine_clock.wall_at_boot_ns % 1000000000);
}
END_TEST

static void add(TCase *tc)
{
    tcase_add_checked_fixture(tc, start, NULL);
    tcase_add_test(tc, they_fire_in_order);
    tcase_add_test(tc, the_past_fires_at_once);
    tcase_add_test(tc, setting_again_and_stopping);
    tcase_add_test(tc, the_device_is_left_alone_when_it_is_early_enough);
    tcase_add_test(tc, timers_may_set_and_stop_timers);
    tcase_add_test(tc, very_far_away);
    tcase_add_test(tc, guests_read_the_same_time);
    tcase_add_test(tc, wall_clock);
}

int main(void)
{
    return unit_main("timer", add);
}
