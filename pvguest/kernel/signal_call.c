/* SPDX-License-Identifier: MIT */
/* kill(2), sigaction(2), sigaltstack(2): the system calls about signals that need more than a line.
 */
#include <asm/errno.h>
#include <asm/siginfo.h>

#include "job.h"
#include "signal.h"
#include "space.h"

long signal_kill(int pid, int signal)
{
    struct process *self = current_process();
    bool found = false;

    if (signal < 0 || signal > SIGNALS)
        return -EINVAL;
    for (struct process *process = processes; process; process = process->next) {
        bool meant = pid > 0    ? process->pid == pid
                     : pid == 0 ? process->pgid == self->pgid
                     : pid < -1 ? process->pgid == -pid
                                : process->pid != 1 && process != self;
        if (!meant)
            continue;
        found = true;
        if (signal)
            signal_send_info(process, signal, SI_USER, self->pid, 0);
    }
    return found ? 0 : -ESRCH;
}

/* An action that ignores the signal also drops one that is pending. */
long signal_action(int signal, uint64_t action, uint64_t old, uint64_t size)
{
    struct process *process = current_process();
    struct sigaction new;

    if (size != sizeof(sigset_t) || signal < 1 || signal > SIGNALS)
        return -EINVAL;
    struct sigaction *current = &process->action[signal - 1];
    if (action && copy_from_user(&new, action, sizeof(new)))
        return -EFAULT;
    if (action && (signal == SIGKILL || signal == SIGSTOP))
        return -EINVAL;
    if (old && copy_to_user(old, current, sizeof(*current)))
        return -EFAULT;
    if (!action)
        return 0;
    *current = new;
    if (signal_is_ignored(process, signal))
        process->pending &= ~signal_bit(signal);
    return 0;
}

static bool on_altstack(const stack_t *stack, uint64_t sp)
{
    return !(stack->ss_flags & SS_DISABLE) && sp - (uint64_t)stack->ss_sp < stack->ss_size;
}

long signal_altstack(uint64_t stack, uint64_t old, uint64_t user_sp)
{
    struct process *process = current_process();
    bool active = on_altstack(&process->altstack, user_sp);
    stack_t current = process->altstack, new;

    if (active)
        current.ss_flags |= SS_ONSTACK;
    if (stack) {
        if (copy_from_user(&new, stack, sizeof(new)))
            return -EFAULT;
        if (active)
            return -EPERM;
        if (new.ss_flags & ~SS_DISABLE)
            return -EINVAL;
        if (!(new.ss_flags &SS_DISABLE) && new.ss_size < MINSIGSTKSZ)
            return -ENOMEM;
    }
    if (old && copy_to_user(old, &current, sizeof(current)))
        return -EFAULT;
    if (stack)
        process->altstack = new;
    return 0;
}
