/* SPDX-License-Identifier: MIT */
/* Making, finding and taking apart domains and vCPUs. */
#include "domain.h"

#include <string.h>

#include "console.h"
#include "descriptor.h"
#include "event.h"
#include "grant.h"
#include "log.h"
#include "pagetype.h"
#include "sched.h"
#include "symbols.h"
#include "timer.h"
#include "trace.h"
#include "trap.h"

struct domain *domain_table[DOMAIN_MAX];
spinlock_t domain_list_lock;

#define PAGES_OF(type) ((sizeof(type) + PAGE_SIZE - 1) / PAGE_SIZE)

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
    for (unsigned i = 0; i < ARRAY_LEN(d->watchdog); i++) {
        timer_init(&d->watchdog[i], watchdog_fired, d);
    }
    return event_init_domain(d) == 0 && grant_init_domain(d) == 0 && console_create(d) == 0;
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
    domain_table[id] = d;
    if (!domain_init(d)) {
        d->is_shut_down = true;
        d->is_dying = true; /* the reaper takes what was made */
        return NULL;
    }
    return d;
}

static void singleshot_fired(void *arg)
{
    event_send_virq(arg, VIRQ_TIMER);
}

static void periodic_fired(void *arg)
{
    struct vcpu *v = arg;

    event_send_virq(v, VIRQ_TIMER);
    if (v->periodic_ns) {
        timer_set(&v->periodic, machine_now() + v->periodic_ns);
    }
}

static void poll_fired(void *arg)
{
    struct vcpu *v = arg;

    atomic_fetch_and(&v->domain->pollers, ~(1u << v->id));
    vcpu_wake(v);
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
    struct domain *d = NULL;

    if (id == DOMID_SELF) {
        d = caller->domain;
    } else if (id < DOMAIN_MAX) {
        d = domain_table[id];
    }
    if (!d || d->is_dying) {
        return NULL;
    }
    atomic_fetch_add(&d->refs, 1);
    return d;
}

void domain_put(struct domain *d)
{
    atomic_fetch_sub(&d->refs, 1);
}

unsigned domain_running(void)
{
    unsigned n = 0;

    for (unsigned id = 0; id < DOMAIN_MAX; id++) {
        n += domain_table[id] && !domain_table[id]->is_shut_down;
    }
    return n;
}

static const char *const reason_names[] = {
    [SHUTDOWN_poweroff] = "poweroff", [SHUTDOWN_reboot] = "reboot", [SHUTDOWN_suspend] = "suspend",
    [SHUTDOWN_crash] = "crash",       [SHUTDOWN_watchdog] = "watchdog",
};

static const char *reason_name(uint8_t reason)
{
    return reason < ARRAY_LEN(reason_names) ? reason_names[reason] : "soft-reset";
}

static void stop_vcpus(struct domain *d, uint8_t reason)
{
    d->is_shut_down = true;
    d->shutdown_reason = reason;
    for (unsigned i = 0; i < d->vcpu_count; i++) {
        if (d->vcpu[i]) {
            vcpu_offline(d->vcpu[i]);
        }
    }
    d->is_dying = true; /* no control domain that could want to look at it or resume it */
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
    if (d->is_shut_down) {
        return;
    }
    log_info("d%u (%s): %s", d->id, d->name, reason_name(reason));
    if (reason == SHUTDOWN_crash && current_vcpu() && current_vcpu()->domain == d) {
        guest_dump(current_vcpu());
    }
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
    if (v && v->domain == d) {
        guest_dump(v);
    }
    stop_vcpus(d, SHUTDOWN_crash);
    console_state(d, "state=killed name=%s why=%s", d->name, d->why);
}

/* The steps of taking a domain apart. Each returns true when it is done; false: call again. */

