/* SPDX-License-Identifier: MIT */
/* Do grants to oneself map, unmap and copy, and are references, handles and flags checked? */
#include "guest.h"

#include <pv/grant.h>

static char granted[PAGE] PAGE_ALIGNED, window[PAGE] PAGE_ALIGNED, buffer[PAGE] PAGE_ALIGNED;
static domid_t own;

static long map(uint32_t ref, uint32_t flags, uint64_t at, gnttab_map_grant_ref_t *m)
{
    *m = (gnttab_map_grant_ref_t){.dom = own, .ref = ref, .flags = flags, .host_addr = at};
    return hc_gnttabop_map_grant_ref(m, 1) ? -99 : m->status;
}

static long unmap(uint32_t handle, uint64_t at)
{
    gnttab_unmap_grant_ref_t u = {.handle = handle, .host_addr = at};

    return hc_gnttabop_unmap_grant_ref(&u, 1) ? -99 : u.status;
}

static void mapping(int rw, int ro)
{
    uint64_t at = (uint64_t)window;
    gnttab_map_grant_ref_t m, n;

    IS(map((uint32_t)rw, GNTMAP_host_map, at, &m), GNTST_okay);
    IS(m.dev_bus_addr, mfn_of(granted) << 12);
    ((volatile char *)window)[5] = 7;
    IS(((volatile char *)granted)[5], 7);
    IS(pv_grant_end((grant_ref_t)rw), -XEN_EBUSY);
    IS(unmap(m.handle, at + PAGE), GNTST_bad_virt_addr);
    IS(unmap(m.handle + 1, at), GNTST_bad_handle);
    IS(unmap(m.handle, at), GNTST_okay);
    IS(fault_read(at), 14);
    IS(unmap(m.handle, at), GNTST_bad_handle);
    IS(map((uint32_t)ro, GNTMAP_host_map, at, &n), GNTST_permission_denied);
    IS(map((uint32_t)ro, GNTMAP_host_map | GNTMAP_readonly, at, &n), GNTST_okay);
    IS(fault_read(at), NO_FAULT);
    IS(fault_write(at), 14);
    /* By the entry's machine address. */
    IS(unmap(n.handle, at), GNTST_okay);
    IS(map((uint32_t)rw, GNTMAP_host_map | GNTMAP_contains_pte, entry_of(at, 1), &m), GNTST_okay);
    IS(unmap(m.handle, entry_of(at, 1)), GNTST_okay);
    /* The guest wrote over the entry itself: the grant must still be let go. */
    IS(map((uint32_t)rw, GNTMAP_host_map, at, &m), GNTST_okay);
    IS(hc_update_va_mapping(at, mfn_of(window) << 12 | P_RW_PAGE, UVMF_INVLPG), 0);
    IS(unmap(m.handle, at), GNTST_okay);
    IS(fault_write(at), NO_FAULT);
}

static void bad_maps(int rw)
{
    gnttab_map_grant_ref_t m;
    uint64_t at = (uint64_t)window;

    IS(map(100000000, GNTMAP_host_map, at, &m), GNTST_bad_gntref);
    IS(map(500, GNTMAP_host_map, at, &m), GNTST_bad_gntref); /* no grant */
    IS(map((uint32_t)rw, 0, at, &m), GNTST_bad_gntref);
    IS(map((uint32_t)rw, GNTMAP_host_map, HYPERVISOR_VIRT_START, &m), GNTST_bad_virt_addr);
    IS(map((uint32_t)rw, GNTMAP_host_map, 0x400000, &m), GNTST_bad_virt_addr);
    IS(map((uint32_t)rw, GNTMAP_host_map | GNTMAP_contains_pte, 0x100000, &m), GNTST_bad_virt_addr);
    IS(map((uint32_t)rw, GNTMAP_host_map | GNTMAP_contains_pte, entry_of(at, 1) + 4, &m),
       GNTST_bad_virt_addr);
    IS(map((uint32_t)rw, GNTMAP_host_map | GNTMAP_contains_pte, entry_of(at, 2), &m),
       GNTST_bad_virt_addr);
    IS(map((uint32_t)rw, GNTMAP_host_map | GNTMAP_contains_pte, mfn_of(buffer) << 12, &m),
       GNTST_bad_virt_addr);
    own = 77;
    IS(map((uint32_t)rw, GNTMAP_host_map, at, &m), GNTST_bad_domain);
    own = guest_domid();
    IS(unmap(~0u, at), GNTST_bad_handle);
    IS(unmap(0, at), GNTST_bad_handle);
}

/* A page table, granted by its owner to itself, does not become writable that way. */
static void table_by_grant(void)
{
    gnttab_map_grant_ref_t m;
    int ref = pv_grant(own, table_of((uint64_t)window, 1), 0);

    OK(ref > 0);
    OK(map((uint32_t)ref, GNTMAP_host_map, (uint64_t)window, &m) < 0);
    IS(pv_grant_end((grant_ref_t)ref), 0);
    ref = pv_grant(own, 0x100, 0); /* the hypervisor's frame is nobody's to grant */
    OK(map((uint32_t)ref, GNTMAP_host_map, (uint64_t)window, &m) < 0);
    IS(pv_grant_end((grant_ref_t)ref), 0);
}

