/* SPDX-License-Identifier: MIT */
/*
 * The life of event channels: event_channel_op(2). Invariants, under both ends' event_lock:
 *   event-pair:  an INTERDOMAIN channel's peer is INTERDOMAIN and names it back.
 *   event-virq:  v->virq_port[n] names a VIRQ channel for n on v, or is 0, and no other does.
 *   event-zero:  port 0 is never given out.
 */
#include "event.h"

#include <string.h>

#include "handlers.h"
#include "log.h"
#include "sched.h"

enum evtchn_state { EV_FREE, EV_RESERVED, EV_UNBOUND, EV_INTERDOMAIN, EV_VIRQ, EV_IPI, EV_HYPERVISOR };

struct evtchn {
    uint8_t state;
    uint8_t vcpu; /* notified vCPU */
    domid_t remote_id; /* UNBOUND: who may bind */
    uint32_t remote_port;
    union {
        struct domain *remote; /* INTERDOMAIN; outlives the channel: death closes both ends */
        void (*notify)(struct domain *d, evtchn_port_t port);
        uint32_t virq;
    };
    uint64_t unused;
};

_Static_assert(sizeof(struct evtchn) * EVTCHN_PER_PAGE <= PAGE_SIZE, "a bucket is one page");

static struct evtchn *evtchn_at(struct domain *d, evtchn_port_t port)
{
    struct evtchn *bucket;

    if (port == 0 || port >= NR_EVTCHN) {
        return NULL;
    }
    bucket = d->evtchn_bucket[port / EVTCHN_PER_PAGE];
    return bucket ? &bucket[port % EVTCHN_PER_PAGE] : NULL;
}

/* A free port with its bucket present, or -ENOSPC, -ENOMEM. */
static int port_alloc(struct domain *d)
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

static void lock_two(struct domain *a, struct domain *b)
{
    if (a == b) {
        spin_lock(&a->event_lock);
        return;
    }
    spin_lock(a->id < b->id ? &a->event_lock : &b->event_lock);
    spin_lock(a->id < b->id ? &b->event_lock : &a->event_lock);
}

static void unlock_two(struct domain *a, struct domain *b)
{
    spin_unlock(&a->event_lock);
    if (a != b) {
        spin_unlock(&b->event_lock);
    }
}

static struct vcpu *vcpu_of(struct domain *d, const struct evtchn *ch)
{
    struct vcpu *v = d->vcpu[ch->vcpu];

    return v ? v : d->vcpu[0];
}

static void wake_pollers(struct domain *d)
{
    uint32_t mask = atomic_exchange(&d->pollers, 0);

    while (mask) {
        unsigned id = (unsigned)__builtin_ctz(mask);

        mask &= mask - 1;
        vcpu_wake(d->vcpu[id]);
    }
}

void event_set_pending(struct vcpu *v, evtchn_port_t port)
{
    struct domain *d = v->domain;

    if (event_2l_set_pending(d, v, port)) {
        vcpu_kick(v);
    }
    if (unlikely(atomic_load_explicit(&d->pollers, memory_order_relaxed))) {
        wake_pollers(d);
    }
}

static bool virq_is_per_vcpu(uint32_t virq)
{
    return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF ||
           virq == VIRQ_XENPMU;
}

void event_send_virq(struct vcpu *v, uint32_t virq)
{
    evtchn_port_t port = v->virq_port[virq];

    if (port) {
        struct evtchn *ch = evtchn_at(v->domain, port);

        event_set_pending(vcpu_of(v->domain, ch), port);
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
        d->vcpu[ch->vcpu]->virq_port[ch->virq] = 0;
        for (unsigned i = 0; i < d->vcpu_count; i++) {
            if (d->vcpu[i] && d->vcpu[i]->virq_port[ch->virq] == port) {
                d->vcpu[i]->virq_port[ch->virq] = 0;
            }
        }
    }
    event_2l_clear_pending(d, port);
    memset(ch, 0, sizeof(*ch));
}

