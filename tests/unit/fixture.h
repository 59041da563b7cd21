/* SPDX-License-Identifier: MIT */
/*
 * What every test of core starts from: a simulated machine, domains with vCPUs, and address spaces
 * laid out by hand before the hypervisor sees them. Tests run in a process each (Check forks), so
 * nothing has to be taken down.
 */
#ifndef PARAVANE_TEST_FIXTURE_H
#define PARAVANE_TEST_FIXTURE_H

#include <check.h>
#include <string.h>

#include "pagetable.h"
#include "sim.h"

#define PTE_KERNEL_RW (PTE_PRESENT | PTE_RW | PTE_USER | PTE_ACCESSED | PTE_DIRTY)
#define PTE_KERNEL_RO (PTE_PRESENT | PTE_USER | PTE_ACCESSED)

/* Start the machine (64 MiB) if it does not run yet. */
void fixture_start(void);
/* A new domain with this many vCPUs, in kernel mode, without address space; vCPU 0 is returned. */
struct vcpu *fixture_domain(unsigned vcpus);

/* A frame of d's own, zeroed. */
mfn_t fixture_frame(struct domain *d);
/* Raw mapping in tables that are not in use yet; tables in between are made. `root` may be none. */
void fixture_map(struct domain *d, mfn_t *root, uint64_t va, mfn_t mfn, uint64_t flags);
/* The L1 table that would map va in these raw tables. */
mfn_t fixture_l1(mfn_t root, uint64_t va);
/* Validate the roots and make them v's; the kernel's is loaded, and v is the current vCPU. */
void fixture_enter(struct vcpu *v, mfn_t root, mfn_t user_root);

/* Every auditor of core is content. */
void fixture_audit(struct domain *d);

#endif
