/* SPDX-License-Identifier: MIT */
/* The clocks of the shared page, the one-shot timer of VIRQ_TIMER. */
#include "clock.h"

#include <pv/event.h>
#include <pv/time.h>

#include "print.h"
#include "thread.h"

uint64_t clock_monotonic_ns(void)
{
    return pv_time_ns();
}

uint64_t clock_wall_ns(void)
{
    return pv_wall_ns();
}

static void on_timer(evtchn_port_t port, void *arg)
{
    (void)port, (void)arg;
    thread_tick();
}

void clock_init(void)
{
    int port = pv_bind_virq(VIRQ_TIMER, on_timer, NULL);

    if (port < 0)
        panic("cannot bind the timer: %d", port);
}

void clock_set_deadline(uint64_t when)
{
    if (when)
        pv_set_timer(when);
}
