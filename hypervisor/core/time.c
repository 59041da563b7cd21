/* SPDX-License-Identifier: MIT */
/*
 * The time that guests read from memory (xen/xen.h, struct vcpu_time_info). The TSC's rate is
 * constant, so base and scale are the same for every vCPU and are written once per place.
 */
#include "guest.h"
#include "timer.h"

#define TSC_STABLE 1 /* XEN_PVCLOCK_TSC_STABLE_BIT */

static void fill(struct vcpu_time_info *t)
{
    t->tsc_timestamp = machine_clock.tsc_base;
    t->system_time = 0;
    t->tsc_to_system_mul = machine_clock.tsc_to_system_mul;
    t->tsc_shift = machine_clock.tsc_shift;
    t->flags = TSC_STABLE;
}

void time_publish(struct vcpu *v)
{
    struct vcpu_time_info *t = &v->info->time;

    __atomic_store_n(&t->version, t->version | 1, __ATOMIC_SEQ_CST);
    fill(t);
    __atomic_store_n(&t->version, t->version + 1, __ATOMIC_SEQ_CST);
    if (v->time_area) {
        struct vcpu_time_info copy = {.version = 2};

        fill(&copy);
        guest_copy_out(v->time_area, &copy, sizeof(copy));
    }
}

void time_publish_wallclock(struct domain *d)
{
    shared_info_t *s = d->shared_info;
    uint64_t seconds = machine_clock.wall_at_boot_ns / 1000000000u;

    __atomic_store_n(&s->wc_version, s->wc_version | 1, __ATOMIC_SEQ_CST);
    s->wc_sec = (uint32_t)seconds;
    s->wc_sec_hi = (uint32_t)(seconds >> 32);
    s->wc_nsec = (uint32_t)(machine_clock.wall_at_boot_ns % 1000000000u);
    __atomic_store_n(&s->wc_version, s->wc_version + 1, __ATOMIC_SEQ_CST);
}
