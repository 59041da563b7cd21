/* SPDX-License-Identifier: MIT */
/* GNTTABOP_copy: bytes between two frames, each granted by another domain or one's own. */
#include <string.h>

#include "grant_internal.h"
#include "handlers.h"
#include "log.h"
#include "pagetype.h"

struct side {
    struct domain *domain; /* referenced */
    mfn_t mfn;             /* referenced, and writable if this is the destination */
    grant_ref_t ref;
    bool by_ref, write, held;
};

/* Reference the frame, and make sure that it may be written if this is the destination. */
static bool hold_frame(struct vcpu *v, struct side *s)
{
    if (!frame_get(s->mfn, s->domain)) {
        return false;
    }
    if (s->write && pagetype_get(v, s->domain, s->mfn, PT_WRITABLE)) {
        frame_put(s->mfn);
        return false;
    }
    return true;
}

static void unpin(struct side *s)
{
    spin_lock(&s->domain->grant_lock);
    grant_unpin(s->domain, s->ref, s->write);
    spin_unlock(&s->domain->grant_lock);
}

/* A frame by number must be one's own: others' are reached by what they granted. */
static int16_t open_side(struct vcpu *v, struct side *s, domid_t domid, uint64_t frame)
{
    int16_t status = GNTST_okay;

    s->domain = domain_get(v, domid);
    if (!s->domain) {
        return GNTST_bad_domain;
    }
    if (s->by_ref) {
        spin_lock(&s->domain->grant_lock);
        status = grant_pin(s->domain, v->domain->id, s->ref, s->write, &s->mfn);
        spin_unlock(&s->domain->grant_lock);
        if (status != GNTST_okay) {
            return status;
        }
    } else if (s->domain != v->domain) {
        return GNTST_permission_denied;
    } else {
        s->mfn = MFN(frame);
    }
    s->held = hold_frame(v, s);
    if (!s->held && s->by_ref) {
        unpin(s);
    }
    return s->held ? GNTST_okay : GNTST_bad_page;
}

static void close_side(struct side *s)
{
    if (s->held) {
        if (s->write) {
            pagetype_put(NULL, s->mfn);
        }
        frame_put(s->mfn);
        if (s->by_ref) {
            unpin(s);
        }
    }
    if (s->domain) {
        domain_put(s->domain);
    }
}

static int16_t copy(struct vcpu *v, const gnttab_copy_t *op)
{
    struct side from = {.by_ref = op->flags & GNTCOPY_source_gref, .ref = op->source.u.ref};
    struct side to = {
        .by_ref = op->flags & GNTCOPY_dest_gref, .ref = op->dest.u.ref, .write = true};
    int16_t status;

    if (op->source.offset + op->len > PAGE_SIZE || op->dest.offset + op->len > PAGE_SIZE) {
        return GNTST_bad_copy_arg;
    }
    status = open_side(v, &from, op->source.domid, op->source.u.gmfn);
    if (status == GNTST_okay) {
        status = open_side(v, &to, op->dest.domid, op->dest.u.gmfn);
    }
    if (status == GNTST_okay) {
        memmove((char *)machine_map(to.mfn) + op->dest.offset,
                (char *)machine_map(from.mfn) + op->source.offset, op->len);
    }
    close_side(&to);
    close_side(&from);
    return status;
}

long do_gnttabop_copy(struct vcpu *v, gnttab_copy_t *op)
{
    op->status = copy(v, op);
    if (op->status != GNTST_okay) {
        refuse(v, XEN_EINVAL, "grant-copy", "from d%u to d%u, %u bytes: status %d",
               op->source.domid, op->dest.domid, op->len, op->status);
    }
    return 0;
}
