/* SPDX-License-Identifier: MIT */
/*
 * The iret hypercall: the guest kernel's way back to its user mode, or to what it interrupted.
 * The frame is read once; whatever stands in it, what reaches the CPU is ring 3 with interrupts on.
 * Selectors and rip that the CPU still refuses come back as trap_iret_fault(). Hot.
 * Man page: iret(2).
 */
#include "descriptor.h"
#include "guest.h"
#include "handlers.h"
#include "log.h"
#include "trap.h"

#define RPL_MASK 3u
#define SELECTOR_LDT 4u

/* Flags a guest may choose: CF PF AF ZF SF TF DF OF NT RF AC ID. */
#define RFLAGS_GUEST 0x254dd5ull
#define ASSIST_IOPL (1u << VMASST_TYPE_architectural_iopl)

static inline uint64_t safe_rflags(uint64_t rflags)
{
    return (rflags & RFLAGS_GUEST) | RFLAGS_FIXED | RFLAGS_IF;
}

void trap_sanitize(struct cpu_user_regs *regs)
{
    regs->cs |= RPL_MASK;
    regs->ss |= RPL_MASK;
    regs->rflags = safe_rflags(regs->rflags);
}

/* iretq loads cs and ss in ring 0: have their LDT pages there before it does. */
static __attribute__((cold, noinline)) void prefault_ldt(struct vcpu *v)
{
    if (v->regs.cs & SELECTOR_LDT) {
        ldt_fault(v, v->regs.cs & ~7u);
    }
    if (v->regs.ss & SELECTOR_LDT) {
        ldt_fault(v, v->regs.ss & ~7u);
    }
}

static __attribute__((cold, noinline)) void crash(struct vcpu *v, const char *why)
{
    domain_crash(v->domain, "iret: %s (v%u rip %#lx rsp %#lx)", why, v->id, v->regs.rip,
                 v->regs.rsp);
}

void trap_iret(struct vcpu *v)
{
    struct cpu_user_regs *regs = &v->regs;
    struct iret_context frame;

    if (unlikely(guest_copy_in(&frame, regs->rsp, sizeof(frame)))) {
        crash(v, "frame not readable");
        return;
    }
    if ((frame.cs & RPL_MASK) == RPL_MASK) {
        if (unlikely(mfn_is_none(v->guest_table_user))) {
            crash(v, "to user mode without a user page table");
            return;
        }
        vcpu_enter_user(v);
    }
    if (unlikely(v->domain->vm_assist & ASSIST_IOPL)) {
        v->iopl = frame.rflags >> 12 & 3;
    }
    regs->rip = frame.rip;
    regs->cs = (uint16_t)frame.cs | RPL_MASK;
    regs->rflags = safe_rflags(frame.rflags);
    regs->rsp = frame.rsp;
    regs->ss = (uint16_t)frame.ss | RPL_MASK;
    regs->rax = frame.rax;
    if (likely(!(frame.flags & VGCF_in_syscall))) {
        regs->r11 = frame.r11;
        regs->rcx = frame.rcx;
    } else {
        regs->r11 = regs->rflags; /* as sysret leaves them */
        regs->rcx = frame.rip;
    }
    v->info->evtchn_upcall_mask = !(frame.rflags & RFLAGS_IF);
    if (unlikely((regs->cs | regs->ss) & SELECTOR_LDT)) {
        prefault_ldt(v);
    }
}

/* By way of the table: inside dispatch. entry.S calls trap_iret itself. */
long do_iret(struct vcpu *v)
{
    v->hc.skip_return = true;
    trap_iret(v);
    return 0;
}
