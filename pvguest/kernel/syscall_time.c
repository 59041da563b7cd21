/* SPDX-License-Identifier: MIT */
/* System calls of time: clocks, sleeping, the interval timer, poll and select with their timeouts.
 */
#include <asm/errno.h>
#include <asm/unistd_64.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/times.h>

#include "clock.h"
#include "poll.h"
#include "signal.h"
#include "space.h"
#include "syscall.h"
#include "timer.h"
#include "wait.h"

#define NS_PER_SECOND 1000000000ull
#define MAX_SECONDS (1ull << 32) /* longer waits are cut to it: 136 years */

static int clock_read(uint64_t clock, uint64_t *ns)
{
    struct process *process = current_process();

    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        *ns = clock_wall_ns();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        *ns = clock_monotonic_ns();
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        *ns = process_cpu_ns(process);
        return 0;
    }
    return -EINVAL;
}

static int put_time(uint64_t address, uint64_t ns)
{
    struct __kernel_timespec time = {.tv_sec = ns / NS_PER_SECOND, .tv_nsec = ns % NS_PER_SECOND};

    return copy_to_user(address, &time, sizeof(time)) ? -EFAULT : 0;
}

static int get_time(uint64_t address, uint64_t *ns)
{
    struct __kernel_timespec time;

    if (copy_from_user(&time, address, sizeof(time)))
        return -EFAULT;
    if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= (long long)NS_PER_SECOND)
        return -EINVAL;
    uint64_t seconds = time.tv_sec;
    *ns = (seconds < MAX_SECONDS ? seconds : MAX_SECONDS) * NS_PER_SECOND + time.tv_nsec;
    return 0;
}

static long sys_clock_gettime(const struct call *c)
{
    uint64_t ns;
    int error = clock_read(c->arg[0], &ns);

    return error ? error : put_time(c->arg[1], ns);
}

static long sys_clock_getres(const struct call *c)
{
    uint64_t ns;
    int error = clock_read(c->arg[0], &ns);

    return error || !c->arg[1] ? error : put_time(c->arg[1], 1);
}

/* The wall clock belongs to the hypervisor. */
static long sys_refuse(const struct call *c)
{
    (void)c;
    return -EPERM;
}

static long sys_gettimeofday(const struct call *c)
{
    uint64_t ns = clock_wall_ns();
    struct timeval time = {.tv_sec = ns / NS_PER_SECOND, .tv_usec = ns % NS_PER_SECOND / 1000};
    struct timezone zone = {0};

    if (c->arg[0] && copy_to_user(c->arg[0], &time, sizeof(time)))
        return -EFAULT;
    return c->arg[1] && copy_to_user(c->arg[1], &zone, sizeof(zone)) ? -EFAULT : 0;
}

static long sys_time(const struct call *c)
{
    int64_t seconds = clock_wall_ns() / NS_PER_SECOND;

    if (c->arg[0] && copy_to_user(c->arg[0], &seconds, sizeof(seconds)))
        return -EFAULT;
    return seconds;
}

static long sys_times(const struct call *c)
{
    const struct process *process = current_process();
    struct tms tms = {.tms_utime = process_cpu_ns(process) / 10000000,
                      .tms_cutime = process->waited_cpu_ns / 10000000};

    if (c->arg[0] && copy_to_user(c->arg[0], &tms, sizeof(tms)))
        return -EFAULT;
    return clock_monotonic_ns() / 10000000;
}

static long sleep_until(uint64_t deadline)
{
    static struct wait_queue never;
    int error;

    do
        error = wait_until(&never, deadline);
    while (!error);
    return error == -ETIMEDOUT ? 0 : error;
}

static long sleep_for(uint64_t request, uint64_t remaining)
{
    struct process *process = current_process();
    uint64_t ns;
    long error = get_time(request, &ns);

    if (error)
        return error;
    uint64_t deadline = process->sleep_until ? process->sleep_until : clock_monotonic_ns() + ns;
    process->sleep_until = 0;
    error = sleep_until(deadline);
    if (error != -EINTR)
        return error;
    process->sleep_until = deadline;
    uint64_t now = clock_monotonic_ns();
    if (remaining && put_time(remaining, deadline > now ? deadline - now : 0))
        return -EFAULT;
    return -EINTR;
}

