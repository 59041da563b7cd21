/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU ring of the last events, for crash dumps. Nearly free: one record of 32 bytes stored,
 * nothing formatted. A CPU writes only its own ring.
 */
#ifndef PARAVANE_CORE_TRACE_H
#define PARAVANE_CORE_TRACE_H

#include "domain.h"

/*
 * What a and b of a record are:
 *   HYPERCALL  number, first argument       TRAP    vector, rip
 *   INJECT     vector, cr2 or error code    SWITCH  domid of the vCPU left, its vCPU id
 *   EVENT      port, 0
 */
enum trace_kind { TRACE_HYPERCALL, TRACE_TRAP, TRACE_INJECT, TRACE_SWITCH, TRACE_EVENT };

void trace_record(enum trace_kind kind, const struct vcpu *v, uint64_t a, uint64_t b);
/* Print the last `count` records that concern d (all when NULL) to the log. */
void trace_dump(const struct domain *d, unsigned count);

/* Log where a guest's vCPU stands: registers, code, stack with names from its image's symbol table,
 * last events. v need not be loaded: memory is read by a walk of its page tables. (dump.c) */
void guest_dump(struct vcpu *v);

#endif
