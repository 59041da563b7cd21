/* SPDX-License-Identifier: MIT */
/*
 * Bounce frames: how an exception, an event or a system call enters the guest's kernel.
 *
 * One frame, growing down from the guest kernel's stack, written with one copy:
 *     SS  RSP  RFLAGS  CS|upcall_mask<<32  RIP  [error code]  R11  RCX  <- new rsp
 * Invariant one-crash: a frame that cannot be written, or an entry point that is not registered,
 * ends the domain; nothing is retried from here, so no guest can make ring 0 loop.
 * Hot: one exception, event or system call each. Budget: 60 instructions up to the copy, and the
 * root switch when it comes from user mode. Man page: paravane-abi(7), TRAPS.
 */
#include "guest.h"
#include "log.h"
#include "trace.h"
#include "trap.h"

#define STACK_ALIGN 16ull
#define RFLAGS_ENTRY_CLEAR (RFLAGS_TF | RFLAGS_VM | RFLAGS_RF | RFLAGS_NT | RFLAGS_AC)
#define ASSIST_IOPL (1u << VMASST_TYPE_architectural_iopl)
#define VIF_BYTE_SHIFT 32 /* saved_upcall_mask in the CS slot: struct cpu_user_regs */

/* Vectors whose frame has an error code: 8, 10-14, 17, 21 (Intel SDM vol. 3A, 6.13). */
#define ERROR_CODE_VECTORS 0x00227d00u

/* Index of a slot in the largest exception frame. */
enum { F_RCX, F_R11, F_ERROR, F_RIP, F_CS, F_RFLAGS, F_RSP, F_SS, F_WORDS };

static uint64_t frame_rflags(const struct vcpu *v, uint8_t upcall_mask)
{
    uint64_t rflags = v->regs.rflags & ~(RFLAGS_IF | RFLAGS_IOPL);

    if (!upcall_mask) {
        rflags |= RFLAGS_IF;
    }
    if (unlikely(v->domain->vm_assist & ASSIST_IOPL)) {
        rflags |= (uint64_t)v->iopl << 12;
    }
    return rflags;
}

/* RPL 0 tells the guest that its own kernel was interrupted. */
static uint64_t frame_cs(const struct vcpu *v, uint8_t upcall_mask)
{
    uint64_t cs = v->kernel_mode ? v->regs.cs & ~3u : v->regs.cs;

    return cs | (uint64_t)upcall_mask << VIF_BYTE_SHIFT;
}

/* Everything but the entry point: frame[first..] is already complete. */
static inline __attribute__((always_inline)) bool bounce(struct vcpu *v,
                                                         const struct guest_entry *entry,
                                                         const uint64_t *frame, size_t words,
                                                         bool mask_events)
{
    struct cpu_user_regs *regs = &v->regs;
    uint64_t sp = v->kernel_mode ? regs->rsp : v->kernel_sp;

    sp = (sp & ~(STACK_ALIGN - 1)) - words * sizeof(uint64_t);
    vcpu_enter_kernel(v);
    if (unlikely(guest_copy_out(sp, frame, words * sizeof(uint64_t)))) {
        domain_crash(v->domain, "v%u kernel stack %#lx cannot take a frame for %#lx", v->id, sp,
                     entry->address);
        return false;
    }
    if (mask_events) {
        v->info->evtchn_upcall_mask = 1;
    }
    regs->rip = entry->address;
    regs->cs = SEL_CODE64;
    regs->ss = SEL_DATA;
    regs->rsp = sp;
    regs->rflags = (regs->rflags & ~(RFLAGS_ENTRY_CLEAR | RFLAGS_IOPL)) | RFLAGS_IF;
    return true;
}

/* The five words that the CPU itself would push, and RCX and R11 at the bottom. */
static inline __attribute__((always_inline)) void fill(struct vcpu *v, uint64_t *frame)
{
    const struct cpu_user_regs *regs = &v->regs;
    uint8_t upcall_mask = v->info->evtchn_upcall_mask;

    frame[F_SS] = regs->ss;
    frame[F_RSP] = regs->rsp;
    frame[F_RFLAGS] = frame_rflags(v, upcall_mask);
    frame[F_CS] = frame_cs(v, upcall_mask);
    frame[F_RIP] = regs->rip;
}

static inline __attribute__((always_inline)) bool
bounce_plain(struct vcpu *v, const struct guest_entry *entry, bool mask_events)
{
    uint64_t frame[F_WORDS];

    fill(v, frame);
    frame[F_R11 + 1] = v->regs.r11; /* no error code: both move up one slot */
    frame[F_RCX + 1] = v->regs.rcx;
    return bounce(v, entry, frame + 1, F_WORDS - 1, mask_events);
}

