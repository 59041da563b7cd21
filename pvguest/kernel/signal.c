/* SPDX-License-Identifier: MIT */
/*
 * Signals: sending, masks and delivery. What a signal does by default stands in default_effect().
 * Invariant signal-wake: whoever makes a signal deliverable (send, or a changed mask) also
 * interrupts the thread, so a wait cannot sleep over it; wait.c tests signal_pending() first.
 */
#include "signal.h"

#include <string.h>

#include <asm/errno.h>
#include <asm/siginfo.h>

#include "job.h"
#include "print.h"
#include "space.h"
#include "trap.h"
#include "wait.h"

#define STOP_SIGNALS                                                                               \
    (signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU))
#define UNBLOCKABLE (signal_bit(SIGKILL) | signal_bit(SIGSTOP))

enum effect { EFFECT_END, EFFECT_IGNORE, EFFECT_STOP };

static enum effect default_effect(int signal)
{
    switch (signal) {
    case SIGCHLD:
    case SIGCONT:
    case SIGURG:
    case SIGWINCH:
        return EFFECT_IGNORE;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        return EFFECT_STOP;
    }
    return EFFECT_END;
}

bool signal_is_ignored(const struct process *process, int signal)
{
    __sighandler_t handler = process->action[signal - 1].sa_handler;

    if (process->pid == 1 && handler == SIG_DFL)
        return true; /* init gets only what it asked for */
    return handler == SIG_IGN || (handler == SIG_DFL && default_effect(signal) == EFFECT_IGNORE);
}

/* The lowest signal that can be delivered now, faults and SIGKILL before others; 0: none. */
static int signal_next(const struct process *process)
{
    sigset_t ready = process->pending & ~process->blocked;
    sigset_t first = ready & (signal_bit(SIGKILL) | signal_bit(SIGSEGV) | signal_bit(SIGBUS) |
                              signal_bit(SIGILL) | signal_bit(SIGFPE) | signal_bit(SIGTRAP));

    if (first)
        ready = first;
    return ready ? __builtin_ctzl(ready) + 1 : 0;
}

bool signal_pending(const struct process *process)
{
    return signal_next(process) != 0;
}

static void signal_continue(struct process *process)
{
    process->pending &= ~STOP_SIGNALS;
    if (process->state != PROCESS_STOPPED)
        return;
    process->state = PROCESS_ALIVE;
    process->wait_stop = false;
    process->wait_continue = true;
    process->status = 0xffff;
    process_notify_parent(process, CLD_CONTINUED);
    wake_all(&process->stop_queue);
}

void signal_send_info(struct process *process, int signal, int code, int pid, uint64_t address)
{
    if (process->state == PROCESS_ZOMBIE)
        return;
    if (signal == SIGCONT) {
        signal_continue(process);
    } else if (signal == SIGKILL && process->state == PROCESS_STOPPED) {
        process->state = PROCESS_ALIVE;
        wake_all(&process->stop_queue);
    } else if (signal_bit(signal) & STOP_SIGNALS) {
        process->pending &= ~signal_bit(SIGCONT);
    }
    if (signal_is_ignored(process, signal) && !(process->blocked & signal_bit(signal)))
        return;
    if (!(process->pending & signal_bit(signal))) {
        process->pending |= signal_bit(signal);
        process->info[signal - 1].code = code;
        process->info[signal - 1].pid = pid;
        process->info[signal - 1].address = address;
    }
    if (signal_pending(process))
        thread_interrupt(process->thread);
}

void signal_send(struct process *process, int signal)
{
    signal_send_info(process, signal, SI_KERNEL, 0, 0);
}

void signal_send_self(int signal)
{
    signal_send(current_process(), signal);
}

int signal_send_group(int group, int signal)
{
    int found = -ESRCH;

    for (struct process *process = processes; process; process = process->next) {
        if (process->pgid != group)
            continue;
        found = 0;
        signal_send(process, signal);
    }
    return found;
}

void signal_force(int signal, int code, uint64_t address)
{
    struct process *process = current_process();

    if (process->blocked & signal_bit(signal) || process->action[signal - 1].sa_handler == SIG_IGN)
        process->action[signal - 1].sa_handler = SIG_DFL;
    process->blocked &= ~signal_bit(signal);
    process->pending |= signal_bit(signal);
    process->forced |= signal_bit(signal);
    process->info[signal - 1].code = code;
    process->info[signal - 1].pid = 0;
    process->info[signal - 1].address = address;
}

