/* SPDX-License-Identifier: MIT */
/*
 * Which vCPU runs. sched.c is the mechanism and vcpu states; the policy is a const table of
 * operations (struct sched_policy), so that a weighted scheduler can take its place.
 */
#ifndef PARAVANE_CORE_SCHED_H
#define PARAVANE_CORE_SCHED_H

#include "domain.h"

struct sched_policy {
    const char *name;
    void (*insert)(struct vcpu *v, bool woke); /* became runnable; woke: it was blocked */
    void (*remove)(struct vcpu *v);            /* waits no longer (picked, or stopped) */
    struct vcpu *(*pick)(void);                /* who of those that wait comes next, NULL = none */
    bool (*preempts)(const struct vcpu *woken, const struct vcpu *running);
    void (*charge)(struct vcpu *v, uint64_t ns); /* v, which runs, has run so much longer */
    uint64_t slice_ns;
};

extern const struct sched_policy sched_fair; /* sched_fair.c */

void sched_init(void);
void sched_vcpu_init(struct vcpu *v);

/* Runs on the exit path when PCPU_WORK_RESCHED is set, and once at boot: picks, switches, idles
 * while nobody can run. On return this_cpu()->current is the vCPU to enter. */
void sched_run(void);

void vcpu_wake(struct vcpu *v);  /* event or timer: a blocked or polling vCPU becomes runnable */
void vcpu_kick(struct vcpu *v);  /* make sure it looks at pending events soon */
void vcpu_block(struct vcpu *v); /* SCHEDOP_block: unmask upcalls, sleep unless one is pending */
void vcpu_pause(struct vcpu *v); /* nestable; returns when it does not run any more */
void vcpu_unpause(struct vcpu *v);
void vcpu_offline(struct vcpu *v);
bool vcpu_is_runnable(const struct vcpu *v);
/* SCHEDOP_poll: sleep until `port` is pending (0: any port), an upcall is due or poll_timer fires.
 * The caller sets the timer before and looks at what is pending afterwards. */
void vcpu_poll(struct vcpu *v, evtchn_port_t port);
/* Let others go first, once; false if nobody waits. */
bool vcpu_yield(struct vcpu *v);
/* Write runstate and time to the areas the guest registered; v loaded, in its kernel mode. */
void vcpu_areas_publish(struct vcpu *v);

unsigned sched_audit(void);

#endif
