/* SPDX-License-Identifier: MIT */
/* Does memory_op give and take frames as its rows say, and nobody else's? */
#include "guest.h"

static char page[PAGE] PAGE_ALIGNED;
static xen_pfn_t list[4];

static xen_memory_reservation_t extents(unsigned count, unsigned order)
{
    xen_memory_reservation_t r = {.nr_extents = count, .extent_order = order, .domid = SELF};

    set_xen_guest_handle(r.extent_start, list);
    return r;
}

static void give_and_take(void)
{
    uint64_t mfn = mfn_of(page), pfn = pv_mfn_to_pfn(mfn);
    xen_memory_reservation_t r = extents(1, 0);
    domid_t self = SELF;
    long before = hc_xenmem_current_reservation(&self);

    OK(before > 4096);
    list[0] = mfn;
    /* Given back while mapped: it stays until the mapping goes, and the page reads until then. */
    IS(hc_update_va_mapping((uint64_t)page, 0, UVMF_INVLPG), 0);
    IS(hc_xenmem_decrease_reservation(&r), 1);
    IS(hc_xenmem_current_reservation(&self), before - 1);
    list[0] = mfn;
    IS(hc_xenmem_decrease_reservation(&r), 0);
    IS(hc_update_va_mapping((uint64_t)page, mfn << 12 | P_RW_PAGE, 0), -XEN_EINVAL);
    list[0] = pfn;
    IS(hc_xenmem_populate_physmap(&r), 1);
    IS(pv_mfn_to_pfn(list[0]), pfn);
    IS(hc_xenmem_current_reservation(&self), before);
    IS(hc_update_va_mapping((uint64_t)page, list[0] << 12 | P_RW_PAGE, UVMF_INVLPG), 0);
    IS(*(volatile uint64_t *)page, 0); /* scrubbed */
    ((uint64_t *)pv_start_info->mfn_list)[pfn] = list[0];
}

static void refusals(void)
{
    xen_memory_reservation_t r = extents(1, 1);
    domid_t other = 77;

    list[0] = 0x100; /* the hypervisor's */
    IS(hc_xenmem_populate_physmap(&r), -XEN_EPERM);
    IS(hc_xenmem_increase_reservation(&r), -XEN_EPERM);
    IS(hc_xenmem_decrease_reservation(&r), -XEN_EPERM);
    r = extents(1, 0);
    IS(hc_xenmem_decrease_reservation(&r), 0);
    list[0] = ~0ul;
    IS(hc_xenmem_decrease_reservation(&r), 0);
    r.domid = 77;
    IS(hc_xenmem_populate_physmap(&r), -XEN_EPERM);
    IS(hc_xenmem_increase_reservation(&r), -XEN_EPERM);
    IS(hc_xenmem_decrease_reservation(&r), -XEN_EPERM);
    IS(hc_xenmem_current_reservation(&other), -XEN_EPERM);
    IS(hc_xenmem_maximum_reservation(&other), -XEN_EPERM);
    r = extents(1, 0);
    r.nr_extents = 1ul << 40;
    IS(hc_xenmem_populate_physmap(&r), -XEN_EINVAL);
    IS(hc_xenmem_increase_reservation(&r), -XEN_EINVAL);
    IS(hc_xenmem_decrease_reservation(&r), -XEN_EINVAL);
    r = extents(1, 0);
    set_xen_guest_handle(r.extent_start, (xen_pfn_t *)8);
    IS(hc_xenmem_populate_physmap(&r), 0);
    IS(hc_xenmem_decrease_reservation(&r), 0);
    set_xen_guest_handle(r.extent_start, (xen_pfn_t *)HYPERVISOR_VIRT_START);
    IS(hc_xenmem_populate_physmap(&r), 0);
}

static long memory_map(unsigned entries, void *buffer)
{
    struct xen_memory_map map = {.nr_entries = entries};

    set_xen_guest_handle(map.buffer, buffer);
    return hc_xenmem_memory_map(&map);
}

static void questions(void)
{
    static char e820[64];
    struct xen_machphys_mapping where;
    domid_t self = SELF;

    OK(hc_xenmem_maximum_ram_page() > 8192);
    OK(hc_xenmem_maximum_reservation(&self) >= hc_xenmem_current_reservation(&self));
    IS(hc_xenmem_machphys_mapping(&where), 0);
    IS(where.v_start, HYPERVISOR_VIRT_START);
    IS(memory_map(1, e820), 0);
    IS(e820[16], 1);
    IS(memory_map(0, e820), -XEN_EINVAL);
    IS(memory_map(1, (void *)8), -XEN_EFAULT);
}

static void pointers(void)
{
    static const unsigned char ops[] = {XENMEM_increase_reservation,
                                        XENMEM_decrease_reservation,
                                        XENMEM_populate_physmap,
                                        XENMEM_current_reservation,
                                        XENMEM_maximum_reservation,
                                        XENMEM_machphys_mapping,
                                        XENMEM_memory_map};
    static const unsigned char absent[] = {XENMEM_exchange,           XENMEM_maximum_gpfn,
                                           XENMEM_machphys_mfn_list,  XENMEM_add_to_physmap,
                                           XENMEM_machine_memory_map, XENMEM_get_vnumainfo,
                                           XENMEM_set_memory_map};

    for (unsigned i = 0; i < ARRAY_LEN(ops); i++) {
        IS(pv_hypercall2(__HYPERVISOR_memory_op, ops[i], 8), -XEN_EFAULT);
        IS(pv_hypercall2(__HYPERVISOR_memory_op, ops[i], HYPERVISOR_VIRT_START), -XEN_EFAULT);
    }
    for (unsigned i = 0; i < ARRAY_LEN(absent); i++) {
        long err = pv_hypercall2(__HYPERVISOR_memory_op, absent[i], 0);

        OK(err == -XEN_ENOSYS || err == -XEN_EPERM);
    }
    IS(pv_hypercall2(__HYPERVISOR_memory_op, 63, 0), -XEN_ENOSYS);
}

/* A guest that starts in the middle of a continuation gets no further than one that does not. */
static void forged_progress(void)
{
    xen_memory_reservation_t r = extents(2, 0);

    list[0] = list[1] = 0x100;
    OK(pv_hypercall2(__HYPERVISOR_memory_op, XENMEM_decrease_reservation | 1ul << 6,
                     (uint64_t)&r) <= 2);
    OK(pv_hypercall2(__HYPERVISOR_memory_op, XENMEM_decrease_reservation | 1ul << 60,
                     (uint64_t)&r) != -XEN_EFAULT);
}

void guest_test(void)
{
    give_and_take();
    refusals();
    questions();
    pointers();
    forged_progress();
}
