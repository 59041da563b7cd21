/* SPDX-License-Identifier: MIT */
/*
 * event_channel_op(2): what guests ask of event channels. Each handler takes event_lock itself;
 * the records and their invariants are event.c's.
 */
#include "event_internal.h"
#include "handlers.h"
#include "log.h"
#include "sched.h"

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
    port = event_port_alloc(d);
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
    event_deliver(d, ch, (evtchn_port_t)port);
    return 0;
}

long do_evtchnop_bind_interdomain(struct vcpu *v, evtchn_bind_interdomain_t *b)
{
    struct domain *remote = domain_get(v, b->remote_dom);
    long err;

    if (!remote) {
        return -XEN_ESRCH;
    }
    event_lock_two(v->domain, remote);
    err = bind_interdomain(v, remote, b);
    event_unlock_two(v->domain, remote);
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
    if (!event_virq_is_per_vcpu(b->virq)) {
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
    port = event_port_alloc(d);
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
    port = event_port_alloc(d);
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
    if (event_close(v->domain, c->port)) {
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
        event_deliver(ch->remote, peer, ch->remote_port);
        break;
    case EV_IPI:
        event_deliver(d, ch, s->port);
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
    struct vcpu *target;

    if (!ch || ch->state == EV_FREE) {
        return refuse(v, XEN_EINVAL, "port", "port %u is not open", u->port);
    }
    spin_lock(&d->event_lock);
    target = event_vcpu(d, ch);
    if (event_2l_unmask(d, target, u->port)) {
        vcpu_kick(target);
    }
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
        if (event_virq_is_per_vcpu(ch->virq)) {
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
    [EV_FREE] = EVTCHNSTAT_closed,
    [EV_RESERVED] = EVTCHNSTAT_closed,
    [EV_UNBOUND] = EVTCHNSTAT_unbound,
    [EV_INTERDOMAIN] = EVTCHNSTAT_interdomain,
    [EV_VIRQ] = EVTCHNSTAT_virq,
    [EV_IPI] = EVTCHNSTAT_ipi,
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
        } else if (ch && ch->state == EV_HYPERVISOR) {
            s->u.interdomain.dom = DOMID_XEN;
            s->u.interdomain.port = 0;
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

        if (!ch || ch->state == EV_FREE || ch->state == EV_HYPERVISOR) {
            continue;
        }
        if (hypercall_preempt(v, 16)) {
            return -XEN_ERESTART; /* closed ports are not closed again: it goes on from here */
        }
        event_close(d, port);
    }
    return 0;
}
