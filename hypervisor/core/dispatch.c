/* SPDX-License-Identifier: MIT */
/*
 * Hypercall and multicall around the generated rows. A handler that ran out of budget returns
 * -ERESTART with v->hc.args updated: the guest's registers are then set so that it executes its
 * two-byte syscall instruction again, after interrupts and other domains have had their turn.
 */
#include "dispatch.h"

#include "debug.h"
#include "dispatch_glue.h"
#include "log.h"
#include "trace.h"

#define SYSCALL_BYTES 2
#define POISON 0xdeadf00ddeadf00dull /* in argument registers after a call, debug builds */

const char *hypercall_name(unsigned nr)
{
    return nr < HYPERCALL_NUMBERS && hypercall_table[nr].name ? hypercall_table[nr].name
                                                              : "hypercall";
}

static long call(struct vcpu *v, uint64_t nr)
{
    const struct hypercall_row *row;

    v->hc.nr = (uint32_t)nr;
    trace_record(TRACE_HYPERCALL, v, nr, v->hc.args[0]);
    if (unlikely(nr >= HYPERCALL_NUMBERS)) {
        return -XEN_ENOSYS;
    }
    /* Again for the CPU that ran ahead of the test with a larger number. */
    row = &hypercall_table[nr & (HYPERCALL_NUMBERS - 1)];
    return likely(row->call != NULL) ? row->call(v, v->hc.args) : -XEN_ENOSYS;
}

static void restart(struct vcpu *v, uint64_t nr)
{
    struct cpu_user_regs *r = &v->regs;

    r->rip -= SYSCALL_BYTES;
    r->rax = nr;
    r->rdi = v->hc.args[0];
    r->rsi = v->hc.args[1];
    r->rdx = v->hc.args[2];
    r->r10 = v->hc.args[3];
    r->r8 = v->hc.args[4];
    r->r9 = v->hc.args[5];
}

static void clobber(struct vcpu *v, uint64_t nr)
{
    uint64_t *const regs[6] = {&v->regs.rdi, &v->regs.rsi, &v->regs.rdx,
                               &v->regs.r10, &v->regs.r8,  &v->regs.r9};

    for (unsigned i = 0; nr < HYPERCALL_NUMBERS && i < hypercall_table[nr].nargs; i++) {
        *regs[i] = POISON;
    }
}

bool hypercall(struct vcpu *v)
{
    struct cpu_user_regs *r = &v->regs;
    uint64_t nr = r->rax;
    long ret;

    v->hc.args[0] = r->rdi;
    v->hc.args[1] = r->rsi;
    v->hc.args[2] = r->rdx;
    v->hc.args[3] = r->r10;
    v->hc.args[4] = r->r8;
    v->hc.args[5] = r->r9;
    v->hc.budget = HYPERCALL_BUDGET;
    ret = call(v, nr);
    if (unlikely(ret == -XEN_ERESTART)) {
        restart(v, nr);
        return false;
    }
    if (unlikely(v->hc.skip_return)) {
        v->hc.skip_return = false;
        return false;
    }
    r->rax = (uint64_t)ret;
    if (debug_build) {
        clobber(v, nr);
    }
    return true;
}

/* One entry of a multicall. -ERESTART: its arguments in guest memory are those to go on with. */
static long multicall_one(struct vcpu *v, uint64_t at)
{
    multicall_entry_t entry;

    if (guest_copy_in(&entry, at, sizeof(entry))) {
        return -XEN_EFAULT;
    }
    for (unsigned i = 0; i < 6; i++) {
        v->hc.args[i] = entry.args[i];
    }
    if (entry.op == __HYPERVISOR_multicall || entry.op == __HYPERVISOR_iret) {
        entry.result = (xen_ulong_t)-XEN_EINVAL;
    } else {
        entry.result = (xen_ulong_t)call(v, entry.op);
    }
    if (entry.result == (xen_ulong_t)-XEN_ERESTART) {
        return guest_copy_out(at + offsetof(multicall_entry_t, args), v->hc.args,
                              sizeof(entry.args))
                   ? -XEN_EFAULT
                   : -XEN_ERESTART;
    }
    return guest_copy_out(at + offsetof(multicall_entry_t, result), &entry.result,
                          sizeof(entry.result));
}

long do_multicall(struct vcpu *v, uint64_t list, uint64_t count)
{
    uint64_t i;
    long err = 0;

    v->hc.in_multicall = true;
    for (i = 0; i < (uint32_t)count && !err; i++) {
        if (i && hypercall_preempt(v, 8)) {
            err = -XEN_ERESTART;
            break;
        }
        err = multicall_one(v, list + i * sizeof(multicall_entry_t));
        if (err) {
            break;
        }
    }
    v->hc.in_multicall = false;
    v->hc.nr = __HYPERVISOR_multicall;
    if (err == -XEN_ERESTART) {
        v->hc.args[0] = list + i * sizeof(multicall_entry_t);
        v->hc.args[1] = (uint32_t)count - i;
    }
    return err;
}

long hypercall_array(struct vcpu *v, uint64_t *a, size_t size, void *element, array_handler handle)
{
    uint32_t count = (uint32_t)a[2];

    for (uint32_t i = 0; i < count; i++) {
        long ret;

        if (i && hypercall_preempt(v, 32)) {
            a[1] += i * size;
            a[2] = count - i;
            return -XEN_ERESTART;
        }
        if (guest_copy_in_at(element, a[1], i, size)) {
            return -XEN_EFAULT;
        }
        ret = handle(v, element);
        if (ret < 0) {
            return ret;
        }
        if (guest_copy_out_at(a[1], i, element, size)) {
            return -XEN_EFAULT;
        }
    }
    return 0;
}
