/* SPDX-License-Identifier: MIT */
/* The granting side of a version 1 grant table. */
#include <pv/grant.h>
#include <pv/hypercall_stubs.h>
#include <pv/start.h>

#define FRAMES_MAX 4
#define PER_FRAME (4096 / sizeof(grant_entry_v1_t))
#define RESERVED 8 /* GNTTAB_NR_RESERVED_ENTRIES */

static char table_pages[FRAMES_MAX][4096] __attribute__((aligned(4096)));
static unsigned frame_count;

static grant_entry_v1_t *entry(grant_ref_t ref)
{
    return (grant_entry_v1_t *)table_pages[ref / PER_FRAME] + ref % PER_FRAME;
}

int pv_grant_init(unsigned frames)
{
    xen_pfn_t mfns[FRAMES_MAX];
    gnttab_setup_table_t setup = {.dom = DOMID_SELF, .nr_frames = frames};
    long err;

    if (frames > FRAMES_MAX) {
        return -XEN_EINVAL;
    }
    set_xen_guest_handle(setup.frame_list, mfns);
    err = hc_gnttabop_setup_table(&setup, 1);
    if (err || setup.status != GNTST_okay) {
        return err ? (int)err : -XEN_EINVAL;
    }
    for (unsigned i = 0; i < frames && !err; i++) {
        err =
            hc_update_va_mapping((unsigned long)table_pages[i], mfns[i] << 12 | 0x67, UVMF_INVLPG);
    }
    frame_count = err ? 0 : frames;
    return (int)err;
}

int pv_grant(domid_t domid, uint64_t mfn, int readonly)
{
    for (grant_ref_t ref = RESERVED; ref < frame_count * PER_FRAME; ref++) {
        grant_entry_v1_t *e = entry(ref);

        if (e->flags == 0) {
            e->domid = domid;
            e->frame = (uint32_t)mfn;
            __atomic_store_n(&e->flags,
                             (uint16_t)(GTF_permit_access | (readonly ? GTF_readonly : 0)),
                             __ATOMIC_RELEASE);
            return (int)ref;
        }
    }
    return -XEN_ENOSPC;
}

int pv_grant_end(grant_ref_t ref)
{
    grant_entry_v1_t *e = entry(ref);
    uint16_t flags = __atomic_load_n(&e->flags, __ATOMIC_ACQUIRE);

    do {
        if (flags & (GTF_reading | GTF_writing)) {
            return -XEN_EBUSY;
        }
    } while (
        !__atomic_compare_exchange_n(&e->flags, &flags, 0, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    return 0;
}
