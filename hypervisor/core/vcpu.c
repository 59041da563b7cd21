/* SPDX-License-Identifier: MIT */
/* vcpu_op(2): bringing vCPUs up and down, their timers, and where their shared areas are. */
#include "guest.h"
#include "handlers.h"
#include "log.h"
#include "pagetype.h"
#include "sched.h"
#include "timer.h"

/* The vCPU meant. Silent: guests probe thousands of ids at boot. */
static struct vcpu *target_of(struct vcpu *v, uint64_t id)
{
    return id < VCPU_MAX ? v->domain->vcpu[id] : NULL;
}

long do_vcpuop_initialise(struct vcpu *v, uint64_t id, uint64_t arg)
{
    struct vcpu *target = target_of(v, id);
    vcpu_guest_context_t ctx;

    if (!target) {
        return -XEN_ENOENT;
    }
    if (target->initialised) {
        return refuse(v, XEN_EEXIST, "initialised", "vCPU %lu has its context already", id);
    }
    if (guest_copy_in(&ctx, arg, sizeof(ctx))) {
        return -XEN_EFAULT;
    }
    return vcpu_set_context(v, target, &ctx);
}

long do_vcpuop_up(struct vcpu *v, uint64_t id)
{
    struct vcpu *target = target_of(v, id);

    if (!target) {
        return -XEN_ENOENT;
    }
    if (!target->initialised) {
        return refuse(v, XEN_EINVAL, "initialised", "vCPU %lu has no context yet", id);
    }
    vcpu_up(target);
    return 0;
}

long do_vcpuop_down(struct vcpu *v, uint64_t id)
{
    struct vcpu *target = target_of(v, id);
    unsigned up = 0;

    if (!target) {
        return -XEN_ENOENT;
    }
    for (unsigned i = 0; i < v->domain->vcpu_count; i++) {
        up += v->domain->vcpu[i] && v->domain->vcpu[i]->is_up;
    }
    if (target->is_up && up == 1) {
        domain_shutdown(v->domain, SHUTDOWN_poweroff); /* nobody would be left to bring it back */
        return 0;
    }
    vcpu_offline(target);
    return 0;
}

long do_vcpuop_is_up(struct vcpu *v, uint64_t id)
{
    struct vcpu *target = target_of(v, id);

    return target ? target->is_up : -XEN_ENOENT;
}

long do_vcpuop_get_runstate_info(struct vcpu *v, uint64_t id, struct vcpu_runstate_info *info)
{
    struct vcpu *target = target_of(v, id);

    if (!target) {
        return -XEN_ENOENT;
    }
    info->state = (int)target->run;
    info->state_entry_time = target->run_since;
    for (unsigned i = 0; i < 4; i++) {
        info->time[i] = target->run_time[i];
    }
    info->time[target->run] += machine_now() - target->run_since;
    return 0;
}

/* Fill an area now if its vCPU is the caller; else when it next enters its kernel. */
static void areas_changed(struct vcpu *v, struct vcpu *target)
{
    if (target == v) {
        vcpu_areas_publish(v);
    } else {
        target->areas_stale = true;
    }
}

long do_vcpuop_register_runstate_memory_area(struct vcpu *v, uint64_t id,
                                             struct vcpu_register_runstate_memory_area *area)
{
    struct vcpu *target = target_of(v, id);
    uint64_t va = (uint64_t)area->addr.p;

    if (!target) {
        return -XEN_ENOENT;
    }
    if (!va_range_is_guest(va, sizeof(struct vcpu_runstate_info))) {
        return refuse(v, XEN_EFAULT, "address", "runstate area at %#lx is not the guest's", va);
    }
    target->runstate_area = va;
    areas_changed(v, target);
    return 0;
}

#define PERIOD_MIN_NS 1000000ull

