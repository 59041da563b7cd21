/* SPDX-License-Identifier: MIT */
/*
 * Debug keys, a table: what the state of a running machine can be asked for. They only read (but
 * for R and C), take as long as they take, and answer in the log. The keys stand in hypervisor(8).
 */
#include "debugkey.h"

#include "console.h"
#include "event.h"
#include "grant.h"
#include "log.h"
#include "pagetype.h"
#include "sched.h"
#include "trace.h"

static const char *const run_names[] = {
    [VCPU_RUNNING] = "running",
    [VCPU_RUNNABLE] = "runnable",
    [VCPU_BLOCKED] = "blocked",
    [VCPU_OFFLINE] = "offline",
};

static void each_domain(void (*show)(struct domain *d))
{
    for (unsigned id = 0; id < DOMAIN_MAX; id++) {
        if (domain_table[id] != NULL) {
            show(domain_table[id]);
        }
    }
}

static void each_vcpu(struct domain *d, void (*show)(struct vcpu *v))
{
    for (unsigned i = 0; i < d->vcpu_count; i++) {
        if (d->vcpu[i] != NULL) {
            show(d->vcpu[i]);
        }
    }
}

static void show_vcpu(struct vcpu *v)
{
    log_info("  v%u %s%s, %s at %#lx, upcall %s%s, ran %lu ms", v->id, run_names[v->run],
             v->pause_count ? " (paused)" : "", v->kernel_mode ? "kernel" : "user", v->regs.rip,
             v->info->evtchn_upcall_pending ? "pending" : "idle",
             v->info->evtchn_upcall_mask ? ", masked" : "", v->run_time[VCPU_RUNNING] / 1000000);
}

static void show_domain(struct domain *d)
{
    log_info("d%u %s%s%s: %lu of %lu pages, %u vCPUs, %lu refusals", d->id, d->name,
             d->privileged ? ", privileged" : "",
             d->is_dying ? ", dying" : (d->is_shut_down ? ", shut down" : ""), d->page_count,
             d->max_pages, d->vcpu_count, d->refused);
    each_vcpu(d, show_vcpu);
}

static void key_domains(void)
{
    each_domain(show_domain);
}

static void dump_domain(struct domain *d)
{
    each_vcpu(d, guest_dump);
}

static void key_registers(void)
{
    each_domain(dump_domain);
}

static void key_memory(void)
{
    uint64_t tables = 0, writable = 0, descriptors = 0, hypervisor = 0;

    for (uint64_t n = 0; n < frame_limit; n++) {
        uint64_t type = frame_type(MFN(n));

        hypervisor += (atomic_load(&frame_of(MFN(n))->count) & FRAME_HYPERVISOR) != 0;
        tables += (type & PT_VALIDATED) && pt_level(type) != 0;
        descriptors += (type & PT_VALIDATED) && (type & PT_TYPE_MASK) == PT_SEGDESC;
        writable += (type & PT_TYPE_MASK) == PT_WRITABLE && (type & PT_COUNT_MASK) != 0;
    }
    log_info("%lu frames up to %#lx free; of guests %lu are page tables, %lu descriptors, %lu "
             "mapped writable; the hypervisor's %lu",
             frame_free_count(), frame_limit, tables, descriptors, writable, hypervisor);
}

static void show_timer(const struct vcpu *v, const char *name, const struct timer *t)
{
    if (t->armed) {
        log_info("  d%uv%u %s in %ld us", v->domain->id, v->id, name,
                 ((long)t->when - (long)machine_now()) / 1000);
    }
}

static void vcpu_timers(struct vcpu *v)
{
    show_timer(v, "one-shot", &v->singleshot);
    show_timer(v, "periodic", &v->periodic);
    show_timer(v, "poll", &v->poll_timer);
}

static void domain_timers(struct domain *d)
{
    each_vcpu(d, vcpu_timers);
}

static void key_timers(void)
{
    uint64_t now = machine_now(), deadline = this_cpu()->deadline;

    if (deadline == ~0ull) {
        log_info("up %lu ms, no deadline", now / 1000000);
    } else {
        log_info("up %lu ms, next deadline in %ld us", now / 1000000,
                 ((long)deadline - (long)now) / 1000);
    }
    each_domain(domain_timers);
}

static unsigned audit_differences;

static void audit_domain(struct domain *d)
{
    audit_differences += event_audit(d) + grant_audit(d);
}

unsigned audit_all(void)
{
    audit_differences = frame_audit() + pagetype_audit() + sched_audit();
    each_domain(audit_domain);
    return audit_differences;
}

static void key_audit(void)
{
    log_info("audits of frames, page types, scheduler, events and grants: %u differences",
             audit_all());
}

static void key_trace(void)
{
    trace_dump(NULL, 64);
}

static void key_reboot(void)
{
    log_info("reboot by debug key");
    console_end();
    machine_end(MACHINE_REBOOT);
}

static void key_crash(void)
{
    panic("asked for by debug key");
}

static void key_verbose(void)
{
    log_threshold = log_threshold == LOG_DEBUG ? LOG_INFO : LOG_DEBUG;
    log_info("log level is now %s", log_threshold == LOG_DEBUG ? "debug" : "info");
}

static void key_help(void);

static const struct {
    char key;
    void (*act)(void);
    const char *help;
} keys[] = {
    {'h', key_help, "show this list"},
    {'a', key_audit, "run every audit: frames, page types, scheduler, events, grants"},
    {'d', key_registers, "dump registers and stack of every vCPU"},
    {'m', key_memory, "memory: free frames, page tables, the hypervisor's own"},
    {'q', key_domains, "domains and their vCPUs"},
    {'t', key_timers, "timers that are set"},
    {'T', key_trace, "the last 64 trace records"},
    {'v', key_verbose, "switch debug messages on or off"},
    {'C', key_crash, "panic, to see what a panic shows"},
    {'R', key_reboot, "end the guests and reboot the machine"},
};

static void key_help(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        log_info("%c  %s", keys[i].key, keys[i].help);
    }
}

void debug_key(char key)
{
    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        if (keys[i].key == key) {
            keys[i].act();
            return;
        }
    }
    if (key > ' ' && key < 127) {
        log_info("no debug key '%c'; h lists them", key);
    }
}
