/* SPDX-License-Identifier: MIT */
/*
 * Whole guests on the simulated machine, for tests of what domains do to each other: hypercalls
 * enter by their number and registers, through the generated glue, and every auditor runs after
 * each. A guest's kernel space is one L1 table: GUEST_PAGES writable pages of its own from
 * GUEST_VA on, then empty entries.
 */
#ifndef PARAVANE_TEST_GUESTS_H
#define PARAVANE_TEST_GUESTS_H

#include <check.h>
#include <string.h>

#include "domain.h"
#include "pagetable.h"

#define GUEST_VA 0xffff888000200000ull
#define GUEST_PAGES 16u
#define GUEST_EMPTY_VA (GUEST_VA + 256 * PAGE_SIZE) /* 256 entries from here on are empty */
#define GUEST_HOLE 0xffff888000900000ull            /* not even an L1 table */

#define ARGS_PAGE 0u /* the page that the helpers below put arguments into */

struct guest {
    struct domain *d;
    struct vcpu *v; /* its vCPU 0 */
    mfn_t l4, l3, l2, l1, page[GUEST_PAGES];
};

void guests_start(void);
/* A domain with `vcpus` vCPUs of which the first runs. */
struct guest guest_make(domid_t id, unsigned vcpus, bool privileged);
/* A context for a further vCPU, as the first one has it. */
vcpu_guest_context_t guest_context(const struct guest *g);
void *guest_page(const struct guest *g, unsigned n); /* as the host sees it */

/* What the exit path does: everything owed, until nothing is. The vCPU to enter. */
struct vcpu *guests_exit(void);
/* Make v the vCPU that is loaded, whatever the scheduler thinks of it. It must be runnable. */
void guests_run_as(struct vcpu *v);
/* Time passes; timers fire at the next guests_exit(). */
void guests_wait(uint64_t ns);
uint64_t guests_now(void);
unsigned guests_deadlines(void); /* times that the machine's timer was programmed */
unsigned guests_idles(void);
unsigned guests_flushes(void);
/* Take dead domains apart as far as it goes. */
void guests_reap(void);
/* Every audit; fails the test if one finds something. */
void guests_audit(void);

/* The hypercall `nr` from v, run to its end, which took call_turns turns. */
extern unsigned call_turns;
long call(struct vcpu *v, unsigned nr, uint64_t a, uint64_t b, uint64_t c);
/* (cmd, &args) in the caller's memory, copied back; and vcpu_op's (cmd, id, &args). */
long call_struct(struct vcpu *v, unsigned nr, unsigned cmd, void *args, size_t bytes);
long call_vcpu(struct vcpu *v, unsigned cmd, unsigned id, void *args, size_t bytes);
/* (cmd, &element, 1) */
long call_element(struct vcpu *v, unsigned nr, unsigned cmd, void *element, size_t bytes);

#define event_op(v, cmd, args)                                                                     \
    call_struct(v, __HYPERVISOR_event_channel_op, cmd, &(args), sizeof(args))
#define sched_op(v, cmd, args) call_struct(v, __HYPERVISOR_sched_op, cmd, &(args), sizeof(args))
#define grant_op(v, cmd, args)                                                                     \
    call_element(v, __HYPERVISOR_grant_table_op, cmd, &(args), sizeof(args))

int unit_main(const char *name, void (*add)(TCase *tc));

#endif