static long sys_nanosleep(const struct call *c)
{
    return sleep_for(c->arg[0], c->arg[1]);
}

static long sys_clock_nanosleep(const struct call *c)
{
    uint64_t now, end;
    int error = clock_read(c->arg[0], &now);

    if (error)
        return error;
    if (!(c->arg[1] & TIMER_ABSTIME))
        return sleep_for(c->arg[2], c->arg[3]);
    error = get_time(c->arg[2], &end);
    if (error || end <= now)
        return error;
    return sleep_until(clock_monotonic_ns() + (end - now));
}

static uint64_t timeval_ns(const struct __kernel_old_timeval *time)
{
    return time->tv_sec * NS_PER_SECOND + time->tv_usec * 1000;
}

static struct __kernel_old_timeval ns_timeval(uint64_t ns)
{
    return (struct __kernel_old_timeval){ns / NS_PER_SECOND, ns % NS_PER_SECOND / 1000};
}

static struct __kernel_old_itimerval itimer_state(const struct process *process)
{
    uint64_t now = clock_monotonic_ns();
    uint64_t left = process->alarm_ns > now ? process->alarm_ns - now : 0;

    return (struct __kernel_old_itimerval){ns_timeval(process->alarm_interval_ns),
                                           ns_timeval(left)};
}

static long sys_getitimer(const struct call *c)
{
    struct __kernel_old_itimerval state = itimer_state(current_process());

    if (c->arg[0] != ITIMER_REAL)
        return -EINVAL;
    return copy_to_user(c->arg[1], &state, sizeof(state)) ? -EFAULT : 0;
}

static long sys_setitimer(const struct call *c)
{
    struct process *process = current_process();
    struct __kernel_old_itimerval old = itimer_state(process), new = {0};

    if (c->arg[0] != ITIMER_REAL)
        return -EINVAL;
    if (c->arg[1] && copy_from_user(&new, c->arg[1], sizeof(new)))
        return -EFAULT;
    if (new.it_value.tv_sec < 0 || (uint64_t) new.it_value.tv_sec > MAX_SECONDS ||
        (uint64_t) new.it_value.tv_usec > 999999 || (uint64_t) new.it_interval.tv_usec > 999999 ||
        (uint64_t) new.it_interval.tv_sec > MAX_SECONDS)
        return -EINVAL;
    timer_set_alarm(process, timeval_ns(&new.it_value), timeval_ns(&new.it_interval));
    return c->arg[2] && copy_to_user(c->arg[2], &old, sizeof(old)) ? -EFAULT : 0;
}

static long sys_alarm(const struct call *c)
{
    struct process *process = current_process();
    struct __kernel_old_itimerval old = itimer_state(process);

    timer_set_alarm(process, (uint32_t)c->arg[0] * NS_PER_SECOND, 0);
    return old.it_value.tv_sec + (old.it_value.tv_usec != 0);
}

const struct call_entry time_calls[] = {
    {__NR_clock_gettime, sys_clock_gettime, RESTART_NEVER},
    {__NR_clock_getres, sys_clock_getres, RESTART_NEVER},
    {__NR_clock_settime, sys_refuse, RESTART_NEVER},
    {__NR_settimeofday, sys_refuse, RESTART_NEVER},
    {__NR_gettimeofday, sys_gettimeofday, RESTART_NEVER},
    {__NR_time, sys_time, RESTART_NEVER},
    {__NR_times, sys_times, RESTART_NEVER},
    {__NR_nanosleep, sys_nanosleep, RESTART_IGNORED},
    {__NR_clock_nanosleep, sys_clock_nanosleep, RESTART_IGNORED},
    {__NR_getitimer, sys_getitimer, RESTART_NEVER},
    {__NR_setitimer, sys_setitimer, RESTART_NEVER},
    {__NR_alarm, sys_alarm, RESTART_NEVER},
    {0},
};
