/* SPDX-License-Identifier: MIT */
/*
 * Threads, round robin in slices of 10 ms. The kernel is not preempted: a thread gives the CPU up
 * by thread_yield(), by sleeping, or on its way back to user mode when its slice is over.
 * Everything here is called with events masked.
 */
#ifndef PVGUEST_THREAD_H
#define PVGUEST_THREAD_H

#include <stdbool.h>
#include <stdint.h>

struct process;
struct space;

#define KERNEL_STACK_PAGES 4

/* Sleepers; all zeros is an empty queue. */
struct wait_queue {
    struct thread *first;
};

enum thread_state { THREAD_RUNNABLE, THREAD_SLEEPING, THREAD_DEAD };

struct thread {
    uint64_t sp;         /* while it does not run */
    struct thread *next; /* in the run queue, or among the dead */
    enum thread_state state;
    struct wait_queue *queue; /* sleeping in it, or NULL */
    struct thread *queue_next;
    struct thread *sleeper_next; /* with a deadline */
    uint64_t deadline;           /* ns; 0: none */
    int wake_reason;             /* what thread_sleep() returns */
    bool interruptible;
    bool interrupt_pending; /* thread_interrupt() came while it did not sleep */
    char *stack;
    void *fpu;        /* XSAVE or FXSAVE image, a page */
    uint64_t fs_base; /* of user mode: thread_set_fs_base() */
    uint64_t cpu_ns;
    struct space *space;     /* user address space, NULL in kernel threads */
    struct process *process; /* belongs to the process layer; NULL in kernel threads */
    const char *name;
};

extern struct thread *current;

/* Makes the boot context the first thread. */
void thread_init(void);
/* A thread that runs function(argument); runnable at once. NULL: no memory. */
struct thread *thread_create(const char *name, void (*function)(void *), void *argument);
/* Ends the caller. Its stack and struct are given back later by whoever runs next. */
void thread_exit(void) __attribute__((noreturn));
void thread_yield(void);
/* The slice is over and somebody else could run. */
bool thread_should_yield(void);

/* Sleep until woken (0), interrupted (-EINTR, if interruptible) or the deadline (-ETIMEDOUT; 0:
 * none). */
int thread_sleep(struct wait_queue *queue, uint64_t deadline, bool interruptible);
/* Wake all sleepers of the queue. */
void wait_queue_wake(struct wait_queue *queue);
/* An interruptible sleep of this thread ends with -EINTR; also the next one if it is not asleep. */
void thread_interrupt(struct thread *thread);

/* The timer has come. */
void thread_tick(void);
/* Called from thread_tick() with the time; may be NULL. Ask for a tick by thread_tick_by(). */
extern void (*thread_tick_hook)(uint64_t now);
void thread_tick_by(uint64_t when);

void thread_set_fs_base(uint64_t base);
/* The running thread's user space becomes `space` (exec), or none. */
void thread_set_space(struct space *space);
/* A copy of the caller's FPU state and fs base for a new thread (fork). */
void thread_copy_user_state(struct thread *to);
/* Fresh FPU registers for a new program. */
void thread_reset_fpu(void);
/* Top of the kernel stack: where entries from user mode begin. */
static inline uint64_t thread_stack_top(const struct thread *thread)
{
    return (uint64_t)thread->stack + KERNEL_STACK_PAGES * 4096;
}

unsigned int thread_runnable(void);
uint64_t thread_idle_ns(void);

#endif
