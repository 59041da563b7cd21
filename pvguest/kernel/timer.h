/* SPDX-License-Identifier: MIT */
/* Interval timers of processes: alarm(2) and setitimer(ITIMER_REAL). */
#ifndef PVGUEST_TIMER_H
#define PVGUEST_TIMER_H

#include <stdint.h>

struct process;

/* SIGALRM in `value` ns, then every `interval` ns; value 0: no more. */
void timer_set_alarm(struct process *process, uint64_t value, uint64_t interval);
void timer_init(void);

#endif
