/* SPDX-License-Identifier: MIT */
/* The hypercall table as data: generated from hypercalls.tab, printed by `paravane abi`. */
#ifndef PARAVANE_ABI_REFERENCE_H
#define PARAVANE_ABI_REFERENCE_H

#include <stddef.h>

struct abi_row {
    int number;            /* __HYPERVISOR_* */
    const char *hypercall; /* name without the prefix */
    const char *subop;     /* NULL: the call has no sub-operations */
    int subop_number;      /* -1 with no sub-operation */
    const char *direction; /* in, out, inout, none, raw, array */
    const char *type;      /* argument structure, "-" if none */
    const char *callers;   /* any, priv */
    const char *errnos;    /* comma-separated, "-" if it cannot fail */
    const char *flags;     /* hot, preempt, "-" */
    const char *status;    /* implemented, absent */
};

extern const struct abi_row abi_reference[];
extern const unsigned abi_reference_count;

#endif
