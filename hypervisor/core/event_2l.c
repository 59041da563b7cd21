/* SPDX-License-Identifier: MIT */
/*
 * The 2-level event bitmaps: bit order and nothing else. pending and mask are in shared_info,
 * the selector and the upcall flag in the vcpu_info that is live. All of it is guest memory: it is
 * changed atomically and never believed for the hypervisor's own state.
 */
#include "event.h"

static _Atomic unsigned long *word_of(unsigned long *words, evtchn_port_t port)
{
    return (_Atomic unsigned long *)&words[port / 64];
}

static unsigned long bit_of(evtchn_port_t port)
{
    return 1ul << (port % 64);
}

/* Selector and upcall flag for a port that is pending and not masked. */
static bool select_port(struct vcpu *v, evtchn_port_t port)
{
    _Atomic unsigned long *selector = (_Atomic unsigned long *)&v->info->evtchn_pending_sel;
    unsigned long bit = 1ul << (port / 64);

    if (atomic_fetch_or(selector, bit) & bit) {
        return false;
    }
    __atomic_store_n(&v->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
    return true;
}

bool event_2l_set_pending(struct domain *d, struct vcpu *v, evtchn_port_t port)
{
    shared_info_t *s = d->shared_info;

    if (atomic_fetch_or(word_of(s->evtchn_pending, port), bit_of(port)) & bit_of(port)) {
        return false;
    }
    if (atomic_load(word_of(s->evtchn_mask, port)) & bit_of(port)) {
        return false;
    }
    return select_port(v, port);
}

bool event_2l_is_pending(struct domain *d, evtchn_port_t port)
{
    return atomic_load(word_of(d->shared_info->evtchn_pending, port)) & bit_of(port);
}

bool event_2l_is_masked(struct domain *d, evtchn_port_t port)
{
    return atomic_load(word_of(d->shared_info->evtchn_mask, port)) & bit_of(port);
}

void event_2l_clear_pending(struct domain *d, evtchn_port_t port)
{
    atomic_fetch_and(word_of(d->shared_info->evtchn_pending, port), ~bit_of(port));
}

bool event_2l_unmask(struct domain *d, struct vcpu *v, evtchn_port_t port)
{
    if (!(atomic_fetch_and(word_of(d->shared_info->evtchn_mask, port), ~bit_of(port)) &
          bit_of(port))) {
        return false;
    }
    return event_2l_is_pending(d, port) && select_port(v, port);
}
