/* SPDX-License-Identifier: MIT */
/* memory_op(2): reservations, the memory map, where the M2P is. */
#include "guest.h"
#include "handlers.h"
#include "log.h"
#include "pagetype.h"

#define M2P_VIRT_START HYPERVISOR_RANGE_START

/* Only one's own reservation: other domains' belong to the control interface. */
static int check_self(struct vcpu *v, domid_t domid)
{
    if (domid != DOMID_SELF && domid != v->domain->id) {
        return refuse(v, XEN_EPERM, "foreign", "the reservation of d%u is not yours", domid);
    }
    return 0;
}

/* Remember how far a batch came: Xen's encoding, progress in the bits above the command. */
#define MEMOP_EXTENT_SHIFT 6

static uint64_t batch_start(struct vcpu *v)
{
    return v->hc.args[0] >> MEMOP_EXTENT_SHIFT;
}

static long batch_pause(struct vcpu *v, uint64_t done)
{
    v->hc.args[0] = (v->hc.args[0] & ((1u << MEMOP_EXTENT_SHIFT) - 1)) | done << MEMOP_EXTENT_SHIFT;
    return -XEN_ERESTART;
}

static int check_reservation(struct vcpu *v, const xen_memory_reservation_t *r)
{
    if (r->extent_order != 0) {
        return refuse(v, XEN_EPERM, "extent-order", "extents of order %u are not given to guests",
                      r->extent_order);
    }
    if (r->nr_extents > UINT32_MAX) {
        return refuse(v, XEN_EINVAL, "too-many", "%#lx extents in one call", r->nr_extents);
    }
    return check_self(v, r->domid);
}

long do_xenmem_decrease_reservation(struct vcpu *v, xen_memory_reservation_t *r)
{
    uint64_t i, list = (uint64_t)r->extent_start.p;
    int err = check_reservation(v, r);

    if (err) {
        return err;
    }
    for (i = batch_start(v); i < r->nr_extents; i++) {
        xen_pfn_t mfn;

        if (hypercall_preempt(v, 32)) {
            return batch_pause(v, i);
        }
        if (guest_copy_in_at(&mfn, list, i, sizeof(mfn))) {
            break;
        }
        if (frame_give_back(v->domain, MFN(mfn))) {
            refuse(v, XEN_EINVAL, "not-yours", "mfn %#lx is not d%u's to give back", mfn,
                   v->domain->id);
            break;
        }
    }
    return (long)i;
}

/* Extents hold pfns on entry and mfns on return (populate), or only mfns on return (increase). */
static long populate(struct vcpu *v, xen_memory_reservation_t *r, bool takes_pfn)
{
    uint64_t i, list = (uint64_t)r->extent_start.p;
    int err = check_reservation(v, r);

    if (err) {
        return err;
    }
    for (i = batch_start(v); i < r->nr_extents; i++) {
        xen_pfn_t pfn = ~0ull, out;
        mfn_t mfn;

        if (hypercall_preempt(v, 64)) {
            return batch_pause(v, i);
        }
        if (takes_pfn && guest_copy_in_at(&pfn, list, i, sizeof(pfn))) {
            break;
        }
        mfn = frame_alloc_domain(v->domain);
        if (mfn_equal(mfn, MFN_INVALID)) {
            break;
        }
        out = mfn.n;
        m2p[mfn.n] = takes_pfn ? pfn : ~0ull;
        if (list && guest_copy_out_at(list, i, &out, sizeof(out))) {
            frame_give_back(v->domain, mfn);
            break;
        }
    }
    return (long)i;
}

long do_xenmem_increase_reservation(struct vcpu *v, xen_memory_reservation_t *r)
{
    return populate(v, r, false);
}

long do_xenmem_populate_physmap(struct vcpu *v, xen_memory_reservation_t *r)
{
    return populate(v, r, true);
}

long do_xenmem_maximum_ram_page(struct vcpu *v)
{
    (void)v;
    return (long)frame_limit - 1;
}

long do_xenmem_current_reservation(struct vcpu *v, domid_t *domid)
{
    int err = check_self(v, *domid);

    return err ? err : (long)v->domain->page_count;
}

long do_xenmem_maximum_reservation(struct vcpu *v, domid_t *domid)
{
    int err = check_self(v, *domid);

    return err ? err : (long)v->domain->max_pages;
}

long do_xenmem_memory_map(struct vcpu *v, struct xen_memory_map *map)
{
    /* One e820 entry, 20 bytes packed as firmware has it: base, length, type 1 (RAM). */
    struct __attribute__((packed)) {
        uint64_t base, length;
        uint32_t type;
    } ram = {0, v->domain->memory_map_pages << PAGE_SHIFT, 1};

    if (map->nr_entries < 1) {
        return refuse(v, XEN_EINVAL, "too-small", "the memory map needs room for one entry");
    }
    if (guest_copy_out((uint64_t)map->buffer.p, &ram, sizeof(ram))) {
        return -XEN_EFAULT;
    }
    map->nr_entries = 1;
    return 0;
}

long do_xenmem_machphys_mapping(struct vcpu *v, struct xen_machphys_mapping *m)
{
    (void)v;
    m->v_start = M2P_VIRT_START;
    m->v_end = M2P_VIRT_START + ((frame_limit * 8 + 0x1fffff) & ~0x1fffffull);
    m->max_mfn = frame_limit - 1;
    return 0;
}
