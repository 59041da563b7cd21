/* SPDX-License-Identifier: MIT */
/*
 * Event channels in the 2-level form. Handlers run from the event callback with events masked.
 * One vCPU: per-vCPU state is that of vCPU 0.
 */
#ifndef PV_EVENT_H
#define PV_EVENT_H

#include <pv/xen.h>

typedef void (*pv_event_handler)(evtchn_port_t port, void *arg);

/* Mask all ports; call once pv_shared_info is mapped. */
void pv_event_init(void);

/* Bind and unmask; the port (> 0) or -errno. */
int pv_bind_virq(unsigned virq, pv_event_handler handler, void *arg);
int pv_bind_ipi(pv_event_handler handler, void *arg);
/* A port the peer made known (console, xenstore) or that was just bound by hand. */
int pv_bind_port(evtchn_port_t port, pv_event_handler handler, void *arg);
void pv_event_close(evtchn_port_t port);

void pv_event_mask(evtchn_port_t port);
void pv_event_unmask(evtchn_port_t port);
int pv_event_send(evtchn_port_t port);

/* Handle everything pending; the body of the event callback. */
void pv_event_dispatch(void);

/* This vCPU's upcall mask: disable returns the old value for restore. */
unsigned pv_events_disable(void);
void pv_events_restore(unsigned old);
/* Sleep until an event is pending (SCHEDOP_block); events are enabled when it returns. */
void pv_events_wait(void);

#endif