static __attribute__((cold, noinline)) void no_handler(struct vcpu *v, const char *what,
                                                       unsigned vector, uint32_t error_code)
{
    domain_crash(v->domain, "no handler: %s %u error %#x rip %#lx cr2 %#lx %s", what, vector,
                 error_code, v->regs.rip, (uint64_t)v->info->arch.cr2,
                 v->kernel_mode ? "kernel" : "user");
}

/* vector is one of the CPU's own, below 32. */
void trap_inject(struct vcpu *v, unsigned vector, uint32_t error_code)
{
    const struct guest_entry *entry = &v->traps[vector];
    uint64_t frame[F_WORDS];

    trace_record(TRACE_INJECT, v, vector, error_code);
    if (unlikely(!entry->address)) {
        no_handler(v, "vector", vector, error_code);
        return;
    }
    if (!(ERROR_CODE_VECTORS >> vector & 1)) {
        bounce_plain(v, entry, entry->mask_events);
        return;
    }
    fill(v, frame);
    frame[F_ERROR] = error_code;
    frame[F_R11] = v->regs.r11;
    frame[F_RCX] = v->regs.rcx;
    bounce(v, entry, frame, F_WORDS, entry->mask_events);
}

void trap_inject_page_fault(struct vcpu *v, uint64_t cr2, uint32_t error_code)
{
    /* Both sides of the guest run in ring 3: the U bit has to say what the guest means by it. */
    error_code = v->kernel_mode ? error_code & ~PF_USER : error_code | PF_USER;
    v->info->arch.cr2 = cr2;
    trap_inject(v, VECTOR_PF, error_code);
}

void trap_inject_software(struct vcpu *v, unsigned vector)
{
    const struct guest_entry *entry = &v->traps[vector & 0xff];

    if (unlikely(!entry->address)) {
        no_handler(v, "int", vector, 0);
        return;
    }
    bounce_plain(v, entry, entry->mask_events);
}

/* Events are always masked on entry, whatever the registration said (xen/callback.h). */
void trap_event_upcall(struct vcpu *v)
{
    trace_record(TRACE_EVENT, v, v->info->evtchn_pending_sel, v->regs.rip);
    if (unlikely(!v->event_callback.address)) {
        no_handler(v, "event callback, type", CALLBACKTYPE_event, 0);
        return;
    }
    bounce_plain(v, &v->event_callback, true);
}

static void syscall_bounce(struct vcpu *v, const struct guest_entry *entry)
{
    if (bounce_plain(v, entry, entry->mask_events)) {
        v->regs.rflags &= ~RFLAGS_DF;
    }
}

void trap_syscall(struct vcpu *v)
{
    if (unlikely(!v->syscall_callback.address)) {
        v->regs.rip -= 2; /* back onto the instruction */
        trap_inject(v, VECTOR_UD, 0);
        return;
    }
    syscall_bounce(v, &v->syscall_callback);
}

void trap_syscall32(struct vcpu *v)
{
    if (v->kernel_mode || !v->syscall32_callback.address) { /* no hypercalls from 32-bit code */
        v->regs.rip = (uint32_t)(v->regs.rip - 2);
        trap_inject(v, VECTOR_UD, 0);
        return;
    }
    syscall_bounce(v, &v->syscall32_callback);
}

/*
 * SS RSP RFLAGS CS RIP GS FS ES DS R11 RCX: the selectors the guest wanted, which the CPU now has
 * as null or refused.
 */
void trap_failsafe(struct vcpu *v)
{
    uint64_t words[11], frame[F_WORDS];

    if (!v->failsafe_callback.address) {
        trap_inject(v, VECTOR_GP, 0);
        return;
    }
    fill(v, frame);
    for (unsigned i = F_RIP; i < F_WORDS; i++) {
        words[6 + i - F_RIP] = frame[i];
    }
    words[5] = v->regs.gs;
    words[4] = v->regs.fs;
    words[3] = v->regs.es;
    words[2] = v->regs.ds;
    words[1] = v->regs.r11;
    words[0] = v->regs.rcx;
    bounce(v, &v->failsafe_callback, words, ARRAY_LEN(words), v->failsafe_callback.mask_events);
}

void trap_iret_fault(struct vcpu *v)
{
    if (v->regs.cs == SEL_CODE64 && v->regs.ss == SEL_DATA &&
        v->regs.rip == v->traps[VECTOR_GP].address) {
        domain_crash(v->domain, "v%u #GP handler %#lx cannot be entered", v->id, v->regs.rip);
        return;
    }
    trap_inject(v, VECTOR_GP, 0);
}