/* Close a port, taking the remote's lock as well when it has one. */
static int close_port(struct domain *d, evtchn_port_t port)
{
    struct domain *remote = NULL;

    for (;;) {
        struct evtchn *ch = evtchn_at(d, port);
        struct domain *now;

        lock_two(d, remote ? remote : d);
        if (!ch || ch->state == EV_FREE || ch->state == EV_RESERVED) {
            unlock_two(d, remote ? remote : d);
            return -XEN_EINVAL;
        }
        now = ch->state == EV_INTERDOMAIN ? ch->remote : NULL;
        if (now == remote || now == NULL || now == d) {
            close_locked(d, ch, port);
            unlock_two(d, remote ? remote : d);
            return 0;
        }
        unlock_two(d, remote ? remote : d);
        remote = now;
    }
}

void event_destroy_domain(struct domain *d)
{
    for (unsigned b = 0; b < EVTCHN_BUCKETS; b++) {
        if (!d->evtchn_bucket[b]) {
            continue;
        }
        for (unsigned i = 0; i < EVTCHN_PER_PAGE; i++) {
            close_port(d, b * EVTCHN_PER_PAGE + i);
        }
        frame_free_hypervisor(machine_mfn_of(d->evtchn_bucket[b]), 1);
        d->evtchn_bucket[b] = NULL;
    }
}

int event_alloc_unbound(struct domain *d, domid_t remote, evtchn_port_t *port)
{
    int free_port;

    spin_lock(&d->event_lock);
    free_port = port_alloc(d);
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
    free_port = port_alloc(d);
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
        event_set_pending(vcpu_of(d, ch), port);
    }
}

long do_evtchnop_alloc_unbound(struct vcpu *v, evtchn_alloc_unbound_t *a)
{
    struct domain *d = domain_get(v, a->dom);
    int err;

    if (!d) {
        return -XEN_ESRCH;
    }
    if (d != v->domain && !v->domain->privileged) {
        err = refuse(v, XEN_EPERM, "foreign", "event channels of d%u are not yours", a->dom);
    } else {
        domid_t remote = a->remote_dom == DOMID_SELF ? v->domain->id : a->remote_dom;

        err = event_alloc_unbound(d, remote, &a->port);
    }
    domain_put(d);
    return err;
}

static long bind_interdomain(struct vcpu *v, struct domain *remote, evtchn_bind_interdomain_t *b)
{
    struct domain *d = v->domain;
    struct evtchn *peer = evtchn_at(remote, b->remote_port), *ch;
    int port;

    if (!peer || peer->state != EV_UNBOUND || peer->remote_id != d->id) {
        return refuse(v, XEN_EINVAL, "not-offered", "port %u of d%u is not unbound for d%u",
                      b->remote_port, remote->id, d->id);
    }
    peer->state = EV_RESERVED; /* so that a loopback bind does not get the same port */
    port = port_alloc(d);
    if (port < 0) {
        peer->state = EV_UNBOUND;
        return port;
    }
    ch = evtchn_at(d, (evtchn_port_t)port);
    *ch = (struct evtchn){.state = EV_INTERDOMAIN, .remote = remote, .remote_port = b->remote_port};
    peer->state = EV_INTERDOMAIN;
    peer->remote = d;
    peer->remote_port = (uint32_t)port;
    b->local_port = (evtchn_port_t)port;
    /* A send from the other end may have come before we were bound: let the guest look. */
    event_set_pending(vcpu_of(d, ch), (evtchn_port_t)port);
    return 0;
}

long do_evtchnop_bind_interdomain(struct vcpu *v, evtchn_bind_interdomain_t *b)
{
    struct domain *remote = domain_get(v, b->remote_dom);
    long err;

    if (!remote) {
        return -XEN_ESRCH;
    }
    lock_two(v->domain, remote);
    err = bind_interdomain(v, remote, b);
    unlock_two(v->domain, remote);
    domain_put(remote);
    return err;
}

static struct vcpu *vcpu_by_id(struct domain *d, uint32_t id)
{
    return id < VCPU_MAX ? d->vcpu[id] : NULL;
}

