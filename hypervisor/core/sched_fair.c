/* SPDX-License-Identifier: MIT */
/*
 * The fair policy: of the vCPUs that wait, one of the *domain* that has had the least CPU time
 * comes next, so that a domain gains nothing by having more vCPUs; among its vCPUs, the one that
 * has had the least. Who sleeps does not save up time: on waking it counts as at most one slice
 * behind the one furthest back (`floor`, which only rises), and so is served promptly as long as it
 * uses less than its share. Called under the sched lock.
 */
#include "sched.h"

#define SLICE_NS 10000000ull
#define WAKE_MARGIN_NS 1000000ull /* how far ahead who runs must be to be interrupted */

static struct list waiting = {&waiting, &waiting};
static uint64_t floor_time; /* CPU time of the domain furthest back of those that run or wait */

static uint64_t not_before(uint64_t time, uint64_t floor)
{
    return time + SLICE_NS < floor ? floor - SLICE_NS : time;
}

static void fair_insert(struct vcpu *v, bool woke)
{
    struct domain *d = v->domain;

    if (woke) {
        v->yielding = false;
        d->sched_time = not_before(d->sched_time, floor_time);
        v->sched_time = not_before(v->sched_time, d->sched_floor);
    }
    list_add_tail(&v->run_link, &waiting);
}

static void fair_remove(struct vcpu *v)
{
    list_remove(&v->run_link);
}

/* True if a comes before b, of two that wait; b if they are equal, since it came first. */
static bool comes_before(const struct vcpu *a, const struct vcpu *b)
{
    if (a->yielding != b->yielding) {
        return b->yielding;
    }
    if (a->domain != b->domain) {
        return a->domain->sched_time < b->domain->sched_time;
    }
    return a->sched_time < b->sched_time;
}

static struct vcpu *fair_pick(void)
{
    struct vcpu *best = NULL;

    list_for_each (at, &waiting) {
        struct vcpu *v = list_entry(at, struct vcpu, run_link);

        if (!best || comes_before(v, best)) {
            best = v;
        }
    }
    /* Having been passed over once is what a yield asks for. */
    list_for_each (at, &waiting) {
        list_entry(at, struct vcpu, run_link)->yielding = false;
    }
    return best;
}

static bool fair_preempts(const struct vcpu *woken, const struct vcpu *running)
{
    if (woken->domain != running->domain) {
        return woken->domain->sched_time + WAKE_MARGIN_NS < running->domain->sched_time;
    }
    return woken->sched_time + WAKE_MARGIN_NS < running->sched_time;
}

/* The floors follow: furthest back is v, which runs, or one of those who wait. */
static void fair_charge(struct vcpu *v, uint64_t ns)
{
    struct domain *d = v->domain;
    uint64_t low, low_sibling;

    d->sched_time += ns;
    v->sched_time += ns;
    low = d->sched_time;
    low_sibling = v->sched_time;
    list_for_each (at, &waiting) {
        const struct vcpu *w = list_entry(at, struct vcpu, run_link);

        if (w->domain->sched_time < low) {
            low = w->domain->sched_time;
        }
        if (w->domain == d && w->sched_time < low_sibling) {
            low_sibling = w->sched_time;
        }
    }
    if (low > floor_time) {
        floor_time = low;
    }
    if (low_sibling > d->sched_floor) {
        d->sched_floor = low_sibling;
    }
}

const struct sched_policy sched_fair = {
    .name = "fair",
    .insert = fair_insert,
    .remove = fair_remove,
    .pick = fair_pick,
    .preempts = fair_preempts,
    .charge = fair_charge,
    .slice_ns = SLICE_NS,
};
