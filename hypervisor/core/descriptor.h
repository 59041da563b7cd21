/* SPDX-License-Identifier: MIT */
/*
 * Rules for what a guest may put into its GDT and LDT, and the two tables of each vCPU.
 *
 * Invariants
 *   desc-ring3: a present descriptor in a PT_SEGDESC frame is code or data with DPL 3, or the null
 *               type; so no selector a guest loads leads out of ring 3.
 *   desc-refs:  gdt_frames[0 .. pages of gdt_ents) and each ldt_frames[n] with bit n of ldt_mapped
 *               hold one reference and one PT_SEGDESC type reference; the machine's window maps
 *               exactly these.
 */
#ifndef PARAVANE_CORE_DESCRIPTOR_H
#define PARAVANE_CORE_DESCRIPTOR_H

#include "domain.h"

/* May this descriptor stand in a guest's table? *fixed is the same with DPL 3 forced. */
bool descriptor_check(uint64_t desc, uint64_t *fixed);
/* All 512 of a frame that is becoming PT_SEGDESC; DPLs are forced in place. */
bool descriptor_page_validate(mfn_t mfn);
/* Descriptor that `selector` names in v's tables as they are mapped now; false if there is none. */
bool descriptor_read(const struct vcpu *v, uint16_t selector, uint64_t *desc);

/* Replace v's GDT or LDT; the frames' old references are dropped. -EINVAL, and nothing changed. */
int gdt_set(struct vcpu *v, struct domain *d, const mfn_t *frames, unsigned entries);
int ldt_set(struct vcpu *v, uint64_t base, unsigned entries);
/* The LDT window was touched at this offset and is not mapped: map the guest's page; true if done.
 */
bool ldt_fault(struct vcpu *v, uint64_t offset);
/* Unmap v's LDT pages (they come back on demand), so that their frames may change type. */
void ldt_invalidate(struct vcpu *v);
/* Drop everything (destroy); repeatable. */
void descriptor_drop(struct vcpu *v);

/* References and window agree with desc-refs; number of differences (logged). */
unsigned descriptor_audit(const struct vcpu *v);

#endif
