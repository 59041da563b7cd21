/* SPDX-License-Identifier: MIT */
/*
 * Start of day. libpv's start.S has the ELF notes and the entry point; it calls pv_main() on a
 * stack of its own with events masked. The kernel supplies pv_main and links with the base of
 * pv_virt_base.
 */
#ifndef PV_START_H
#define PV_START_H

#include <pv/xen.h>

#define PV_VIRT_BASE 0xffffffff80000000ul

extern start_info_t *pv_start_info;
extern shared_info_t *pv_shared_info; /* NULL until pv_map_shared_info() */

/* Supplied by the kernel. Must not return. */
void pv_main(start_info_t *si);

/* Map the shared_info frame at a page of the kernel image; 0 or -errno. */
int pv_map_shared_info(void);

/* Machine frame of a pseudo-physical one, from the P2M list; and back, from the M2P table. */
static inline uint64_t pv_pfn_to_mfn(uint64_t pfn)
{
    return ((const uint64_t *)pv_start_info->mfn_list)[pfn];
}

static inline uint64_t pv_mfn_to_pfn(uint64_t mfn)
{
    return ((const uint64_t *)HYPERVISOR_VIRT_START)[mfn];
}

/* Machine address of something inside the kernel image's mapping. */
static inline uint64_t pv_image_to_machine(const void *p)
{
    uint64_t at = (uint64_t)p - PV_VIRT_BASE;

    return pv_pfn_to_mfn(at >> 12) << 12 | (at & 4095);
}

/* True if the hypervisor advertises XENFEAT_* `bit`. */
int pv_has_feature(unsigned bit);

/* End this domain: SHUTDOWN_poweroff, _reboot, _crash. Does not return. */
void pv_shutdown(unsigned reason) __attribute__((noreturn));

#endif
