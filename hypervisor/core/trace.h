/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU ring of the last events, for crash dumps. Nearly free: one record of 24 bytes stored, no
 * clock read, nothing formatted. A CPU writes only its own ring, with interrupts off.
 */
#ifndef PARAVANE_CORE_TRACE_H
#define PARAVANE_CORE_TRACE_H

#include "domain.h"

/*
 * What a and b of a record are:
 *   HYPERCALL  number, first argument       TRAP    vector, rip
 *   INJECT     vector, error code           SWITCH  vCPU left (domid << 16 | id), system time
 *   EVENT      pending selector word, rip   (SWITCH is a record of the vCPU that runs next)
 */
enum trace_kind { TRACE_HYPERCALL, TRACE_TRAP, TRACE_INJECT, TRACE_SWITCH, TRACE_EVENT };

#define TRACE_CPUS 4
#define TRACE_RECORDS 256u /* a power of two */

struct trace_entry {
    uint16_t domid;
    uint8_t vcpu, kind;
    uint64_t a, b;
};

struct trace_ring {
    uint32_t next; /* total ever written */
    struct trace_entry record[TRACE_RECORDS];
};

extern struct trace_ring trace_rings[TRACE_CPUS];

static inline void trace_record(enum trace_kind kind, const struct vcpu *v, uint64_t a, uint64_t b)
{
    struct trace_ring *r = &trace_rings[this_cpu()->id % TRACE_CPUS];

    r->record[r->next++ % TRACE_RECORDS] =
        (struct trace_entry){v->domain->id, (uint8_t)v->id, (uint8_t)kind, a, b};
}

/* Print the last `count` records that concern d (all when NULL) to the log. */
void trace_dump(const struct domain *d, unsigned count);

/* Log where a guest's vCPU stands: registers, code, stack with names from its image's symbol table,
 * last events. v need not be loaded: memory is read by a walk of its page tables. (dump.c) */
void guest_dump(struct vcpu *v);

#endif
