/* SPDX-License-Identifier: MIT */
/* Time, and the timer that ends sleeps and time slices. */
#ifndef PVGUEST_CLOCK_H
#define PVGUEST_CLOCK_H

#include <stdint.h>

#define SLICE_NS 10000000ul

uint64_t clock_monotonic_ns(void);
uint64_t clock_wall_ns(void);

/* Binds VIRQ_TIMER. */
void clock_init(void);
/* The timer interrupts no later than this; 0: whenever. */
void clock_set_deadline(uint64_t when);

#endif
