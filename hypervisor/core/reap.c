/* SPDX-License-Identifier: MIT */
/*
 * Taking dead domains apart, in steps that are repeated until each says that it is done, so that no
 * turn takes long. Invariant domain-last: a domain is in the table until nothing names it any more:
 * no frame of it is mapped, no grant of it pinned, no reference to it held.
 */
#include "console.h"
#include "debug.h"
#include "debugkey.h"
#include "descriptor.h"
#include "domain.h"
#include "event.h"
#include "grant.h"
#include "log.h"
#include "pagetype.h"
#include "symbols.h"
#include "timer.h"

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

static void drop_root(struct vcpu *v, mfn_t *root)
{
    mfn_t mfn = *root;

    *root = MFN_NONE;
    if (!mfn_is_none(mfn)) {
        pagetype_put_later(v, mfn);
    }
}

/* From frame to frame of d's list, from its beginning after its end. The reference that the cursor
 * holds keeps its frame on the list when somebody else lets go of it between two steps. */
static void cursor_next(struct domain *d)
{
    uint32_t old = d->destroy_cursor, n;

    spin_lock(&d->page_lock);
    n = old ? frame_of(MFN(old))->next : d->page_list;
    while (n && !frame_get_any(MFN(n))) {
        n = frame_of(MFN(n))->next;
    }
    spin_unlock(&d->page_lock);
    d->destroy_cursor = n;
    if (old) {
        frame_put(MFN(old));
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
    cursor_next(d);
    return true;
}

#define FRAMES_A_STEP 512

static bool reap_types(struct domain *d)
{
    for (unsigned n = 0; d->destroy_cursor; n++) {
        if (n == FRAMES_A_STEP ||
            pagetype_relinquish(d->vcpu[0], MFN(d->destroy_cursor)) == -XEN_ERESTART) {
            return false;
        }
        cursor_next(d);
    }
    cursor_next(d);
    return true;
}

static bool reap_frames(struct domain *d)
{
    for (unsigned n = 0; d->destroy_cursor; n++) {
        if (n == FRAMES_A_STEP) {
            return false;
        }
        frame_give_back(d, MFN(d->destroy_cursor));
        cursor_next(d);
    }
    return true;
}

/* Out of the table, unless something still names it. */
static bool forget(struct domain *d)
{
    bool last;

    spin_lock(&domain_list_lock);
    last = atomic_load(&d->refs) == 1;
    if (last) {
        domain_table[d->id] = NULL;
        list_remove(&d->dying_link);
    }
    spin_unlock(&domain_list_lock);
    return last;
}

/* Debug builds: the end of a domain is when every count must come out. */
static void audit(void)
{
    unsigned differences = debug_build ? audit_all() : 0;

    if (differences) {
        panic("audits found %u differences", differences);
    }
}

/* Invariant domain-last: what another domain still maps or has pinned stays until it lets go. */
static bool reap_rest(struct domain *d)
{
    domid_t id = d->id;

    if (d->page_count || !grant_destroy_domain(d) || !forget(d)) {
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
    frame_free_hypervisor(machine_mfn_of(d), PAGES_OF(*d));
    log_debug("d%u: all its memory is back; %lu frames free", id, frame_free_count());
    audit();
    return true;
}

static bool (*const reap_steps[])(struct domain *d) = {
    reap_devices, grant_release, reap_vcpus, reap_types, reap_frames, reap_rest,
};

/* Not on the last step, where it may have to wait for other domains. */
static bool is_ready(const struct domain *d)
{
    return d->destroy_step < ARRAY_LEN(reap_steps) - 1;
}

static void reap_step(struct domain *d)
{
    for (unsigned i = 0; i < d->vcpu_count; i++) {
        if (d->vcpu[i]) {
            d->vcpu[i]->hc.budget = HYPERCALL_BUDGET;
        }
    }
    if (!is_ready(d)) {
        reap_rest(d); /* frees it */
    } else if (reap_steps[d->destroy_step](d)) {
        d->destroy_step++;
    }
}

/* One step of each; the caller's CPU has none of them loaded (sched.c, leave_dead). */
bool domain_reap(void)
{
    const struct vcpu *loaded = current_vcpu();
    struct list *next;
    bool more = false;

    for (struct list *at = domain_dying.next; at != &domain_dying; at = next) {
        struct domain *d = list_entry(at, struct domain, dying_link);

        next = at->next;
        if (loaded && loaded->domain == d) {
            more = true;
            continue;
        }
        more |= is_ready(d);
        reap_step(d);
    }
    return more;
}