long do_vcpuop_set_periodic_timer(struct vcpu *v, uint64_t id, struct vcpu_set_periodic_timer *set)
{
    struct vcpu *target = target_of(v, id);

    if (!target) {
        return -XEN_ENOENT;
    }
    if (set->period_ns < PERIOD_MIN_NS) {
        return refuse(v, XEN_EINVAL, "period", "a period of %lu ns is under 1 ms", set->period_ns);
    }
    if (set->period_ns > INT64_MAX / 2) {
        return refuse(v, XEN_EINVAL, "period", "a period of %lu ns is too long", set->period_ns);
    }
    target->periodic_ns = set->period_ns;
    timer_set(&target->periodic, machine_now() + set->period_ns);
    return 0;
}

long do_vcpuop_stop_periodic_timer(struct vcpu *v, uint64_t id)
{
    struct vcpu *target = target_of(v, id);

    if (!target) {
        return -XEN_ENOENT;
    }
    target->periodic_ns = 0;
    timer_stop(&target->periodic);
    return 0;
}

long do_vcpuop_set_singleshot_timer(struct vcpu *v, uint64_t id,
                                    struct vcpu_set_singleshot_timer *set)
{
    if (target_of(v, id) != v) {
        return target_of(v, id) ? -XEN_EINVAL : -XEN_ENOENT;
    }
    if ((set->flags & VCPU_SSHOTTMR_future) && set->timeout_abs_ns < machine_now()) {
        return -XEN_ETIME;
    }
    timer_set(&v->singleshot, set->timeout_abs_ns);
    return 0;
}

long do_vcpuop_stop_singleshot_timer(struct vcpu *v, uint64_t id)
{
    if (target_of(v, id) != v) {
        return target_of(v, id) ? -XEN_EINVAL : -XEN_ENOENT;
    }
    timer_stop(&v->singleshot);
    return 0;
}

/*
 * From now on the live vcpu_info is at (mfn, offset). The guest may have missed an event between
 * reading the old place and this: every selector bit and the upcall are set so that it looks.
 */
long do_vcpuop_register_vcpu_info(struct vcpu *v, uint64_t id, struct vcpu_register_vcpu_info *reg)
{
    struct vcpu *target = target_of(v, id);
    mfn_t mfn = MFN(reg->mfn);
    vcpu_info_t *place;
    int err;

    if (!target) {
        return -XEN_ENOENT;
    }
    if (reg->offset > PAGE_SIZE - sizeof(vcpu_info_t) || (reg->offset & 7)) {
        return refuse(v, XEN_EINVAL, "unaligned",
                      "vcpu_info at offset %#x crosses its page or is not aligned", reg->offset);
    }
    if (!mfn_is_none(target->info_mfn) || (target != v && target->is_up)) {
        return refuse(v, XEN_EINVAL, "twice", "vCPU %lu has its vcpu_info in place", id);
    }
    err = frame_get_and_type(v, v->domain, mfn, PT_WRITABLE);
    if (err) {
        return refuse(v, XEN_EINVAL, "not-writable", "mfn %#lx cannot hold a vcpu_info", mfn.n);
    }
    place = (vcpu_info_t *)((char *)machine_map(mfn) + reg->offset);
    *place = *target->info;
    target->info = place;
    target->info_mfn = mfn;
    __atomic_store_n(&place->evtchn_pending_sel, ~0ul, __ATOMIC_SEQ_CST);
    __atomic_store_n(&place->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
    time_publish(target);
    return 0;
}

long do_vcpuop_register_vcpu_time_memory_area(struct vcpu *v, uint64_t id,
                                              struct vcpu_register_time_memory_area *area)
{
    struct vcpu *target = target_of(v, id);
    uint64_t va = (uint64_t)area->addr.p;

    if (!target) {
        return -XEN_ENOENT;
    }
    if (!va_range_is_guest(va, sizeof(struct vcpu_time_info))) {
        return refuse(v, XEN_EFAULT, "address", "time area at %#lx is not the guest's", va);
    }
    target->time_area = va;
    areas_changed(v, target);
    return 0;
}
