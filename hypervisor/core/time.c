/* SPDX-License-Identifier: MIT */
/*
 * What guests read of time from memory: vcpu_time_info (xen/xen.h), the wall clock, and how long
 * each vCPU has been in which state (xen/vcpu.h). The TSC's rate is constant, so base and scale are
 * the same for every vCPU and are written once per place.
 */
#include "guest.h"
#include "sched.h"
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
}

/* Always the same even version: what the area says never changes. */
static void time_area_write(struct vcpu *v)
{
    struct vcpu_time_info copy = {.version = 2};

    fill(&copy);
    guest_copy_out(v->time_area, &copy, sizeof(copy));
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

/*
 * With VMASST_TYPE_runstate_update_flag a reader on another CPU can tell a half-written area by the
 * flag in its time stamp (xen/vcpu.h, XEN_RUNSTATE_UPDATE).
 */
static void runstate_write(struct vcpu *v)
{
    struct vcpu_runstate_info info = {.state = (int)v->run, .state_entry_time = v->run_since};
    uint64_t stamp_va = v->runstate_area + offsetof(struct vcpu_runstate_info, state_entry_time);
    bool flagged = v->domain->vm_assist & (1u << VMASST_TYPE_runstate_update_flag);
    uint64_t stamp = v->run_since;

    for (unsigned i = 0; i < ARRAY_LEN(v->run_time); i++) {
        info.time[i] = v->run_time[i];
    }
    if (flagged) {
        info.state_entry_time |= XEN_RUNSTATE_UPDATE;
        guest_copy_out(stamp_va, &info.state_entry_time, sizeof(info.state_entry_time));
    }
    guest_copy_out(v->runstate_area, &info, sizeof(info));
    if (flagged) {
        guest_copy_out(stamp_va, &stamp, sizeof(stamp));
    }
}

void vcpu_areas_publish(struct vcpu *v)
{
    v->areas_stale = false;
    if (v->runstate_area) {
        runstate_write(v);
    }
    if (v->time_area) {
        time_area_write(v);
    }
}
