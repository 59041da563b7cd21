/* SPDX-License-Identifier: MIT */
/*
 * States of vCPUs and the switch between them; who comes next is the policy's (sched.h).
 * Invariants, under sched_lock:
 *   sched-queue: a vCPU waits with the policy exactly while its state is VCPU_RUNNABLE.
 *   sched-one:   at most one vCPU per CPU is VCPU_RUNNING, and it is pcpu->current.
 *   sched-poll:  a vCPU's bit in d->pollers, v->polling and being BLOCKED in SCHEDOP_poll are one.
 */
#include "sched.h"

#include "console.h"
#include "debug.h"
#include "event.h"
#include "guest.h"
#include "log.h"
#include "timer.h"
#include "trace.h"

static const struct sched_policy *const policy = &sched_fair;
static spinlock_t sched_lock;
static struct timer slice_timer;
static unsigned waiting; /* vCPUs with the policy */

#define REAP_INTERVAL_NS 1000000ull /* between steps of taking domains apart while guests run */

static void resched(void)
{
    atomic_fetch_or_explicit(&this_cpu()->work, PCPU_WORK_RESCHED, memory_order_relaxed);
}

static void slice_over(void *arg)
{
    (void)arg;
    resched();
}

void sched_init(void)
{
    timer_init(&slice_timer, slice_over, NULL);
}

void sched_vcpu_init(struct vcpu *v)
{
    list_init(&v->run_link);
    v->run = VCPU_OFFLINE;
    v->run_since = machine_now();
}

/* Tell the policy what v has run since it was last told. */
static void charge(struct vcpu *v, uint64_t now)
{
    policy->charge(v, now - v->charged_at);
    v->charged_at = now;
}

static void set_state(struct vcpu *v, enum vcpu_run state, uint64_t now)
{
    if (v->run == VCPU_RUNNING) {
        charge(v, now);
    }
    v->run_time[v->run] += now - v->run_since;
    __atomic_store_n(&v->run, state, __ATOMIC_RELAXED);
    v->run_since = now;
    v->charged_at = now;
}

static bool may_run(const struct vcpu *v)
{
    return v->is_up && v->pause_count == 0 && !v->domain->is_shut_down;
}

bool vcpu_is_runnable(const struct vcpu *v)
{
    return v->run == VCPU_RUNNING || v->run == VCPU_RUNNABLE;
}

/* To RUNNABLE and into the queue; interrupts whoever runs if the policy says so. */
static void enqueue(struct vcpu *v, bool woke)
{
    struct vcpu *running = this_cpu()->current;
    bool busy = running && running->run == VCPU_RUNNING;
    uint64_t now = machine_now();

    if (busy) {
        charge(running, now); /* the policy compares times up to this moment */
    }
    set_state(v, VCPU_RUNNABLE, now);
    policy->insert(v, woke);
    waiting++;
    if (!busy || policy->preempts(v, running)) {
        resched();
    } else if (!slice_timer.armed) {
        timer_set(&slice_timer, now + policy->slice_ns);
    }
}

/* Whatever ends the sleep ends the poll: nothing of it may wake a later sleep. */
static void end_poll(struct vcpu *v)
{
    if (v->polling) {
        v->polling = false;
        atomic_fetch_and(&v->domain->pollers, ~(1u << v->id));
        timer_stop(&v->poll_timer);
    }
}

/* Out of RUNNING, RUNNABLE or BLOCKED into `state`. */
static void stop(struct vcpu *v, enum vcpu_run state)
{
    if (v->run == VCPU_RUNNABLE) {
        policy->remove(v);
        waiting--;
    } else if (v->run == VCPU_RUNNING) {
        resched();
    }
    end_poll(v);
    set_state(v, state, machine_now());
}

void vcpu_wake(struct vcpu *v)
{
    spin_lock(&sched_lock);
    if (v->run == VCPU_BLOCKED) {
        end_poll(v);
        if (may_run(v)) {
            enqueue(v, true);
        } else {
            set_state(v, VCPU_OFFLINE, machine_now()); /* paused: vcpu_unpause() finds it awake */
        }
    }
    spin_unlock(&sched_lock);
}

/* A vCPU that runs looks at its events on its way out by itself; one on another CPU must be made
 * to. */
void vcpu_kick(struct vcpu *v)
{
    enum vcpu_run run = __atomic_load_n(&v->run, __ATOMIC_RELAXED);

    if (run == VCPU_BLOCKED) {
        vcpu_wake(v);
    } else if (run == VCPU_RUNNING && v->cpu != this_cpu()->id) {
        machine_kick(v->cpu);
    }
}

void vcpu_up(struct vcpu *v)
{
    spin_lock(&sched_lock);
    v->is_up = true;
    if (v->run == VCPU_OFFLINE && may_run(v)) {
        enqueue(v, true);
    }
    spin_unlock(&sched_lock);
}

void vcpu_offline(struct vcpu *v)
{
    spin_lock(&sched_lock);
    v->is_up = false;
    if (v->run != VCPU_OFFLINE) {
        stop(v, VCPU_OFFLINE);
    }
    spin_unlock(&sched_lock);
}

void vcpu_pause(struct vcpu *v)
{
    spin_lock(&sched_lock);
    v->pause_count++;
    if (vcpu_is_runnable(v)) {
        stop(v, VCPU_OFFLINE);
    }
    spin_unlock(&sched_lock);
}

void vcpu_unpause(struct vcpu *v)
{
    spin_lock(&sched_lock);
    v->pause_count--;
    if (v->run == VCPU_OFFLINE && may_run(v)) {
        enqueue(v, true);
    }
    spin_unlock(&sched_lock);
}

/*
 * Sleepers and senders must not miss each other: a sender sets pending and then looks for sleepers,
 * a sleeper lies down and then looks at pending; the fence keeps that order.
 */