static long copy(uint16_t flags, uint64_t from, uint64_t to, unsigned offset, unsigned length)
{
    gnttab_copy_t c = {.flags = flags, .len = (uint16_t)length};

    c.source.domid = c.dest.domid = own;
    c.source.offset = (uint16_t)offset;
    if (flags & GNTCOPY_source_gref) {
        c.source.u.ref = (grant_ref_t)from;
    } else {
        c.source.u.gmfn = from;
    }
    if (flags & GNTCOPY_dest_gref) {
        c.dest.u.ref = (grant_ref_t)to;
    } else {
        c.dest.u.gmfn = to;
    }
    return hc_gnttabop_copy(&c, 1) ? -99 : c.status;
}

static void copying(int rw, int ro)
{
    uint64_t mfn = mfn_of(buffer);

    granted[100] = 42;
    IS(copy(GNTCOPY_source_gref, (uint64_t)ro, mfn, 100, 8), GNTST_okay);
    IS(((volatile char *)buffer)[0], 42);
    IS(copy(GNTCOPY_dest_gref, mfn, (uint64_t)rw, 0, 8), GNTST_okay);
    IS(((volatile char *)granted)[0], 42);
    IS(copy(GNTCOPY_dest_gref, mfn, (uint64_t)ro, 0, 8), GNTST_permission_denied);
    IS(copy(GNTCOPY_source_gref, 500, mfn, 0, 8), GNTST_bad_gntref);
    IS(copy(GNTCOPY_source_gref, (uint64_t)ro, mfn, 4090, 8), GNTST_bad_copy_arg);
    IS(copy(GNTCOPY_source_gref, (uint64_t)ro, mfn, 0xffff, 0xffff), GNTST_bad_copy_arg);
    IS(copy(GNTCOPY_source_gref, (uint64_t)ro, 0x100, 0, 8), GNTST_bad_page);
    IS(copy(0, 0x100, mfn, 0, 8), GNTST_bad_page);
    IS(copy(0, mfn, table_of((uint64_t)window, 1), 0, 8), GNTST_bad_page);
    IS(pv_grant_end((grant_ref_t)rw), 0);
    IS(pv_grant_end((grant_ref_t)ro), 0);
}

static void table_calls(void)
{
    static xen_pfn_t frames[64];
    gnttab_setup_table_t s = {.dom = SELF, .nr_frames = 1}, other = {.dom = 77, .nr_frames = 1};
    gnttab_query_size_t q = {.dom = SELF};
    gnttab_set_version_t version = {.version = 1};
    gnttab_get_version_t asked = {.dom = SELF}, foreign = {.dom = 77};

    set_xen_guest_handle(s.frame_list, frames);
    IS(hc_gnttabop_setup_table(&s, 1), 0);
    IS(s.status, GNTST_okay);
    OK(frames[0] != 0);
    IS(hc_gnttabop_setup_table(&other, 1), 0);
    IS(other.status, GNTST_permission_denied);
    s.nr_frames = 100000;
    IS(hc_gnttabop_setup_table(&s, 1), 0);
    IS(s.status, GNTST_general_error);
    s.nr_frames = 1;
    set_xen_guest_handle(s.frame_list, (xen_pfn_t *)8);
    IS(hc_gnttabop_setup_table(&s, 1), -XEN_EFAULT);
    IS(hc_gnttabop_query_size(&q, 1), 0);
    OK(q.status == GNTST_okay && q.nr_frames >= 1 && q.max_nr_frames >= q.nr_frames);
    IS(hc_gnttabop_set_version(&version, 1), 0);
    version.version = 2;
    IS(hc_gnttabop_set_version(&version, 1), -XEN_ENOSYS);
    version.version = 3;
    IS(hc_gnttabop_set_version(&version, 1), -XEN_EINVAL);
    IS(hc_gnttabop_get_version(&asked, 1), 0);
    IS(asked.version, 1);
    IS(hc_gnttabop_get_version(&foreign, 1), -XEN_EPERM);
    for (unsigned op = GNTTABOP_map_grant_ref; op <= GNTTABOP_cache_flush; op++) {
        long err = pv_hypercall3(__HYPERVISOR_grant_table_op, op, 8, 1);

        OK(err == -XEN_EFAULT || err == -XEN_ENOSYS || err == -XEN_EPERM);
    }
    IS(pv_hypercall3(__HYPERVISOR_grant_table_op, 99, 0, 1), -XEN_ENOSYS);
}

void guest_test(void)
{
    int rw, ro;

    own = guest_domid();
    if (pv_grant_init(1)) {
        guest_verdict("ERROR", "no grant table");
    }
    rw = pv_grant(own, mfn_of(granted), 0);
    ro = pv_grant(own, mfn_of(granted), 1);
    OK(rw > 0 && ro > 0);
    mapping(rw, ro);
    bad_maps(rw);
    table_by_grant();
    copying(rw, ro);
    table_calls();
}
