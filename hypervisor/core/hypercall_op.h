/* SPDX-License-Identifier: MIT */
/*
 * The rows of hypercalls.tab as the hypervisor knows them when it runs: names for traces, and the
 * errnos that each may return. Debug builds compare every result with its row, so the manual and
 * `paravane abi` cannot promise less than guests get.
 */
#ifndef PARAVANE_CORE_HYPERCALL_OP_H
#define PARAVANE_CORE_HYPERCALL_OP_H

#include "debug.h"
#include "log.h"

#define HYPERCALL_WHOLE (~0u) /* a row for the call itself rather than for a sub-operation */

struct hypercall_op {
    uint32_t nr, subop;
    uint32_t
        subop_mask; /* of the first argument; 0: the call's first argument is no sub-operation */
    const char *name;
    uint64_t errnos[2]; /* bit n: may return -n */
};

/* One of the two words of `errnos`. */
#define ERRNO_BIT(err, word) ((err) / 64 == (word) ? 1ull << (err) % 64 : 0)

extern const struct hypercall_op hypercall_ops[];
extern const unsigned hypercall_op_count;

/* "EVTCHNOP_send" if the first argument of call nr says so, else the call's own name. */
const char *hypercall_op_name(unsigned nr, uint64_t arg);

/* Log a result that its row does not list, and count it. */
void hypercall_check_errno(uint32_t nr, uint32_t subop, long ret);
extern unsigned hypercall_unlisted;

static inline long hypercall_check(uint32_t nr, uint32_t subop, long ret)
{
    if (unlikely(ret < 0) && debug_build) {
        hypercall_check_errno(nr, subop, ret);
    }
    return ret;
}

/* Rows whose caller is "priv". */
#define PRIVILEGED(v, what)                                                                        \
    do {                                                                                           \
        if (unlikely(!(v)->domain->privileged)) {                                                  \
            return refuse((v), XEN_EPERM, "privileged", what " is for the control domain");        \
        }                                                                                          \
    } while (0)

#endif
