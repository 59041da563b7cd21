/* SPDX-License-Identifier: MIT */
/*
 * Software timers: one list sorted by time per CPU (one CPU today), the machine's deadline at its
 * head. Invariant timer-order: the list ascends, and the deadline is not later than its head.
 */
#include "timer.h"

#include "lock.h"

static struct list timers = {&timers, &timers};
static spinlock_t timer_lock;

void timer_init(struct timer *t, void (*fire)(void *), void *arg)
{
    list_init(&t->link);
    t->armed = false;
    t->fire = fire;
    t->arg = arg;
}

/* An earlier deadline than needed only costs one interrupt, so it is never moved later here. */
static void program(void)
{
    const struct timer *first;

    if (list_is_empty(&timers)) {
        return;
    }
    first = list_entry(timers.next, struct timer, link);
    if (first->when < this_cpu()->deadline) {
        machine_set_deadline(first->when);
    }
}

void timer_set(struct timer *t, uint64_t when)
{
    struct list *place;

    spin_lock(&timer_lock);
    list_remove(&t->link);
    t->when = when;
    t->armed = true;
    /* From the back: most timers are set later than those that wait. */
    for (place = timers.prev; place != &timers; place = place->prev) {
        if (list_entry(place, struct timer, link)->when <= when) {
            break;
        }
    }
    list_add(&t->link, place);
    program();
    spin_unlock(&timer_lock);
}

void timer_stop(struct timer *t)
{
    spin_lock(&timer_lock);
    list_remove(&t->link);
    t->armed = false;
    spin_unlock(&timer_lock);
}

void timer_run(void)
{
    uint64_t now = machine_now();

    spin_lock(&timer_lock);
    while (!list_is_empty(&timers)) {
        struct timer *t = list_entry(timers.next, struct timer, link);

        if (t->when > now) {
            break;
        }
        list_remove(&t->link);
        t->armed = false;
        spin_unlock(&timer_lock);
        t->fire(t->arg);
        spin_lock(&timer_lock);
    }
    program();
    spin_unlock(&timer_lock);
}
