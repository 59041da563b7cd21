/* SPDX-License-Identifier: MIT */
/* From the registers of a guest to a handler: the table of hypercalls, multicall, continuations. */
#ifndef PARAVANE_CORE_DISPATCH_H
#define PARAVANE_CORE_DISPATCH_H

#include "domain.h"

#define HYPERCALL_NUMBERS 64

struct hypercall_row {
    long (*call)(struct vcpu *v, uint64_t *args); /* NULL: absent, -ENOSYS */
    const char *name;                             /* NULL: Xen has no such number */
    unsigned nargs;
};

extern const struct hypercall_row hypercall_table[HYPERCALL_NUMBERS];

/* The number is in v->regs.rax, the arguments in rdi, rsi, rdx, r10, r8, r9; the result goes to
 * rax. True: the guest goes on behind its syscall instruction with only rax changed. */
bool hypercall(struct vcpu *v);

/* "mmu_update", or "hypercall" for a number that Xen does not have. */
const char *hypercall_name(unsigned nr);

#endif
