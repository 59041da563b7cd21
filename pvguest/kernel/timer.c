/* SPDX-License-Identifier: MIT */
/* Interval timers: each tick looks at all processes, and asks for a tick at the next alarm. */
#include "timer.h"

#include "clock.h"
#include "process.h"
#include "signal.h"
#include "thread.h"

static void timer_tick(uint64_t now)
{
    for (struct process *process = processes; process; process = process->next) {
        if (!process->alarm_ns)
            continue;
        if (process->alarm_ns <= now) {
            uint64_t interval = process->alarm_interval_ns;
            process->alarm_ns = interval ? process->alarm_ns + interval : 0;
            if (interval && process->alarm_ns <= now)
                process->alarm_ns = now + interval; /* late by more than one: those are lost */
            signal_send(process, SIGALRM);
        }
        if (process->alarm_ns)
            thread_tick_by(process->alarm_ns);
    }
}

void timer_set_alarm(struct process *process, uint64_t value, uint64_t interval)
{
    process->alarm_ns = value ? clock_monotonic_ns() + value : 0;
    process->alarm_interval_ns = interval;
    if (value)
        thread_tick_by(process->alarm_ns);
}

void timer_init(void)
{
    thread_tick_hook = timer_tick;
}