void signal_set_blocked(struct process *process, sigset_t blocked)
{
    process->blocked = blocked & ~UNBLOCKABLE;
}

void signal_set_temporary_mask(sigset_t mask)
{
    struct process *process = current_process();

    process->saved_blocked = process->blocked;
    process->restore_blocked = true;
    signal_set_blocked(process, mask);
}

long signal_suspend(sigset_t mask)
{
    static struct wait_queue never;
    int error;

    signal_set_temporary_mask(mask);
    do
        error = wait_on(&never);
    while (!error);
    return error;
}

/* Stops until SIGCONT or SIGKILL comes; both wake the stop queue. */
static void signal_stop(struct process *process, int signal)
{
    if (signal != SIGSTOP && job_is_orphaned(process->pgid))
        return;
    process->state = PROCESS_STOPPED;
    process->status = status_stopped(signal);
    process->wait_stop = true;
    process->wait_continue = false;
    process_notify_parent(process, CLD_STOPPED);
    while (process->state == PROCESS_STOPPED)
        wait_uninterrupted(&process->stop_queue);
}

static void signal_end(struct process *process, const struct regs *regs, int signal, bool forced)
{
    const struct siginfo_kernel *info = &process->info[signal - 1];

    if (forced)
        kprintf("%s[%d]: killed by signal %d at %lx, ip %lx, sp %lx\n", process->name, process->pid,
                signal, info->address, regs->rip, regs->rsp);
    process_exit(signal);
}

/* Runs a handler: false when its frame cannot be written, which ends the process. */
static bool signal_handle(struct process *process, struct regs *regs, int signal)
{
    struct sigaction action = process->action[signal - 1];
    sigset_t mask = process->restore_blocked ? process->saved_blocked : process->blocked;

    process->restore_blocked = false;
    if (process->restart != RESTART_NEVER) {
        bool again = process->restart == RESTART_FLAG && action.sa_flags & SA_RESTART;
        process->restart = RESTART_NEVER;
        if (again) {
            regs->rip -= 2;
            regs->rax = process->syscall_number;
        }
        process->sleep_until = 0;
    }
    if (action.sa_flags & SA_RESETHAND)
        process->action[signal - 1].sa_handler = SIG_DFL;
    if (signal_frame_push(regs, signal, &action, mask))
        return false;
    sigset_t blocked = process->blocked | action.sa_mask;
    if (!(action.sa_flags & SA_NODEFER))
        blocked |= signal_bit(signal);
    signal_set_blocked(process, blocked);
    return true;
}

static void signal_deliver_one(struct process *process, struct regs *regs, int signal)
{
    __sighandler_t handler = process->action[signal - 1].sa_handler;
    bool forced = process->forced & signal_bit(signal);

    process->pending &= ~signal_bit(signal);
    process->forced &= ~signal_bit(signal);
    if (!forced && signal_is_ignored(process, signal))
        return;
    if (handler == SIG_DFL && default_effect(signal) == EFFECT_STOP)
        signal_stop(process, signal);
    else if (handler == SIG_DFL)
        signal_end(process, regs, signal, forced);
    else if (!signal_handle(process, regs, signal)) {
        signal_force(SIGSEGV, SEGV_MAPERR, regs->rsp);
        signal_end(process, regs, SIGSEGV, true);
    }
}

void user_return(struct regs *regs)
{
    struct process *process = current_process();
    int signal;

    while ((signal = signal_next(process)))
        signal_deliver_one(process, regs, signal);
    if (process->restart != RESTART_NEVER) { /* no handler ran */
        process->restart = RESTART_NEVER;
        regs->rip -= 2;
        regs->rax = process->syscall_number;
    }
    if (process->restore_blocked) {
        process->restore_blocked = false;
        signal_set_blocked(process, process->saved_blocked);
    }
}

void signal_reset_on_exec(struct process *process)
{
    for (int i = 0; i < SIGNALS; i++) {
        bool ignored = process->action[i].sa_handler == SIG_IGN;
        memset(&process->action[i], 0, sizeof(process->action[i]));
        if (ignored)
            process->action[i].sa_handler = SIG_IGN;
    }
    process->altstack = (stack_t){.ss_flags = SS_DISABLE};
}