static bool reap_devices(struct domain *d)
{
    for (unsigned i = 0; i < ARRAY_LEN(d->watchdog); i++) {
        timer_stop(&d->watchdog[i]);
    }
    for (unsigned i = 0; i < d->vcpu_count; i++) {
        if (d->vcpu[i]) {
            timer_stop(&d->vcpu[i]->singleshot);
            timer_stop(&d->vcpu[i]->periodic);
            timer_stop(&d->vcpu[i]->poll_timer);
        }
    }
    refuse_flush(d);
    console_destroy(d);
    symbols_drop(d);
    event_destroy_domain(d);
    return true;
}

static bool reap_grants(struct domain *d)
{
    return grant_destroy_domain(d);
}

static void drop_root(struct vcpu *v, mfn_t *root)
{
    mfn_t mfn = *root;

    *root = MFN_NONE;
    if (!mfn_is_none(mfn)) {
        pagetype_put_later(v, mfn);
    }
}

static bool reap_vcpus(struct domain *d)
{
    for (unsigned i = 0; i < d->vcpu_count; i++) {
        struct vcpu *v = d->vcpu[i];

        if (!v) {
            continue;
        }
        drop_root(v, &v->guest_table);
        drop_root(v, &v->guest_table_user);
        if (pagetype_finish(v)) {
            return false;
        }
        descriptor_drop(v);
        if (!mfn_is_none(v->info_mfn)) {
            v->info = &d->shared_info->vcpu_info[v->id];
            frame_put_and_type(NULL, v->info_mfn);
            v->info_mfn = MFN_NONE;
        }
    }
    d->destroy_cursor = d->page_list;
    return true;
}

#define FRAMES_A_STEP 512

static bool reap_types(struct domain *d)
{
    struct vcpu *v = d->vcpu[0];

    for (unsigned n = 0; d->destroy_cursor; n++) {
        mfn_t mfn = MFN(d->destroy_cursor);

        if (n == FRAMES_A_STEP || pagetype_relinquish(v, mfn) == -XEN_ERESTART) {
            return false;
        }
        d->destroy_cursor = frame_of(mfn)->next;
    }
    d->destroy_cursor = d->page_list;
    return true;
}

static bool reap_frames(struct domain *d)
{
    for (unsigned n = 0; d->destroy_cursor; n++) {
        mfn_t mfn = MFN(d->destroy_cursor);

        if (n == FRAMES_A_STEP) {
            return false;
        }
        d->destroy_cursor = frame_of(mfn)->next;
        frame_give_back(d, mfn);
    }
    return true;
}

/* Frames that another domain still maps stay until it lets go; then the rest can go. */
static bool reap_rest(struct domain *d)
{
    domid_t id = d->id;

    if (d->page_count || atomic_load(&d->refs) != 1) {
        return false;
    }
    for (unsigned i = 0; i < d->vcpu_count; i++) {
        struct vcpu *v = d->vcpu[i];

        if (v) {
            machine_vcpu_destroy(v);
            frame_free_hypervisor(machine_mfn_of(v), PAGES_OF(*v));
        }
    }
    if (d->shared_info) {
        frame_unshare(d->shared_info_mfn);
    }
    domain_table[id] = NULL;
    frame_free_hypervisor(machine_mfn_of(d), PAGES_OF(*d));
    log_debug("d%u: all its memory is back; %lu frames free", id, frame_free_count());
    return true;
}

static bool (*const reap_steps[])(struct domain *d) = {
    reap_devices, reap_grants, reap_vcpus, reap_types, reap_frames, reap_rest,
};

bool domain_reap(void)
{
    struct vcpu *loaded = current_vcpu();

    for (unsigned id = 0; id < DOMAIN_MAX; id++) {
        struct domain *d = domain_table[id];
        bool waits = d && d->destroy_step == ARRAY_LEN(reap_steps) - 1;

        if (!d || !d->is_dying || (loaded && loaded->domain == d)) {
            continue;
        }
        if (d->vcpu[0]) {
            d->vcpu[0]->hc.budget = HYPERCALL_BUDGET;
        }
        if (reap_steps[d->destroy_step](d)) {
            if (!waits) {
                d->destroy_step++;
            }
            return true;
        }
        if (!waits) {
            return true;
        }
    }
    return false;
}
