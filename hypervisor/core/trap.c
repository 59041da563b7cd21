/* SPDX-License-Identifier: MIT */
/*
 * Exceptions of a guest: which the hypervisor answers itself and which go on to the guest, and the
 * trap table. Every path ends in one of three: the instruction was done for the guest, a bounce
 * frame, a crashed domain. The vector and code are the CPU's; all else (rip, the bytes there,
 * cr2's mapping) is the guest's and may change while we look, so it is read once and only
 * decides what that guest gets to see. Man pages: set_trap_table(2), stack_switch(2),
 * fpu_taskswitch(2).
 */
#include "trap.h"

#include <string.h>

#include "descriptor.h"
#include "guest.h"
#include "handlers.h"
#include "insn.h"
#include "log.h"
#include "pagetable.h"
#include "trace.h"

/* #GP error code of a selector in the IDT: Intel SDM vol. 3A, 6.13. */
#define GP_EXT (1u << 0)
#define GP_IDT (1u << 1)
#define GP_VECTOR_SHIFT 3

#define DR6_FIXED 0xffff0ff0ull

/* A fault on an address in the hypervisor's range: to the guest nothing is there. */
static void hypervisor_range_fault(struct vcpu *v, uint64_t cr2, uint32_t error_code)
{
    uint64_t offset = machine_ldt_window_offset(v, cr2);

    if (offset != ~0ull) {
        if (!ldt_fault(v, offset)) {
            trap_inject_page_fault(v, v->ldt_base + offset, error_code);
        }
        return;
    }
    /* Guests probe the machine-to-physical table, which has holes; the rest is none of theirs. */
    if (cr2 >= MACH2PHYS_VIRT_END) {
        (void)refuse(v, XEN_EFAULT, "hypervisor-range", "access to %#lx (error %#x) at rip %#lx",
                     cr2, error_code, v->regs.rip);
    }
    trap_inject_page_fault(v, cr2, error_code & ~PF_PRESENT);
}

static void page_fault(struct vcpu *v, uint64_t cr2)
{
    uint32_t error_code = v->regs.error_code;

    if (unlikely(cr2 - HYPERVISOR_RANGE_START < HYPERVISOR_RANGE_END - HYPERVISOR_RANGE_START)) {
        hypervisor_range_fault(v, cr2, error_code);
        return;
    }
    if ((error_code & (PF_PRESENT | PF_WRITE | PF_RESERVED)) != (PF_PRESENT | PF_WRITE) ||
        !v->kernel_mode) {
        trap_inject_page_fault(v, cr2, error_code);
        return;
    }
    if (!pagetable_emulate_write(v, cr2)) {
        trap_inject_page_fault(v, cr2, error_code);
        return;
    }
    v->regs.rflags &= ~RFLAGS_RF;
    if (unlikely(v->regs.rflags & RFLAGS_TF)) {
        trap_inject_single_step(v);
    }
}

/* The guest kernel counts as ring 1 here, as under Xen: DPL 0 means by hardware only. */
static bool may_int(const struct vcpu *v, unsigned vector)
{
    const struct guest_entry *entry = &v->traps[vector];

    return entry->address && entry->dpl >= (v->kernel_mode ? 1 : 3);
}

/*
 * #GP that names an IDT entry: `int n` through a gate that is the hypervisor's alone. Which n is
 * read from the instruction, not from the error code: QEMU 7.2 computes that wrongly.
 */
static void software_interrupt(struct vcpu *v)
{
    struct insn insn;
    int vector = -1;

    if (insn_start(v, &insn)) {
        switch (insn.opcode) {
        case 0xcc:
            vector = VECTOR_BP;
            break;
        case 0xcd:
            vector = insn_byte(v, &insn);
            break;
        case 0xce:
            vector = insn.is_64 ? -1 : VECTOR_OF;
            break;
        default:
            break;
        }
    }
    if (vector < 0) {
        trap_inject(v, VECTOR_GP, v->regs.error_code);
        return;
    }
    if (!may_int(v, (unsigned)vector)) {
        trap_inject(v, VECTOR_GP, (uint32_t)vector << GP_VECTOR_SHIFT | GP_IDT);
        return;
    }
    insn_skip(v, &insn);
    trap_inject_software(v, (unsigned)vector);
}

