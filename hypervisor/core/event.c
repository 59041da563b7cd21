/* SPDX-License-Identifier: MIT */
/*
 * The life of event channels: event_channel_op(2). Invariants, under both ends' event_lock:
 *   event-pair:  an INTERDOMAIN channel's peer is INTERDOMAIN and names it back.
 *   event-virq:  v->virq_port[n] names a VIRQ channel for n on v, or is 0, and no other does.
 *   event-zero:  port 0 is never given out.
 */
#include "event_internal.h"

#include <string.h>

#include "log.h"
#include "sched.h"

/* A free port with its bucket present, or -ENOSPC, -ENOMEM. */
int event_port_alloc(struct domain *d)
{
    for (unsigned b = 0; b < EVTCHN_BUCKETS; b++) {
        if (!d->evtchn_bucket[b]) {
            mfn_t mfn = frame_alloc_hypervisor();

            if (mfn_equal(mfn, MFN_INVALID)) {
                return -XEN_ENOMEM;
            }
            d->evtchn_bucket[b] = machine_map(mfn);
        }
        for (unsigned i = b == 0; i < EVTCHN_PER_PAGE; i++) {
            if (d->evtchn_bucket[b][i].state == EV_FREE) {
                return (int)(b * EVTCHN_PER_PAGE + i);
            }
        }
    }
    return -XEN_ENOSPC;
}

void event_lock_two(struct domain *a, struct domain *b)
{
    if (a == b) {
        spin_lock(&a->event_lock);
        return;
    }
    spin_lock(a->id < b->id ? &a->event_lock : &b->event_lock);
    spin_lock(a->id < b->id ? &b->event_lock : &a->event_lock);
}

void event_unlock_two(struct domain *a, struct domain *b)
{
    spin_unlock(&a->event_lock);
    if (a != b) {
        spin_unlock(&b->event_lock);
    }
}

struct vcpu *event_vcpu(struct domain *d, const struct evtchn *ch)
{
    struct vcpu *v = d->vcpu[ch->vcpu];

    return v ? v : d->vcpu[0];
}

static void wake_pollers(struct domain *d, evtchn_port_t port)
{
    uint32_t mask = atomic_load(&d->pollers);

    while (mask) {
        struct vcpu *v = d->vcpu[__builtin_ctz(mask)];

        mask &= mask - 1;
        if (v->poll_port == 0 || v->poll_port == port) {
            vcpu_wake(v);
        }
    }
}

void event_set_pending(struct vcpu *v, evtchn_port_t port)
{
    struct domain *d = v->domain;

    if (event_2l_set_pending(d, v, port)) {
        vcpu_kick(v);
    }
    if (unlikely(atomic_load_explicit(&d->pollers, memory_order_relaxed))) {
        wake_pollers(d, port);
    }
}

/* The guest's end of a channel gets an event. A domain in the making has no vCPU to hear it yet. */
void event_deliver(struct domain *d, const struct evtchn *ch, evtchn_port_t port)
{
    struct vcpu *v = event_vcpu(d, ch);

    if (likely(v)) {
        event_set_pending(v, port);
    }
}

void event_send_virq(struct vcpu *v, uint32_t virq)
{
    evtchn_port_t port = v->virq_port[virq];

    if (port) {
        event_deliver(v->domain, evtchn_at(v->domain, port), port);
    }
}

int event_init_domain(struct domain *d)
{
    mfn_t mfn = frame_alloc_hypervisor();

    if (mfn_equal(mfn, MFN_INVALID)) {
        return -XEN_ENOMEM;
    }
    d->evtchn_bucket[0] = machine_map(mfn);
    d->evtchn_bucket[0][0].state = EV_RESERVED;
    return 0;
}

void event_init_vcpu(struct vcpu *v)
{
    memset(v->virq_port, 0, sizeof(v->virq_port));
}

/* Close with both ends locked: `d` is, and ch->remote is if there is one. */
static void close_locked(struct domain *d, struct evtchn *ch, evtchn_port_t port)
{
    if (ch->state == EV_INTERDOMAIN) {
        struct evtchn *peer = evtchn_at(ch->remote, ch->remote_port);

        peer->state = EV_UNBOUND;
        peer->remote_id = d->id;
        peer->remote = NULL;
    } else if (ch->state == EV_VIRQ) {
        /* A global one may be notified elsewhere than where it is bound, on vCPU 0. */
        d->vcpu[event_virq_is_per_vcpu(ch->virq) ? ch->vcpu : 0]->virq_port[ch->virq] = 0;
    }
    event_2l_clear_pending(d, port);
    memset(ch, 0, sizeof(*ch));
}

