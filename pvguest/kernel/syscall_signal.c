/* SPDX-License-Identifier: MIT */
/* System calls of signals. */
#include <asm/errno.h>
#include <asm/siginfo.h>
#include <asm/unistd_64.h>
#include <linux/time_types.h>

#include "clock.h"
#include "signal.h"
#include "space.h"
#include "syscall.h"
#include "trap.h"
#include "wait.h"

static long sys_kill(const struct call *c)
{
    return signal_kill(c->arg[0], c->arg[1]);
}

static long send_to_thread(int group, int thread, int signal)
{
    if (thread <= 0 || (group != thread && group != -1) || !process_find(thread))
        return thread <= 0 ? -EINVAL : -ESRCH;
    if (signal < 0 || signal > SIGNALS)
        return -EINVAL;
    if (signal)
        signal_send_info(process_find(thread), signal, SI_TKILL, current_process()->pid, 0);
    return 0;
}

static long sys_tgkill(const struct call *c)
{
    return send_to_thread(c->arg[0], c->arg[1], c->arg[2]);
}

static long sys_tkill(const struct call *c)
{
    return send_to_thread(-1, c->arg[0], c->arg[1]);
}

static long sys_rt_sigaction(const struct call *c)
{
    return signal_action(c->arg[0], c->arg[1], c->arg[2], c->arg[3]);
}

static long sys_rt_sigprocmask(const struct call *c)
{
    struct process *process = current_process();
    sigset_t old = process->blocked, set;

    if (c->arg[3] != sizeof(sigset_t))
        return -EINVAL;
    if (c->arg[1]) {
        if (copy_from_user(&set, c->arg[1], sizeof(set)))
            return -EFAULT;
        switch (c->arg[0]) {
        case SIG_BLOCK:
            set |= old;
            break;
        case SIG_UNBLOCK:
            set = old & ~set;
            break;
        case SIG_SETMASK:
            break;
        default:
            return -EINVAL;
        }
        signal_set_blocked(process, set);
    }
    return c->arg[2] && copy_to_user(c->arg[2], &old, sizeof(old)) ? -EFAULT : 0;
}

static long sys_rt_sigpending(const struct call *c)
{
    sigset_t pending = current_process()->pending & current_process()->blocked;

    if (c->arg[1] != sizeof(sigset_t))
        return -EINVAL;
    return copy_to_user(c->arg[0], &pending, sizeof(pending)) ? -EFAULT : 0;
}

static long sys_rt_sigsuspend(const struct call *c)
{
    sigset_t mask;

    if (c->arg[1] != sizeof(sigset_t))
        return -EINVAL;
    return copy_from_user(&mask, c->arg[0], sizeof(mask)) ? -EFAULT : signal_suspend(mask);
}

static long sys_rt_sigreturn(const struct call *c)
{
    return signal_frame_pop(c->regs);
}

static long sys_sigaltstack(const struct call *c)
{
    return signal_altstack(c->arg[0], c->arg[1], c->regs->rsp);
}

static long sys_pause(const struct call *c)
{
    static struct wait_queue never;
    int error;

    (void)c;
    do
        error = wait_on(&never);
    while (!error);
    return error;
}

/* Takes one of the signals in the set without running its handler. */
static long sys_rt_sigtimedwait(const struct call *c)
{
    static struct wait_queue never;
    struct process *process = current_process();
    struct __kernel_timespec limit;
    uint64_t deadline = 0;
    sigset_t set, found;

    if (c->arg[3] != sizeof(sigset_t))
        return -EINVAL;
    if (copy_from_user(&set, c->arg[0], sizeof(set)) ||
        (c->arg[2] && copy_from_user(&limit, c->arg[2], sizeof(limit))))
        return -EFAULT;
    if (c->arg[2])
        deadline = clock_monotonic_ns() + limit.tv_sec * 1000000000ull + limit.tv_nsec;
    while (!(found = process->pending & set)) {
        sigset_t blocked = process->blocked;
        signal_set_blocked(process, blocked & ~set); /* so that they end the wait */
        int error = wait_until(&never, deadline);
        signal_set_blocked(process, blocked);
        if (error == -ETIMEDOUT)
            return -EAGAIN;
        if (error && !(process->pending & set))
            return error;
    }
    int signal = __builtin_ctzl(found) + 1;
    siginfo_t info = {.si_signo = signal, .si_code = process->info[signal - 1].code};
    info.si_pid = process->info[signal - 1].pid;
    process->pending &= ~signal_bit(signal);
    if (c->arg[1] && copy_to_user(c->arg[1], &info, sizeof(info)))
        return -EFAULT;
    return signal;
}

const struct call_entry signal_calls[] = {
    {__NR_kill, sys_kill, RESTART_NEVER},
    {__NR_tgkill, sys_tgkill, RESTART_NEVER},
    {__NR_tkill, sys_tkill, RESTART_NEVER},
    {__NR_rt_sigaction, sys_rt_sigaction, RESTART_NEVER},
    {__NR_rt_sigprocmask, sys_rt_sigprocmask, RESTART_NEVER},
    {__NR_rt_sigpending, sys_rt_sigpending, RESTART_NEVER},
    {__NR_rt_sigsuspend, sys_rt_sigsuspend, RESTART_IGNORED},
    {__NR_rt_sigreturn, sys_rt_sigreturn, RESTART_NEVER},
    {__NR_rt_sigtimedwait, sys_rt_sigtimedwait, RESTART_NEVER},
    {__NR_sigaltstack, sys_sigaltstack, RESTART_NEVER},
    {__NR_pause, sys_pause, RESTART_IGNORED},
    {0},
};
