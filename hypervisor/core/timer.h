/* SPDX-License-Identifier: MIT */
/* Software timers on the machine's one deadline, and the time pages guests read (time.c). */
#ifndef PARAVANE_CORE_TIMER_H
#define PARAVANE_CORE_TIMER_H

#include "domain.h"

void timer_init(struct timer *t, void (*fire)(void *), void *arg);
void timer_set(struct timer *t, uint64_t when); /* absolute system time; past = fires at once */
void timer_stop(struct timer *t);
void timer_run(void); /* fire what is due on this CPU and program the next deadline */

/* Write vcpu_time_info into the live vcpu_info, and wall clock into shared_info. */
void time_publish(struct vcpu *v);
void time_publish_wallclock(struct domain *d);

#endif
