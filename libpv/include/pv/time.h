/* SPDX-License-Identifier: MIT */
/* Time from the shared pages (xen/xen.h, struct vcpu_time_info), and the one-shot timer. */
#ifndef PV_TIME_H
#define PV_TIME_H

#include <pv/xen.h>

/* ((ticks << shift) * mul) >> 32: TSC ticks to nanoseconds. */
static inline uint64_t pv_scale(uint64_t ticks, uint32_t mul, int8_t shift)
{
    ticks = shift < 0 ? ticks >> -shift : ticks << shift;
    return (uint64_t)((unsigned __int128)ticks * mul >> 32);
}

uint64_t pv_time_ns(void); /* since the hypervisor started */
uint64_t pv_wall_ns(void); /* Unix time */
/* VIRQ_TIMER at this system time; 0 stops it. */
int pv_set_timer(uint64_t when_ns);

#endif
