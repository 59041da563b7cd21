/* SPDX-License-Identifier: MIT */
/*
 * The fair policy: of the vCPUs that wait, the one whose *domain* has had the least CPU time comes
 * next, so a domain gains nothing by having more vCPUs. A domain that slept does not save up time:
 * on waking it starts at most one slice behind the domain that is furthest back.
 * Called under the sched lock.
 */
#include "sched.h"

#define SLICE_NS 10000000ull
#define WAKE_MARGIN_NS 1000000ull /* how far ahead the running domain must be to be interrupted */

static struct list waiting = {&waiting, &waiting};
static uint64_t floor_time; /* CPU time of the domain last picked: what "furthest back" means */

static void fair_insert(struct vcpu *v, bool woke)
{
    struct domain *d = v->domain;

    if (woke && d->sched_time + SLICE_NS < floor_time) {
        d->sched_time = floor_time - SLICE_NS;
    }
    list_add_tail(&v->run_link, &waiting);
}

static void fair_remove(struct vcpu *v)
{
    list_remove(&v->run_link);
}

static struct vcpu *fair_pick(void)
{
    struct vcpu *best = NULL;

    list_for_each(at, &waiting)
    {
        struct vcpu *v = list_entry(at, struct vcpu, run_link);

        if (!best || v->domain->sched_time < best->domain->sched_time) {
            best = v;
        }
    }
    if (best && best->domain->sched_time > floor_time) {
        floor_time = best->domain->sched_time;
    }
    return best;
}

static bool fair_preempts(const struct vcpu *woken, const struct vcpu *running)
{
    return woken->domain->sched_time + WAKE_MARGIN_NS < running->domain->sched_time;
}

static void fair_charge(struct vcpu *v, uint64_t ns)
{
    v->domain->sched_time += ns;
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
