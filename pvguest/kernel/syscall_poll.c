/* SPDX-License-Identifier: MIT */
/* The system calls poll, ppoll, select and pselect6: their timeouts and masks, around poll.c. */
#include <asm/errno.h>
#include <asm/unistd_64.h>
#include <linux/time_types.h>

#include "poll.h"
#include "signal.h"
#include "space.h"
#include "syscall.h"

#define NS_PER_SECOND 1000000000ll
#define MAX_SECONDS (1ll << 32)

static long sys_poll(const struct call *c)
{
    int milliseconds = c->arg[2];

    return poll_files(c->arg[0], c->arg[1], milliseconds < 0 ? -1 : milliseconds * 1000000ll);
}

/* A timeout in seconds and a fraction of `unit` ns; NULL: none. */
static int get_timeout(uint64_t address, int64_t unit, int64_t *timeout)
{
    struct __kernel_timespec time;

    *timeout = -1;
    if (!address)
        return 0;
    if (copy_from_user(&time, address, sizeof(time)))
        return -EFAULT;
    if (time.tv_sec < 0 || time.tv_nsec < 0)
        return -EINVAL;
    int64_t fraction = time.tv_nsec < NS_PER_SECOND ? time.tv_nsec * unit : NS_PER_SECOND;
    *timeout = (time.tv_sec < MAX_SECONDS ? time.tv_sec : MAX_SECONDS) * NS_PER_SECOND + fraction;
    return 0;
}

static int set_mask(uint64_t address, uint64_t size)
{
    sigset_t mask;

    if (!address)
        return 0;
    if (size != sizeof(mask))
        return -EINVAL;
    if (copy_from_user(&mask, address, sizeof(mask)))
        return -EFAULT;
    signal_set_temporary_mask(mask);
    return 0;
}

static long sys_ppoll(const struct call *c)
{
    int64_t timeout;
    int error = get_timeout(c->arg[2], 1, &timeout);

    if (!error)
        error = set_mask(c->arg[3], c->arg[4]);
    return error ? error : poll_files(c->arg[0], c->arg[1], timeout);
}

static long sys_select(const struct call *c)
{
    int64_t timeout;
    int error = get_timeout(c->arg[4], 1000, &timeout);

    return error ? error : poll_select(c->arg[0], c->arg[1], c->arg[2], c->arg[3], timeout);
}

static long sys_pselect6(const struct call *c)
{
    uint64_t mask[2] = {0, 0};
    int64_t timeout;
    int error = get_timeout(c->arg[4], 1, &timeout);

    if (!error && c->arg[5] && copy_from_user(mask, c->arg[5], sizeof(mask)))
        error = -EFAULT;
    if (!error)
        error = set_mask(mask[0], mask[1]);
    return error ? error : poll_select(c->arg[0], c->arg[1], c->arg[2], c->arg[3], timeout);
}

const struct call_entry poll_calls[] = {
    {__NR_poll, sys_poll, RESTART_IGNORED},
    {__NR_ppoll, sys_ppoll, RESTART_IGNORED},
    {__NR_select, sys_select, RESTART_IGNORED},
    {__NR_pselect6, sys_pselect6, RESTART_IGNORED},
    {0},
};