/* Close a port, taking the remote's lock as well when it has one. -EINVAL: not open. */
int event_close(struct domain *d, evtchn_port_t port)
{
    struct domain *remote = NULL;
    int err = -XEN_EAGAIN;

    while (err == -XEN_EAGAIN) {
        struct domain *locked = remote ? remote : d, *now;
        struct evtchn *ch;

        event_lock_two(d, locked);
        ch = evtchn_at(d, port);
        now = ch && ch->state == EV_INTERDOMAIN ? ch->remote : d;
        if (!ch || ch->state == EV_FREE || ch->state == EV_RESERVED) {
            err = -XEN_EINVAL;
        } else if (now == d || now == locked) {
            close_locked(d, ch, port);
            err = 0;
        } else {
            domain_hold(now); /* the channel keeps it alive only as long as we hold its lock */
        }
        event_unlock_two(d, locked);
        if (remote) {
            domain_put(remote);
        }
        remote = err == -XEN_EAGAIN ? now : NULL;
    }
    return err;
}

void event_destroy_domain(struct domain *d)
{
    for (unsigned b = 0; b < EVTCHN_BUCKETS; b++) {
        if (!d->evtchn_bucket[b]) {
            continue;
        }
        for (unsigned i = 0; i < EVTCHN_PER_PAGE; i++) {
            event_close(d, b * EVTCHN_PER_PAGE + i);
        }
        frame_free_hypervisor(machine_mfn_of(d->evtchn_bucket[b]), 1);
        d->evtchn_bucket[b] = NULL;
    }
}

int event_alloc_unbound(struct domain *d, domid_t remote, evtchn_port_t *port)
{
    int free_port;

    spin_lock(&d->event_lock);
    free_port = event_port_alloc(d);
    if (free_port > 0) {
        struct evtchn *ch = evtchn_at(d, (evtchn_port_t)free_port);

        ch->state = EV_UNBOUND;
        ch->remote_id = remote;
        *port = (evtchn_port_t)free_port;
        free_port = 0;
    }
    spin_unlock(&d->event_lock);
    return free_port;
}

int event_bind_hypervisor(struct domain *d, uint32_t vcpu_id,
                          void (*notify)(struct domain *d, evtchn_port_t port), evtchn_port_t *port)
{
    int free_port;

    spin_lock(&d->event_lock);
    free_port = event_port_alloc(d);
    if (free_port > 0) {
        struct evtchn *ch = evtchn_at(d, (evtchn_port_t)free_port);

        ch->state = EV_HYPERVISOR;
        ch->vcpu = (uint8_t)vcpu_id;
        ch->notify = notify;
        *port = (evtchn_port_t)free_port;
        free_port = 0;
    }
    spin_unlock(&d->event_lock);
    return free_port;
}

void event_notify_guest(struct domain *d, evtchn_port_t port)
{
    struct evtchn *ch = evtchn_at(d, port);

    if (ch && ch->state == EV_HYPERVISOR) {
        event_deliver(d, ch, port);
    }
}

/* The two ways a channel must agree with something else. */
static bool is_consistent(struct domain *d, evtchn_port_t port, const struct evtchn *ch)
{
    const struct evtchn *peer;

    switch (ch->state) {
    case EV_INTERDOMAIN:
        peer = evtchn_at(ch->remote, ch->remote_port);
        return peer && peer->state == EV_INTERDOMAIN && peer->remote == d &&
               peer->remote_port == port;
    case EV_VIRQ:
        return d->vcpu[event_virq_is_per_vcpu(ch->virq) ? ch->vcpu : 0]->virq_port[ch->virq] ==
               port;
    default:
        return true;
    }
}

unsigned event_audit(struct domain *d)
{
    unsigned bad = 0;

    if (d->evtchn_bucket[0] && d->evtchn_bucket[0][0].state != EV_RESERVED) {
        log_error("event-zero: port 0 of d%u is in state %u", d->id, d->evtchn_bucket[0][0].state);
        bad++;
    }
    for (evtchn_port_t port = 1; port < NR_EVTCHN; port++) {
        const struct evtchn *ch = evtchn_at(d, port);

        if (ch && !is_consistent(d, port, ch)) {
            log_error("%s: d%u port %u is named by nobody",
                      ch->state == EV_VIRQ ? "event-virq" : "event-pair", d->id, port);
            bad++;
        }
    }
    for (unsigned i = 0; i < d->vcpu_count * NR_VIRQS; i++) {
        const struct vcpu *v = d->vcpu[i / NR_VIRQS];
        evtchn_port_t port = v ? v->virq_port[i % NR_VIRQS] : 0;
        const struct evtchn *ch = evtchn_at(d, port);

        if (port && !(ch && ch->state == EV_VIRQ && ch->virq == i % NR_VIRQS)) {
            log_error("event-virq: d%uv%u has VIRQ %u on port %u, which is not it", d->id, v->id,
                      i % NR_VIRQS, port);
            bad++;
        }
    }
    return bad;
}
