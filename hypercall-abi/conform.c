/* SPDX-License-Identifier: MIT */
/*
 * What this source takes for granted about Xen's public headers, asserted when it is compiled: the
 * names and numbers of the table (generated), and the sizes and places that assembly, bit formulas
 * and the builder rely on. A libxen-dev that differs does not build.
 */
#include <stddef.h>

#define __XEN_TOOLS__ 1 /* sub-operations that only a control domain uses */
#include "hypercall-abi/abi.h"

#include "hypercall-abi/hypercall_conform.h"

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "size of " #type)
#define PLACE(type, member, bytes)                                                                 \
    _Static_assert(offsetof(type, member) == (bytes), "place of " #type "." #member)

/* Arguments that guests lay out as arrays. */
SIZE(mmu_update_t, 16);
SIZE(mmuext_op_t, 24);
SIZE(multicall_entry_t, 64);
SIZE(trap_info_t, 16);
SIZE(gnttab_map_grant_ref_t, 32);
SIZE(gnttab_unmap_grant_ref_t, 24);
SIZE(gnttab_copy_t, 40);
PLACE(multicall_entry_t, result, 8);
PLACE(multicall_entry_t, args, 16);

/* Start of day: the page that a guest's first instruction finds in rsi. */
PLACE(start_info_t, nr_pages, 32);
PLACE(start_info_t, shared_info, 40);
PLACE(start_info_t, store_mfn, 56);
PLACE(start_info_t, console.domU.mfn, 72);
PLACE(start_info_t, pt_base, 88);
PLACE(start_info_t, mfn_list, 104);
PLACE(start_info_t, cmd_line, 128);
PLACE(start_info_t, first_p2m_pfn, 1152);
_Static_assert(sizeof(start_info_t) <= 4096, "start_info is one page");

/* Shared with running guests. */
SIZE(vcpu_info_t, 64);
SIZE(struct vcpu_time_info, 32);
PLACE(vcpu_info_t, evtchn_upcall_pending, 0);
PLACE(vcpu_info_t, evtchn_upcall_mask, 1);
PLACE(vcpu_info_t, evtchn_pending_sel, 8);
PLACE(vcpu_info_t, time, 32);
PLACE(shared_info_t, evtchn_pending, 64 * XEN_LEGACY_MAX_VCPUS);
PLACE(shared_info_t, evtchn_mask, 64 * XEN_LEGACY_MAX_VCPUS + 512);
_Static_assert(sizeof(shared_info_t) <= 4096, "shared_info is one page");
_Static_assert(XEN_LEGACY_MAX_VCPUS == 32, "VCPU_MAX");

/* Event channels are 64 words of 64 bits; a grant of version 1 is one 64-bit word. */
_Static_assert(EVTCHN_2L_NR_CHANNELS == 4096, "NR_EVTCHN");
SIZE(grant_entry_v1_t, 8);
PLACE(grant_entry_v1_t, domid, 2);
PLACE(grant_entry_v1_t, frame, 4);

/* Consoles. */
PLACE(struct xencons_interface, out, 1024);
PLACE(struct xencons_interface, in_cons, 3072);
PLACE(struct xencons_interface, out_prod, 3084);

/* Contexts and frames that entry and exit move whole. */
SIZE(struct cpu_user_regs, 200);
PLACE(struct cpu_user_regs, rip, 128);
PLACE(struct cpu_user_regs, cs, 136);
PLACE(struct cpu_user_regs, saved_upcall_mask, 140);
PLACE(struct cpu_user_regs, rsp, 152);
SIZE(struct iret_context, 72);
SIZE(vcpu_guest_context_t, 5168);

/* Selectors and GDT entries below which a guest stays. */
_Static_assert(FIRST_RESERVED_GDT_PAGE == 14 && FIRST_RESERVED_GDT_ENTRY == 14 * 512, "GDT");
_Static_assert(FLAT_RING3_CS64 == 0xe033 && FLAT_RING3_SS64 == 0xe02b, "flat selectors");
_Static_assert(HYPERVISOR_VIRT_START == 0xffff800000000000ul &&
                   HYPERVISOR_VIRT_END == 0xffff880000000000ul,
               "L4 slots 256 to 271 are the hypervisor's");
