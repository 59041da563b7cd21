/* SPDX-License-Identifier: MIT */
/* What event.c and event_op.c share: the record of a channel, and what is done to it under locks.
 */
#ifndef PARAVANE_CORE_EVENT_INTERNAL_H
#define PARAVANE_CORE_EVENT_INTERNAL_H

#include "event.h"

enum evtchn_state {
    EV_FREE,
    EV_RESERVED,
    EV_UNBOUND,
    EV_INTERDOMAIN,
    EV_VIRQ,
    EV_IPI,
    EV_HYPERVISOR
};

struct evtchn {
    uint8_t state;
    uint8_t vcpu;      /* notified vCPU */
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

static inline struct evtchn *evtchn_at(struct domain *d, evtchn_port_t port)
{
    struct evtchn *bucket;

    if (port == 0 || port >= NR_EVTCHN) {
        return NULL;
    }
    port &= NR_EVTCHN - 1; /* again for the CPU that ran ahead of the test with a larger number */
    bucket = d->evtchn_bucket[port / EVTCHN_PER_PAGE];
    return likely(bucket) ? &bucket[port % EVTCHN_PER_PAGE] : NULL;
}

/* A free port with its bucket present, or -ENOSPC, -ENOMEM. Event lock held, as for the next. */
int event_port_alloc(struct domain *d);
/* The vCPU that port notifies, NULL while d has none. */
struct vcpu *event_vcpu(struct domain *d, const struct evtchn *ch);
/* The guest's end of a channel gets an event. */
void event_deliver(struct domain *d, const struct evtchn *ch, evtchn_port_t port);

void event_lock_two(struct domain *a, struct domain *b);
void event_unlock_two(struct domain *a, struct domain *b);

/* Close a port, taking the remote's lock as well when it has one. -EINVAL: not open. */
int event_close(struct domain *d, evtchn_port_t port);

/* Those that each vCPU has its own of; the others are bound on vCPU 0. */
static inline bool event_virq_is_per_vcpu(uint32_t virq)
{
    return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;
}

#endif