static void general_protection(struct vcpu *v)
{
    uint32_t error_code = v->regs.error_code;

    if (error_code == 0) {
        if (emulate_privileged(v)) {
            return;
        }
    } else if ((error_code & (GP_IDT | GP_EXT)) == GP_IDT) {
        software_interrupt(v);
        return;
    }
    trap_inject(v, VECTOR_GP, error_code);
}

static void debug(struct vcpu *v)
{
    uint64_t status = machine_take_dr6() ^ DR6_FIXED;

    machine_set_debugreg(v, 6, v->debugreg[6] | (status & 0xe00f) | DR6_FIXED);
    trap_inject(v, VECTOR_DB, 0);
}

/* Virtual CR0.TS: one #NM ends it, as the guest's handler would with clts. */
static void device_not_available(struct vcpu *v)
{
    if (v->cr0_ts) {
        v->cr0_ts = false;
        machine_ts_changed(v);
    }
    trap_inject(v, VECTOR_NM, 0);
}

static void int80(struct vcpu *v)
{
    if (may_int(v, VECTOR_INT80)) {
        trap_inject_software(v, VECTOR_INT80);
        return;
    }
    v->regs.rip -= 2; /* the gate let it through, the guest does not */
    trap_inject(v, VECTOR_GP, VECTOR_INT80 << GP_VECTOR_SHIFT | GP_IDT);
}

void trap_from_guest(struct vcpu *v, unsigned vector, uint64_t cr2)
{
    v->hc.nr = HYPERCALL_NONE;
    v->hc.budget = HYPERCALL_BUDGET; /* emulated page-table writes work as a hypercall does */
    trace_record(TRACE_TRAP, v, vector, v->regs.rip);
    switch (vector) {
    case VECTOR_PF:
        page_fault(v, cr2);
        break;
    case VECTOR_GP:
        general_protection(v);
        break;
    case VECTOR_UD:
        if (!emulate_forced_cpuid(v)) {
            trap_inject(v, VECTOR_UD, 0);
        }
        break;
    case VECTOR_DB:
        debug(v);
        break;
    case VECTOR_NM:
        device_not_available(v);
        break;
    case VECTOR_INT80:
        int80(v);
        break;
    default:
        if (unlikely(vector >= VECTOR_EXCEPTIONS)) {
            log_warning("vector %u from d%uv%u that nobody expects", vector, v->domain->id, v->id);
            break;
        }
        trap_inject(v, vector, v->regs.error_code);
    }
}

int trap_set_entry(struct vcpu *v, const trap_info_t *info)
{
    struct guest_entry *entry = &v->traps[info->vector];

    if (!va_is_canonical(info->address)) {
        return refuse(v, XEN_EINVAL, "trap-address", "vector %u at %#lx", info->vector,
                      (uint64_t)info->address);
    }
    entry->address = info->address;
    entry->dpl = TI_GET_DPL(info);
    entry->mask_events = TI_GET_IF(info) != 0;
    return 0;
}

/* The table ends with an entry whose address is 0; a NULL table clears all. */
long do_set_trap_table(struct vcpu *v, uint64_t table)
{
    if (!table) {
        memset(v->traps, 0, sizeof(v->traps));
        return 0;
    }
    for (uint64_t at = table;; at += sizeof(trap_info_t)) {
        trap_info_t info;
        int err;

        if (at != table && hypercall_preempt(v, 8)) {
            v->hc.args[0] = at;
            return -XEN_ERESTART;
        }
        err = guest_copy_in(&info, at, sizeof(info));
        if (err || info.address == 0) {
            return err;
        }
        err = trap_set_entry(v, &info);
        if (err) {
            return err;
        }
    }
}

long do_stack_switch(struct vcpu *v, uint64_t ss, uint64_t sp)
{
    v->kernel_ss = (uint16_t)ss | 3;
    v->kernel_sp = sp;
    return 0;
}

long do_fpu_taskswitch(struct vcpu *v, uint64_t set)
{
    v->cr0_ts = set != 0;
    machine_ts_changed(v);
    return 0;
}
