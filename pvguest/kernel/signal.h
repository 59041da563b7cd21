/* SPDX-License-Identifier: MIT */
/*
 * Signals: sending, masks, and delivery when a process goes back to user mode. Standard signals
 * only: one pending of each number (real-time signals do not queue).
 */
#ifndef PVGUEST_SIGNAL_H
#define PVGUEST_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/signal.h>

#include "process.h"

struct regs;

static inline sigset_t signal_bit(int signal)
{
    return 1ul << (signal - 1);
}

void signal_send(struct process *process, int signal);
void signal_send_info(struct process *process, int signal, int code, int pid, uint64_t address);
void signal_send_self(int signal);
/* To all of a process group; -ESRCH when it is empty. */
int signal_send_group(int group, int signal);
/* A fault in user mode: the process gets the signal now and cannot block or ignore it. */
void signal_force(int signal, int code, uint64_t address);

bool signal_is_ignored(const struct process *process, int signal);
/* Something is pending that will stop a wait: the waits of system calls end with -EINTR. */
bool signal_pending(const struct process *process);
void signal_set_blocked(struct process *process, sigset_t blocked);
/* Waits until a signal that `mask` lets through has come, then -EINTR. */
long signal_suspend(sigset_t mask);
/* A mask for one call; it is undone when the call returns and the signal has been handled. */
void signal_set_temporary_mask(sigset_t mask);

void signal_reset_on_exec(struct process *process);

/* Frames on the user stack, as Linux lays them out (signal_frame.c). */
int signal_frame_push(struct regs *regs, int signal, const struct sigaction *action, sigset_t mask);
long signal_frame_pop(struct regs *regs);

long signal_kill(int pid, int signal);
long signal_action(int signal, uint64_t action, uint64_t old, uint64_t size);
long signal_altstack(uint64_t stack, uint64_t old, uint64_t user_sp);

#endif
