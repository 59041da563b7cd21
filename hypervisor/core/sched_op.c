/* SPDX-License-Identifier: MIT */
/* sched_op(2) and set_timer_op(2): what a vCPU does with its own time. */
#include "event.h"
#include "guest.h"
#include "handlers.h"
#include "log.h"
#include "sched.h"
#include "timer.h"

long do_schedop_yield(struct vcpu *v)
{
    (void)v;
    if (sched_others_wait()) {
        atomic_fetch_or_explicit(&this_cpu()->work, PCPU_WORK_RESCHED, memory_order_relaxed);
    }
    return 0;
}

long do_schedop_block(struct vcpu *v)
{
    vcpu_block(v);
    return 0;
}

long do_schedop_shutdown(struct vcpu *v, sched_shutdown_t *s)
{
    if (s->reason > SHUTDOWN_MAX) {
        return refuse(v, XEN_EINVAL, "reason", "there is no shutdown reason %u", s->reason);
    }
    domain_shutdown(v->domain, (uint8_t)s->reason);
    return 0;
}

#define POLL_PORTS_MAX 128

/* True if one of the ports is pending; *err if the list is bad. */
static bool any_pending(struct vcpu *v, const sched_poll_t *p, int *err)
{
    *err = 0;
    for (unsigned i = 0; i < p->nr_ports; i++) {
        evtchn_port_t port;

        if (guest_copy_in_at(&port, (uint64_t)p->ports.p, i, sizeof(port))) {
            *err = -XEN_EFAULT;
            return false;
        }
        if (port >= NR_EVTCHN) {
            *err = refuse(v, XEN_EINVAL, "port", "there is no port %u", port);
            return false;
        }
        if (event_2l_is_pending(v->domain, port)) {
            return true;
        }
    }
    return false;
}

long do_schedop_poll(struct vcpu *v, sched_poll_t *p)
{
    int err;

    if (p->nr_ports > POLL_PORTS_MAX) {
        return refuse(v, XEN_EINVAL, "too-many", "poll of %u ports", p->nr_ports);
    }
    atomic_fetch_or(&v->domain->pollers, 1u << v->id);
    if (any_pending(v, p, &err) || err) {
        atomic_fetch_and(&v->domain->pollers, ~(1u << v->id));
        return err;
    }
    if (p->timeout) {
        timer_set(&v->poll_timer, p->timeout);
    }
    vcpu_sleep_polling(v);
    return 0;
}

/* Slot in id, seconds in timeout; id 0 asks for a new slot (xen/sched.h). */
long do_schedop_watchdog(struct vcpu *v, sched_watchdog_t *w)
{
    struct domain *d = v->domain;
    uint32_t slot = w->id;

    if (slot == 0) {
        if (w->timeout == 0) {
            return -XEN_EINVAL;
        }
        while (slot < ARRAY_LEN(d->watchdog) && d->watchdog[slot].armed) {
            slot++;
        }
        if (slot == ARRAY_LEN(d->watchdog)) {
            return -XEN_ENOSPC;
        }
        timer_set(&d->watchdog[slot], machine_now() + w->timeout * 1000000000ull);
        return (long)slot + 1;
    }
    if (slot > ARRAY_LEN(d->watchdog)) {
        return -XEN_EINVAL;
    }
    if (!d->watchdog[slot - 1].armed) {
        return -XEN_ENOENT;
    }
    if (w->timeout == 0) {
        timer_stop(&d->watchdog[slot - 1]);
    } else {
        timer_set(&d->watchdog[slot - 1], machine_now() + w->timeout * 1000000000ull);
    }
    return 0;
}

long do_set_timer_op(struct vcpu *v, uint64_t when)
{
    if (when == 0) {
        timer_stop(&v->singleshot);
    } else {
        timer_set(&v->singleshot, when);
    }
    return 0;
}
