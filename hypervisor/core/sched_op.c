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
    vcpu_yield(v);
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

static bool any_pending(struct domain *d, const evtchn_port_t *ports, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (event_2l_is_pending(d, ports[i])) {
            return true;
        }
    }
    return false;
}

/* Looked at twice, before lying down and after: an event between the two would wake nobody. */
long do_schedop_poll(struct vcpu *v, sched_poll_t *p)
{
    evtchn_port_t ports[POLL_PORTS_MAX];

    if (p->nr_ports > POLL_PORTS_MAX) {
        return refuse(v, XEN_EINVAL, "too-many", "poll of %u ports", p->nr_ports);
    }
    if (guest_copy_in(ports, (uint64_t)p->ports.p, p->nr_ports * sizeof(ports[0]))) {
        return -XEN_EFAULT;
    }
    for (unsigned i = 0; i < p->nr_ports; i++) {
        if (ports[i] >= NR_EVTCHN) {
            return refuse(v, XEN_EINVAL, "port", "there is no port %u", ports[i]);
        }
    }
    if (any_pending(v->domain, ports, p->nr_ports) || event_upcall_due(v)) {
        return 0;
    }
    if (p->timeout) {
        timer_set(&v->poll_timer, p->timeout);
    }
    vcpu_poll(v, p->nr_ports == 1 ? ports[0] : 0);
    if (any_pending(v->domain, ports, p->nr_ports) || event_upcall_due(v)) {
        vcpu_wake(v);
    }
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