long do_evtchnop_bind_virq(struct vcpu *v, evtchn_bind_virq_t *b)
{
    struct domain *d = v->domain;
    struct vcpu *target = vcpu_by_id(d, b->vcpu);
    struct evtchn *ch;
    int port;

    if (b->virq >= NR_VIRQS) {
        return refuse(v, XEN_EINVAL, "virq", "there is no VIRQ %u", b->virq);
    }
    if (!target) {
        return -XEN_ENOENT;
    }
    if (!virq_is_per_vcpu(b->virq)) {
        if (b->vcpu != 0) {
            return refuse(v, XEN_EINVAL, "virq", "VIRQ %u is global: bind it on vCPU 0", b->virq);
        }
        if (!d->privileged) {
            return refuse(v, XEN_EPERM, "virq", "VIRQ %u is for the control domain", b->virq);
        }
    }
    spin_lock(&d->event_lock);
    if (target->virq_port[b->virq]) {
        spin_unlock(&d->event_lock);
        return -XEN_EEXIST;
    }
    port = port_alloc(d);
    if (port > 0) {
        ch = evtchn_at(d, (evtchn_port_t)port);
        *ch = (struct evtchn){.state = EV_VIRQ, .vcpu = (uint8_t)b->vcpu, .virq = b->virq};
        target->virq_port[b->virq] = (evtchn_port_t)port;
        b->port = (evtchn_port_t)port;
        port = 0;
    }
    spin_unlock(&d->event_lock);
    return port;
}

long do_evtchnop_bind_ipi(struct vcpu *v, evtchn_bind_ipi_t *b)
{
    struct domain *d = v->domain;
    int port;

    if (!vcpu_by_id(d, b->vcpu)) {
        return -XEN_ENOENT;
    }
    spin_lock(&d->event_lock);
    port = port_alloc(d);
    if (port > 0) {
        *evtchn_at(d, (evtchn_port_t)port) =
            (struct evtchn){.state = EV_IPI, .vcpu = (uint8_t)b->vcpu};
        b->port = (evtchn_port_t)port;
        port = 0;
    }
    spin_unlock(&d->event_lock);
    return port;
}

long do_evtchnop_close(struct vcpu *v, evtchn_close_t *c)
{
    struct evtchn *ch = evtchn_at(v->domain, c->port);

    if (ch && ch->state == EV_HYPERVISOR) {
        return refuse(v, XEN_EINVAL, "hypervisor-end", "port %u is served by the hypervisor",
                      c->port);
    }
    if (close_port(v->domain, c->port)) {
        return refuse(v, XEN_EINVAL, "port", "port %u is not open", c->port);
    }
    return 0;
}

long do_evtchnop_send(struct vcpu *v, evtchn_send_t *s)
{
    struct domain *d = v->domain;
    struct evtchn *ch = evtchn_at(d, s->port), *peer;
    void (*notify)(struct domain *, evtchn_port_t) = NULL;

    if (unlikely(!ch)) {
        return refuse(v, XEN_EINVAL, "port", "there is no port %u", s->port);
    }
    spin_lock(&d->event_lock);
    switch (ch->state) {
    case EV_INTERDOMAIN:
        peer = evtchn_at(ch->remote, ch->remote_port);
        event_set_pending(vcpu_of(ch->remote, peer), ch->remote_port);
        break;
    case EV_IPI:
        event_set_pending(vcpu_of(d, ch), s->port);
        break;
    case EV_HYPERVISOR:
        notify = ch->notify;
        break;
    case EV_UNBOUND:
        break; /* nobody listens yet: silently dropped, as on Xen */
    default:
        spin_unlock(&d->event_lock);
        return refuse(v, XEN_EINVAL, "port", "port %u is not one to send on", s->port);
    }
    spin_unlock(&d->event_lock);
    if (notify) {
        notify(d, s->port);
    }
    return 0;
}

long do_evtchnop_unmask(struct vcpu *v, evtchn_unmask_t *u)
{
    struct domain *d = v->domain;
    struct evtchn *ch = evtchn_at(d, u->port);

    if (!ch || ch->state == EV_FREE) {
        return refuse(v, XEN_EINVAL, "port", "port %u is not open", u->port);
    }
    spin_lock(&d->event_lock);
    event_2l_unmask(d, vcpu_of(d, ch), u->port);
    vcpu_kick(vcpu_of(d, ch));
    spin_unlock(&d->event_lock);
    return 0;
}

