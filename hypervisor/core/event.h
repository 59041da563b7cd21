/* SPDX-License-Identifier: MIT */
/*
 * Event channels: life of a channel (event.c) and the 2-level bitmaps (event_2l.c).
 * Hypercall: event_channel_op(2). Man page: paravane-abi(7), EVENT CHANNELS.
 */
#ifndef PARAVANE_CORE_EVENT_H
#define PARAVANE_CORE_EVENT_H

#include "domain.h"

int event_init_domain(struct domain *d);     /* allocates the first bucket; -ENOMEM */
void event_destroy_domain(struct domain *d); /* closes every channel; repeatable */
void event_init_vcpu(struct vcpu *v);

/* Set port pending and wake or kick who listens (2-level protocol, paravane-abi(7)). */
void event_set_pending(struct vcpu *v, evtchn_port_t port);
/* Raise a virtual interrupt bound on v (per-vCPU VIRQs) or on the domain's vCPU 0 (global ones). */
void event_send_virq(struct vcpu *v, uint32_t virq);

/* A channel whose other end is the hypervisor (the console): `notify` runs when the guest sends. */
int event_bind_hypervisor(struct domain *d, uint32_t vcpu_id,
                          void (*notify)(struct domain *d, evtchn_port_t port),
                          evtchn_port_t *port);
/* The hypervisor's end sends to the guest. */
void event_notify_guest(struct domain *d, evtchn_port_t port);

/* An unbound channel in d that `remote` may bind: used by the builder for xenstore. */
int event_alloc_unbound(struct domain *d, domid_t remote, evtchn_port_t *port);

/* True if an upcall is owed: evtchn_upcall_pending && !evtchn_upcall_mask. */
static inline bool event_upcall_due(const struct vcpu *v)
{
    const volatile vcpu_info_t *info = v->info;

    return info->evtchn_upcall_pending && !info->evtchn_upcall_mask;
}

/* 2-level state (event_2l.c): atomic on guest memory that is never trusted for our own state. */
bool event_2l_set_pending(struct domain *d, struct vcpu *v,
                          evtchn_port_t port); /* true: newly due */
bool event_2l_is_pending(struct domain *d, evtchn_port_t port);
bool event_2l_is_masked(struct domain *d, evtchn_port_t port);
void event_2l_clear_pending(struct domain *d, evtchn_port_t port);
bool event_2l_unmask(struct domain *d, struct vcpu *v, evtchn_port_t port); /* true: newly due */

unsigned event_audit(struct domain *d);

#endif
