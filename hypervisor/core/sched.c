/* SPDX-License-Identifier: MIT */
/*
 * States of vCPUs and the switch between them; who comes next is the policy's (sched.h).
 * Invariants, under sched_lock:
 *   sched-queue: a vCPU waits with the policy exactly while its state is VCPU_RUNNABLE.
 *   sched-one:   at most one vCPU per CPU is VCPU_RUNNING, and it is pcpu->current.
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

static void set_state(struct vcpu *v, enum vcpu_run state, uint64_t now)
{
    uint64_t spent = now - v->run_since;

    v->run_time[v->run] += spent;
    if (v->run == VCPU_RUNNING) {
        policy->charge(v, spent);
    }
    v->run = state;
    v->run_since = now;
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

    set_state(v, VCPU_RUNNABLE, machine_now());
    policy->insert(v, woke);
    waiting++;
    if (!running || running->run != VCPU_RUNNING || policy->preempts(v, running)) {
        resched();
    } else if (!slice_timer.armed) {
        timer_set(&slice_timer, machine_now() + policy->slice_ns);
    }
}

/* Out of RUNNING or RUNNABLE into `state`. */
static void stop(struct vcpu *v, enum vcpu_run state)
{
    if (v->run == VCPU_RUNNABLE) {
        policy->remove(v);
        waiting--;
    } else if (v->run == VCPU_RUNNING) {
        resched();
    }
    set_state(v, state, machine_now());
}

void vcpu_wake(struct vcpu *v)
{
    spin_lock(&sched_lock);
    if (v->run == VCPU_BLOCKED && may_run(v)) {
        enqueue(v, true);
    }
    spin_unlock(&sched_lock);
}

/* One CPU: a vCPU that runs looks at its events on the way out by itself. */
void vcpu_kick(struct vcpu *v)
{
    if (v->run == VCPU_BLOCKED) {
        vcpu_wake(v);
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

/* Go to sleep; the caller has made sure that whoever wakes us finds us BLOCKED. */
static void sleep(struct vcpu *v)
{
    spin_lock(&sched_lock);
    if (v->run == VCPU_RUNNING) {
        stop(v, VCPU_BLOCKED);
    }
    spin_unlock(&sched_lock);
}

void vcpu_block(struct vcpu *v)
{
    __atomic_store_n(&v->info->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
    sleep(v);
    /* Senders set pending first and then look for sleepers, we sleep first and then look. */
    if (__atomic_load_n(&v->info->evtchn_upcall_pending, __ATOMIC_SEQ_CST)) {
        vcpu_wake(v);
    }
}

/* Sleep in SCHEDOP_poll: the bit in d->pollers is set already. */
void vcpu_sleep_polling(struct vcpu *v)
{
    sleep(v);
}

/* True when somebody else could run (SCHEDOP_yield). */
bool sched_others_wait(void)
{
    return waiting != 0;
}

void vcpu_runstate_publish(struct vcpu *v)
{
    struct vcpu_runstate_info info = {.state = (int)v->run, .state_entry_time = v->run_since};

    v->runstate_stale = false;
    if (!v->runstate_area) {
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        info.time[i] = v->run_time[i];
    }
    guest_copy_out(v->runstate_area, &info, sizeof(info));
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
    uint32_t served = PCPU_WORK_TIMER | PCPU_WORK_CONSOLE | PCPU_WORK_RESCHED;
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
    work = atomic_fetch_and(&pcpu->work, ~served);
    if (work & PCPU_WORK_TIMER) {
        timer_run();
    }
    if (work & PCPU_WORK_CONSOLE) {
        console_poll();
    }
}

static struct vcpu *pick_next(struct pcpu *pcpu)
{
    struct vcpu *v;

    for (;;) {
        leave_dead(pcpu);
        spin_lock(&sched_lock);
        v = policy->pick();
        if (v) {
            policy->remove(v);
            waiting--;
            spin_unlock(&sched_lock);
            return v;
        }
        spin_unlock(&sched_lock);
        idle_once(pcpu);
    }
}

void sched_run(void)
{
    struct pcpu *pcpu = this_cpu();
    struct vcpu *prev = pcpu->current, *next;
    uint64_t now;

    spin_lock(&sched_lock);
    if (prev && prev->run == VCPU_RUNNING) {
        set_state(prev, VCPU_RUNNABLE, machine_now());
        policy->insert(prev, false);
        waiting++;
    }
    spin_unlock(&sched_lock);
    domain_reap();
    next = pick_next(pcpu);
    now = machine_now();
    spin_lock(&sched_lock);
    set_state(next, VCPU_RUNNING, now);
    spin_unlock(&sched_lock);
    if (waiting) {
        timer_set(&slice_timer, now + policy->slice_ns);
    } else {
        timer_stop(&slice_timer);
    }
    if (next != pcpu->current) {
        trace_record(TRACE_SWITCH, next, prev ? (uint64_t)prev->domain->id << 16 | prev->id : 0,
                     now);
        machine_vcpu_switch(pcpu->current, next);
    }
    if (next->kernel_mode) {
        vcpu_runstate_publish(next);
    } else {
        next->runstate_stale = next->runstate_area != 0;
    }
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
        }
    }
    if (queued != waiting) {
        log_error("sched-queue: %u wait, %u counted", queued, waiting);
        bad++;
    }
    return bad;
}