long do_evtchnop_bind_vcpu(struct vcpu *v, evtchn_bind_vcpu_t *b)
{
    struct domain *d = v->domain;
    struct evtchn *ch = evtchn_at(d, b->port);
    long err = 0;

    if (!vcpu_by_id(d, b->vcpu)) {
        return -XEN_ENOENT;
    }
    if (!ch) {
        return refuse(v, XEN_EINVAL, "port", "there is no port %u", b->port);
    }
    spin_lock(&d->event_lock);
    switch (ch->state) {
    case EV_VIRQ:
        if (virq_is_per_vcpu(ch->virq)) {
            err = -XEN_EINVAL;
            break;
        }
        ch->vcpu = (uint8_t)b->vcpu;
        break;
    case EV_UNBOUND:
    case EV_INTERDOMAIN:
    case EV_HYPERVISOR:
        ch->vcpu = (uint8_t)b->vcpu;
        break;
    default:
        err = -XEN_EINVAL;
    }
    spin_unlock(&d->event_lock);
    return err ? refuse(v, XEN_EINVAL, "port", "port %u stays on its vCPU", b->port) : 0;
}

static const uint32_t status_of[] = {
    [EV_FREE] = EVTCHNSTAT_closed,     [EV_RESERVED] = EVTCHNSTAT_closed,
    [EV_UNBOUND] = EVTCHNSTAT_unbound, [EV_INTERDOMAIN] = EVTCHNSTAT_interdomain,
    [EV_VIRQ] = EVTCHNSTAT_virq,       [EV_IPI] = EVTCHNSTAT_ipi,
    [EV_HYPERVISOR] = EVTCHNSTAT_interdomain,
};

long do_evtchnop_status(struct vcpu *v, evtchn_status_t *s)
{
    struct domain *d = domain_get(v, s->dom);
    struct evtchn *ch;
    long err = 0;

    if (!d) {
        return -XEN_ESRCH;
    }
    ch = evtchn_at(d, s->port);
    spin_lock(&d->event_lock);
    if (d != v->domain && !v->domain->privileged) {
        err = refuse(v, XEN_EPERM, "foreign", "event channels of d%u are not yours", s->dom);
    } else if (s->port >= NR_EVTCHN) {
        err = refuse(v, XEN_EINVAL, "port", "there is no port %u", s->port);
    } else {
        s->status = ch ? status_of[ch->state] : EVTCHNSTAT_closed;
        s->vcpu = ch ? ch->vcpu : 0;
        if (ch && ch->state == EV_UNBOUND) {
            s->u.unbound.dom = ch->remote_id;
        } else if (ch && ch->state == EV_INTERDOMAIN) {
            s->u.interdomain.dom = ch->remote->id;
            s->u.interdomain.port = ch->remote_port;
        } else if (ch && ch->state == EV_VIRQ) {
            s->u.virq = ch->virq;
        }
    }
    spin_unlock(&d->event_lock);
    domain_put(d);
    return err;
}

long do_evtchnop_reset(struct vcpu *v, evtchn_reset_t *r)
{
    struct domain *d = v->domain;

    if (r->dom != DOMID_SELF && r->dom != d->id) {
        return refuse(v, XEN_EPERM, "foreign", "event channels of d%u are not yours", r->dom);
    }
    for (evtchn_port_t port = 1; port < NR_EVTCHN; port++) {
        struct evtchn *ch = evtchn_at(d, port);

        if (ch && ch->state != EV_HYPERVISOR) {
            close_port(d, port);
        }
    }
    return 0;
}

unsigned event_audit(struct domain *d)
{
    unsigned bad = 0;

    for (evtchn_port_t port = 1; port < NR_EVTCHN; port++) {
        struct evtchn *ch = evtchn_at(d, port);

        if (ch && ch->state == EV_INTERDOMAIN) {
            struct evtchn *peer = evtchn_at(ch->remote, ch->remote_port);

            if (!peer || peer->state != EV_INTERDOMAIN || peer->remote != d ||
                peer->remote_port != port) {
                log_error("event-pair: d%u port %u has no peer that names it", d->id, port);
                bad++;
            }
        } else if (ch && ch->state == EV_VIRQ && d->vcpu[ch->vcpu] &&
                   virq_is_per_vcpu(ch->virq) && d->vcpu[ch->vcpu]->virq_port[ch->virq] != port) {
            log_error("event-virq: d%u port %u is not where v%u finds it", d->id, port, ch->vcpu);
            bad++;
        }
    }
    return bad;
}