static void sleep(struct vcpu *v, bool polling)
{
    spin_lock(&sched_lock);
    if (v->run == VCPU_RUNNING) {
        stop(v, VCPU_BLOCKED);
        v->polling = polling;
        if (polling) {
            atomic_fetch_or(&v->domain->pollers, 1u << v->id);
        }
    }
    spin_unlock(&sched_lock);
    atomic_thread_fence(memory_order_seq_cst);
}

void vcpu_block(struct vcpu *v)
{
    __atomic_store_n(&v->info->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
    if (event_upcall_due(v)) {
        return;
    }
    sleep(v, false);
    if (event_upcall_due(v)) {
        vcpu_wake(v);
    }
}

void vcpu_poll(struct vcpu *v, evtchn_port_t port)
{
    v->poll_port = port;
    sleep(v, true);
}

bool vcpu_yield(struct vcpu *v)
{
    if (waiting == 0) {
        return false;
    }
    v->yielding = true;
    resched();
    return true;
}

/* The areas can only be written while guest kernel mappings are loaded; if they are not, entering
 * the guest's kernel does it (vcpu_enter_kernel). */
static void publish(struct vcpu *v)
{
    v->areas_stale |= v->runstate_area != 0;
    if (v->areas_stale && v->kernel_mode) {
        vcpu_areas_publish(v);
    }
}

/* Nothing of a domain that is to be taken apart may stay loaded. */
static void leave_dead(struct pcpu *pcpu)
{
    if (pcpu->current && pcpu->current->domain->is_shut_down) {
        pcpu->current = NULL;
        machine_leave_guest();
    }
}

/* One round of what interrupts left to do while no guest runs. */
static void idle_once(struct pcpu *pcpu)
{
    bool last = domain_running() == 0;
    uint32_t work;

    /* Nobody is left to get the memory: only a debug build takes it back, to see that it can. */
    if ((last && !debug_build) || !domain_reap()) {
        if (last) {
            console_end();
            machine_end(MACHINE_POWEROFF);
        }
        pcpu->in_idle = true;
        machine_idle();
        pcpu->in_idle = false;
    }
    work = atomic_fetch_and(&pcpu->work, ~(PCPU_WORK_TIMER | PCPU_WORK_CONSOLE));
    if (work & PCPU_WORK_TIMER) {
        timer_run();
    }
    if (work & PCPU_WORK_CONSOLE) {
        console_poll();
    }
}

static struct vcpu *pick_next(struct pcpu *pcpu)
{
    for (;;) {
        struct vcpu *v;

        leave_dead(pcpu);
        spin_lock(&sched_lock);
        /* What asked for this decision so far is in the queue: one decision answers it all. */
        atomic_fetch_and_explicit(&pcpu->work, ~PCPU_WORK_RESCHED, memory_order_relaxed);
        v = policy->pick();
        if (v) {
            policy->remove(v);
            waiting--;
            v->cpu = pcpu->id;
            set_state(v, VCPU_RUNNING, machine_now());
            spin_unlock(&sched_lock);
            return v;
        }
        spin_unlock(&sched_lock);
        idle_once(pcpu);
    }
}

/* When to look again: at the end of the slice if others wait, soon if the reaper has work. */
static void slice_begin(bool reaping)
{
    if (reaping) {
        timer_set(&slice_timer, machine_now() + REAP_INTERVAL_NS);
    } else if (waiting) {
        timer_set(&slice_timer, machine_now() + policy->slice_ns);
    } else {
        timer_stop(&slice_timer);
    }
}

void sched_run(void)
{
    struct pcpu *pcpu = this_cpu();
    struct vcpu *prev, *next;
    bool reaping;

    leave_dead(pcpu);
    reaping = domain_reap();
    prev = pcpu->current;
    spin_lock(&sched_lock);
    if (prev && prev->run == VCPU_RUNNING) {
        set_state(prev, VCPU_RUNNABLE, machine_now());
        policy->insert(prev, false);
        waiting++;
    }
    spin_unlock(&sched_lock);
    next = pick_next(pcpu);
    slice_begin(reaping);
    prev = pcpu->current; /* gone if its domain died meanwhile */
    if (next != prev) {
        if (prev) {
            publish(prev);
        }
        trace_record(TRACE_SWITCH, next, prev ? (uint64_t)prev->domain->id << 16 | prev->id : 0,
                     next->run_since);
        machine_vcpu_switch(prev, next);
    }
    publish(next);
}

unsigned sched_audit(void)
{
    unsigned bad = 0, queued = 0;

    for (unsigned id = 0; id < DOMAIN_MAX; id++) {
        for (unsigned i = 0; domain_table[id] && i < domain_table[id]->vcpu_count; i++) {
            const struct vcpu *v = domain_table[id]->vcpu[i];

            if (!v) {
                continue;
            }
            queued += v->run == VCPU_RUNNABLE;
            if ((v->run == VCPU_RUNNABLE) != !list_is_empty(&v->run_link)) {
                log_error("sched-queue: d%uv%u is in the wrong place", id, i);
                bad++;
            }
            if (v->run == VCPU_RUNNING && this_cpu()->current != v) {
                log_error("sched-one: d%uv%u runs nowhere", id, i);
                bad++;
            }
            if (v->polling != (atomic_load(&v->domain->pollers) >> v->id & 1) ||
                (v->polling && v->run != VCPU_BLOCKED)) {
                log_error("sched-poll: d%uv%u polls and does not sleep, or nobody knows", id, i);
                bad++;
            }
        }
    }
    if (queued != waiting) {
        log_error("sched-queue: %u wait, %u counted", queued, waiting);
        bad++;
    }
    return bad;
}
