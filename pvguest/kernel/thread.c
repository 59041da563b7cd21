/* SPDX-License-Identifier: MIT */
/*
 * The run queue, sleeping and waking, and the switch. Idling happens inside thread_yield() on the
 * stack of whoever found nobody to run: events are enabled only there, by SCHEDOP_block.
 */
#include "thread.h"

#include <asm/errno.h>
#include <stddef.h>
#include <string.h>

#include <pv/event.h>
#include <pv/hypercall_stubs.h>

#include "clock.h"
#include "memory.h"
#include "print.h"
#include "space.h"

struct thread *current;
void (*thread_tick_hook)(uint64_t now);

static struct thread *run_first, *run_last, *dead, *sleepers;
static uint64_t slice_end, timer_at, switched_at, idle_ns, extra_tick;
static bool has_xsave;

void thread_switch_stack(uint64_t *save_sp, uint64_t load_sp);
extern char thread_first[];

static bool cpu_has_osxsave(void)
{
    uint32_t a = 1, b, c = 0, d;

    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return c >> 27 & 1;
}

static void fpu_save(void *area)
{
    if (has_xsave)
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static void fpu_load(const void *area)
{
    if (has_xsave)
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

/* The state after FNINIT (Intel SDM vol. 1, 8.1.5); a zero XSAVE header means initial state. */
static void fpu_clear(uint8_t *area)
{
    memset(area, 0, PAGE_SIZE);
    *(uint16_t *)area = 0x37f;
    *(uint32_t *)(area + 24) = 0x1f80;
}

void thread_reset_fpu(void)
{
    fpu_clear(current->fpu);
    fpu_load(current->fpu);
}

void thread_init(void)
{
    static struct thread boot = {.name = "boot"};

    has_xsave = cpu_has_osxsave();
    current = &boot;
    boot.fpu = page_alloc();
    fpu_clear(boot.fpu);
    switched_at = clock_monotonic_ns();
}

static void enqueue(struct thread *t)
{
    t->state = THREAD_RUNNABLE;
    t->next = NULL;
    if (run_last)
        run_last->next = t;
    else
        run_first = t;
    run_last = t;
}

static struct thread *dequeue(void)
{
    struct thread *t = run_first;

    if (t) {
        run_first = t->next;
        if (!run_first)
            run_last = NULL;
    }
    return t;
}

struct thread *thread_create(const char *name, void (*function)(void *), void *argument)
{
    struct thread *t = kmalloc(sizeof(*t));
    uint64_t *sp;

    if (!t)
        return NULL;
    memset(t, 0, sizeof(*t));
    t->stack = pages_alloc(KERNEL_STACK_PAGES);
    t->fpu = page_alloc();
    if (!t->stack || !t->fpu) {
        pages_free(t->stack, KERNEL_STACK_PAGES);
        page_free(t->fpu);
        kfree(t);
        return NULL;
    }
    t->name = name;
    fpu_clear(t->fpu);
    /* What thread_switch_stack() pops: r15 r14 r13 r12 rbp rbx, then the return address. */
    sp = (uint64_t *)thread_stack_top(t) - 8;
    memset(sp, 0, 8 * sizeof(*sp));
    sp[4] = (uint64_t)argument;
    sp[5] = (uint64_t)function;
    sp[6] = (uint64_t)thread_first;
    t->sp = (uint64_t)sp;
    enqueue(t);
    return t;
}

static void bury_dead(void)
{
    while (dead) {
        struct thread *t = dead;

        dead = t->next;
        pages_free(t->stack, KERNEL_STACK_PAGES);
        page_free(t->fpu);
        kfree(t);
    }
}

/* The timer for the nearest of: a sleeper's deadline, the end of the slice if others wait. */
static void program_timer(void)
{
    uint64_t when = extra_tick;

    for (const struct thread *t = sleepers; t; t = t->sleeper_next)
        if (!when || t->deadline < when)
            when = t->deadline;
    if (run_first && (!when || slice_end < when))
        when = slice_end;
    if (when != timer_at) {
        timer_at = when;
        clock_set_deadline(when);
    }
}

/* Load what the hypervisor and the CPU keep for user mode of `t`. */
static void load_user_state(struct thread *t)
{
    if (!t->space)
        return;
    hc_stack_switch(FLAT_KERNEL_SS, thread_stack_top(t));
    space_activate(t->space);
    hc_set_segment_base(SEGBASE_FS, t->fs_base);
    fpu_load(t->fpu);
}

static struct thread *next_or_idle(void)
{
    struct thread *t;

    while (!(t = dequeue())) {
        uint64_t from = clock_monotonic_ns();

        program_timer();
        pv_events_wait();
        pv_events_disable();
        idle_ns += clock_monotonic_ns() - from;
    }
    return t;
}

/* The caller is in the run queue, in a wait queue or dead. */
static void switch_away(void)
{
    struct thread *from = current, *to;
    uint64_t now = clock_monotonic_ns();

    from->cpu_ns += now - switched_at;
    to = next_or_idle();
    now = clock_monotonic_ns();
    switched_at = now;
    slice_end = now + SLICE_NS;
    program_timer();
    if (to == from)
        return;
    if (from->space && from->state != THREAD_DEAD)
        fpu_save(from->fpu);
    current = to;
    load_user_state(to);
    thread_switch_stack(&from->sp, to->sp);
    bury_dead();
}

void thread_yield(void)
{
    enqueue(current);
    switch_away();
}

bool thread_should_yield(void)
{
    return run_first && clock_monotonic_ns() >= slice_end;
}

void thread_exit(void)
{
    current->state = THREAD_DEAD;
    current->space = NULL;
    bury_dead();
    /* Our stack is in use until the switch: the next thread buries us. */
    current->next = dead;
    dead = current;
    switch_away();
    panic("a dead thread runs");
}

static void sleeper_remove(struct thread *t)
{
    struct thread **at = &sleepers;

    while (*at && *at != t)
        at = &(*at)->sleeper_next;
    if (*at)
        *at = t->sleeper_next;
}

static void queue_remove(struct thread *t)
{
    struct thread **at = &t->queue->first;

    while (*at && *at != t)
        at = &(*at)->queue_next;
    if (*at)
        *at = t->queue_next;
    t->queue = NULL;
}

static void wake(struct thread *t, int reason)
{
    if (t->state != THREAD_SLEEPING)
        return;
    if (t->queue)
        queue_remove(t);
    if (t->deadline)
        sleeper_remove(t);
    t->deadline = 0;
    t->wake_reason = reason;
    enqueue(t);
}

int thread_sleep(struct wait_queue *queue, uint64_t deadline, bool interruptible)
{
    if (interruptible && current->interrupt_pending) {
        current->interrupt_pending = false;
        return -EINTR;
    }
    if (deadline && deadline <= clock_monotonic_ns())
        return -ETIMEDOUT;
    current->state = THREAD_SLEEPING;
    current->interruptible = interruptible;
    current->queue = queue;
    current->queue_next = queue->first;
    queue->first = current;
    current->deadline = deadline;
    if (deadline) {
        current->sleeper_next = sleepers;
        sleepers = current;
    }
    switch_away();
    return current->wake_reason;
}

void wait_queue_wake(struct wait_queue *queue)
{
    while (queue->first)
        wake(queue->first, 0);
}

void thread_interrupt(struct thread *thread)
{
    if (thread->state == THREAD_SLEEPING && thread->interruptible)
        wake(thread, -EINTR);
    else
        thread->interrupt_pending = true;
}

void thread_tick_by(uint64_t when)
{
    if (!extra_tick || when < extra_tick)
        extra_tick = when;
    program_timer();
}

void thread_tick(void)
{
    uint64_t now = clock_monotonic_ns();
    struct thread *t = sleepers;

    timer_at = 0;
    if (extra_tick && now >= extra_tick)
        extra_tick = 0;
    while (t) {
        struct thread *next = t->sleeper_next;

        if (t->deadline <= now)
            wake(t, -ETIMEDOUT);
        t = next;
    }
    if (thread_tick_hook)
        thread_tick_hook(now);
    program_timer();
}

void thread_set_fs_base(uint64_t base)
{
    current->fs_base = base;
    hc_set_segment_base(SEGBASE_FS, base);
}

void thread_set_space(struct space *space)
{
    current->space = space;
    if (space) {
        hc_stack_switch(FLAT_KERNEL_SS, thread_stack_top(current));
        space_activate(space);
    }
}

void thread_copy_user_state(struct thread *to)
{
    fpu_save(current->fpu);
    memcpy(to->fpu, current->fpu, PAGE_SIZE);
    to->fs_base = current->fs_base;
}

unsigned int thread_runnable(void)
{
    unsigned int n = 1;

    for (const struct thread *t = run_first; t; t = t->next)
        n++;
    return n;
}

uint64_t thread_idle_ns(void)
{
    return idle_ns;
}
