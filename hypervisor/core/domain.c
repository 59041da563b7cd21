/* SPDX-License-Identifier: MIT */
/*
 * Making, finding and stopping domains and vCPUs. domain_list_lock guards the table, the list of
 * the dying (reap.c) and the count of those alive.
 */
#include "domain.h"

#include <string.h>

#include "console.h"
#include "event.h"
#include "grant.h"
#include "log.h"
#include "sched.h"
#include "timer.h"
#include "trace.h"
#include "trap.h"

struct domain *domain_table[DOMAIN_MAX];
spinlock_t domain_list_lock;
struct list domain_dying = {&domain_dying, &domain_dying};
static unsigned alive; /* domains that have not shut down */

static void *object_alloc(uint64_t pages)
{
    mfn_t mfn = frame_alloc_hypervisor_run(pages);

    return mfn_equal(mfn, MFN_INVALID) ? NULL : machine_map(mfn);
}

static void watchdog_fired(void *arg)
{
    struct domain *d = arg;

    log_warning("d%u: watchdog expired", d->id);
    domain_shutdown(d, SHUTDOWN_watchdog);
}

static bool domain_init(struct domain *d)
{
    mfn_t mfn = frame_alloc_hypervisor();

    if (mfn_equal(mfn, MFN_INVALID)) {
        return false;
    }
    frame_share(mfn, d);
    d->shared_info_mfn = mfn;
    d->shared_info = machine_map(mfn);
    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++) {
        d->shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
    }
    time_publish_wallclock(d);
    return event_init_domain(d) == 0 && grant_init_domain(d) == 0 && console_create(d) == 0;
}

/* From now on nobody finds it and the reaper takes it apart. */
static void begin_dying(struct domain *d)
{
    spin_lock(&domain_list_lock);
    if (!d->is_dying) {
        d->is_dying = true;
        list_add_tail(&d->dying_link, &domain_dying);
    }
    if (!d->is_shut_down) {
        d->is_shut_down = true;
        alive--;
    }
    spin_unlock(&domain_list_lock);
}

struct domain *domain_create(domid_t id, const char *name, bool privileged, uint64_t max_pages)
{
    struct domain *d;

    if (id >= DOMAIN_MAX || domain_table[id]) {
        return NULL;
    }
    d = object_alloc(PAGES_OF(*d));
    if (!d) {
        return NULL;
    }
    d->id = id;
    d->privileged = privileged;
    d->max_pages = max_pages;
    d->refs = 1;
    format(d->name, sizeof(d->name), "%s", name);
    for (unsigned i = 0; i < ARRAY_LEN(d->watchdog); i++) {
        timer_init(&d->watchdog[i], watchdog_fired, d);
    }
    spin_lock(&domain_list_lock);
    domain_table[id] = d;
    alive++;
    spin_unlock(&domain_list_lock);
    if (!domain_init(d)) {
        begin_dying(d);
        return NULL;
    }
    return d;
}

void domain_abandon(struct domain *d)
{
    begin_dying(d);
}

static void singleshot_fired(void *arg)
{
    event_send_virq(arg, VIRQ_TIMER);
}

static void periodic_fired(void *arg)
{
    struct vcpu *v = arg;

    uint64_t now = machine_now(), next = v->periodic.when + v->periodic_ns;

    event_send_virq(v, VIRQ_TIMER);
    if (v->periodic_ns) {
        /* In step with the period, but ticks that were missed are not made up for. */
        timer_set(&v->periodic, next > now ? next : now + v->periodic_ns);
    }
}

static void poll_fired(void *arg)
{
    vcpu_wake(arg);
}

struct vcpu *vcpu_create(struct domain *d, uint32_t id)
{
    struct vcpu *v;

    if (id >= VCPU_MAX || d->vcpu[id]) {
        return NULL;
    }
    v = object_alloc(PAGES_OF(*v));
    if (!v) {
        return NULL;
    }
    v->domain = d;
    v->id = id;
    v->info = &d->shared_info->vcpu_info[id];
    timer_init(&v->singleshot, singleshot_fired, v);
    timer_init(&v->periodic, periodic_fired, v);
    timer_init(&v->poll_timer, poll_fired, v);
    event_init_vcpu(v);
    sched_vcpu_init(v);
    if (machine_vcpu_create(v)) {
        frame_free_hypervisor(machine_mfn_of(v), PAGES_OF(*v));
        return NULL;
    }
    d->vcpu[id] = v;
    if (id >= d->vcpu_count) {
        d->vcpu_count = id + 1;
    }
    time_publish(v);
    return v;
}

struct domain *domain_get(struct vcpu *caller, domid_t id)
{
    struct domain *d = caller->domain;

    if (id == DOMID_SELF || id == d->id) {
        domain_hold(d); /* the caller keeps it alive meanwhile */
        return d;
    }
    if (id >= DOMAIN_MAX) {
        return NULL;
    }
    spin_lock(&domain_list_lock);
    d = domain_table[id];
    if (d && d->is_dying) {
        d = NULL;
    }
    if (d) {
        domain_hold(d);
    }
    spin_unlock(&domain_list_lock);
    return d;
}

void domain_put(struct domain *d)
{
    atomic_fetch_sub(&d->refs, 1);
}

unsigned domain_running(void)
{
    return alive;
}

static const char *const reason_names[] = {
    [SHUTDOWN_poweroff] = "poweroff", [SHUTDOWN_reboot] = "reboot",
    [SHUTDOWN_suspend] = "suspend",   [SHUTDOWN_crash] = "crash",
    [SHUTDOWN_watchdog] = "watchdog",
};

static const char *reason_name(uint8_t reason)
{
    return reason < ARRAY_LEN(reason_names) ? reason_names[reason] : "soft-reset";
}

/* There is no control domain yet that could want to look at it or resume it: it dies at once. */
static void stop_vcpus(struct domain *d, uint8_t reason)
{
    d->shutdown_reason = reason;
    for (unsigned i = 0; i < d->vcpu_count; i++) {
        if (d->vcpu[i]) {
            vcpu_offline(d->vcpu[i]);
        }
    }
    begin_dying(d);
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
    if (d->is_shut_down) {
        return;
    }
    log_info("d%u (%s): %s", d->id, d->name, reason_name(reason));
    stop_vcpus(d, reason);
    console_state(d, "state=shutdown reason=%s name=%s", reason_name(reason), d->name);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
    struct vcpu *v = current_vcpu();
    va_list ap;

    if (d->is_shut_down) {
        return;
    }
    va_start(ap, fmt);
    vformat(d->why, sizeof(d->why), fmt, ap);
    va_end(ap);
    d->crashed = true;
    log_error("d%u (%s) crashed: %s", d->id, d->name, d->why);
    v = v && v->domain == d ? v : d->vcpu[0];
    if (v && v->initialised) {
        guest_dump(v);
    }
    stop_vcpus(d, SHUTDOWN_crash);
    console_state(d, "state=killed name=%s why=%s", d->name, d->why);
}
