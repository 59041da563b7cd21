/* SPDX-License-Identifier: MIT */
/* Names and errnos of the rows of hypercalls.tab (hypercall_op.h). Not on any fast path. */
#include "hypercall_op.h"

#include "dispatch.h"

static const struct hypercall_op *find(uint32_t nr, uint32_t subop)
{
    for (unsigned i = 0; i < hypercall_op_count; i++) {
        if (hypercall_ops[i].nr == nr && hypercall_ops[i].subop == subop) {
            return &hypercall_ops[i];
        }
    }
    return NULL;
}

const char *hypercall_op_name(unsigned nr, uint64_t arg)
{
    for (unsigned i = 0; i < hypercall_op_count; i++) {
        const struct hypercall_op *op = &hypercall_ops[i];

        if (op->nr == nr && op->subop_mask && op->subop == ((uint32_t)arg & op->subop_mask)) {
            return op->name;
        }
    }
    return hypercall_name(nr);
}

static bool is_listed(const struct hypercall_op *op, long ret)
{
    unsigned long err = -(unsigned long)ret;

    return err < 128 && (op->errnos[err / 64] >> err % 64 & 1);
}

/* A batch fails as the row of one of its operations says; that row was looked at on its own. */
static bool is_listed_somewhere(uint32_t nr, long ret)
{
    for (unsigned i = 0; i < hypercall_op_count; i++) {
        if (hypercall_ops[i].nr == nr && is_listed(&hypercall_ops[i], ret)) {
            return true;
        }
    }
    return false;
}

unsigned hypercall_unlisted;

void hypercall_check_errno(uint32_t nr, uint32_t subop, long ret)
{
    const struct hypercall_op *op = find(nr, subop);

    if (nr == __HYPERVISOR_get_debugreg) {
        return; /* its result is a register, which may look like anything */
    }
    if (ret == -XEN_ERESTART || (!op && ret == -XEN_ENOSYS) || (op && is_listed(op, ret)) ||
        (subop == HYPERCALL_WHOLE && is_listed_somewhere(nr, ret))) {
        return;
    }
    hypercall_unlisted++;
    log_error("abi: %s returned %ld (%s), which its row in hypercalls.tab does not list",
              op ? op->name : hypercall_name(nr), ret, errno_name((int)-ret));
}
