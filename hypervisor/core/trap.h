/* SPDX-License-Identifier: MIT */
/*
 * What a guest sees of traps: bounce frames (bounce.c), routing of exceptions and the trap table
 * (trap.c), the way back (iret.c), debug registers (debugreg.c).
 * Man page: paravane-abi(7), TRAPS.
 */
#ifndef PARAVANE_CORE_TRAP_H
#define PARAVANE_CORE_TRAP_H

#include "descriptor.h"
#include "domain.h"
#include "sched.h"

/* Flat selectors that the hypervisor keeps in every GDT (xen/arch-x86/xen-x86_64.h). */
#define SEL_CODE32 FLAT_RING3_CS32
#define SEL_DATA FLAT_RING3_SS64
#define SEL_CODE64 FLAT_RING3_CS64

#define RFLAGS_CF (1ull << 0)
#define RFLAGS_FIXED (1ull << 1)
#define RFLAGS_TF (1ull << 8)
#define RFLAGS_IF (1ull << 9)
#define RFLAGS_DF (1ull << 10)
#define RFLAGS_IOPL (3ull << 12)
#define RFLAGS_NT (1ull << 14)
#define RFLAGS_RF (1ull << 16)
#define RFLAGS_VM (1ull << 17)
#define RFLAGS_AC (1ull << 18)
#define RFLAGS_VIF (1ull << 19)
#define RFLAGS_VIP (1ull << 20)
#define RFLAGS_ID (1ull << 21)

/* Exception vectors, Intel SDM vol. 3A table 6-1. */
#define VECTOR_DE 0
#define VECTOR_DB 1
#define VECTOR_BP 3
#define VECTOR_OF 4
#define VECTOR_UD 6
#define VECTOR_NM 7
#define VECTOR_SS 12
#define VECTOR_GP 13
#define VECTOR_PF 14
#define VECTOR_XM 19
#define VECTOR_EXCEPTIONS 32 /* those below are the CPU's own */
#define VECTOR_INT80 0x80    /* the one `int n` whose gate user code reaches directly */

/* #PF error code, Intel SDM vol. 3A 4.7. */
#define PF_PRESENT (1u << 0)
#define PF_WRITE (1u << 1)
#define PF_USER (1u << 2)
#define PF_RESERVED (1u << 3)
#define PF_FETCH (1u << 4)

/* Called by entry.S/traps.c for an exception that came from ring 3, v loaded, regs saved in v.
 * The error code is in v->regs.error_code; cr2 only for #PF. */
void trap_from_guest(struct vcpu *v, unsigned vector, uint64_t cr2);
/* syscall in user mode: bounce to the registered syscall callback. */
void trap_syscall(struct vcpu *v);
/* syscall in 32-bit code (AMD; Intel makes it #UD), regs.cs = SEL_CODE32. sysenter is #GP: its MSRs
 * stay 0. */
void trap_syscall32(struct vcpu *v);
/* The exit path found event_upcall_due(v). */
void trap_event_upcall(struct vcpu *v);
/* Loading DS, ES, FS or GS from v->regs was refused, null was loaded instead: failsafe callback. */
void trap_failsafe(struct vcpu *v);
/* iretq itself refused v->regs (cs, ss, rip): #GP to the guest, with that frame. */
void trap_iret_fault(struct vcpu *v);

/* Deliver vector to the guest kernel; error code pushed where the vector has one. */
void trap_inject(struct vcpu *v, unsigned vector, uint32_t error_code);
void trap_inject_page_fault(struct vcpu *v, uint64_t cr2, uint32_t error_code);
/* Deliver as `int n` would: no error code, whatever the vector. */
void trap_inject_software(struct vcpu *v, unsigned vector);
/* Single step after an instruction that was emulated. */
void trap_inject_single_step(struct vcpu *v);

/* Enter guest kernel mode (no-op if there): root, GS base, areas owed. And the reverse. */
static inline void vcpu_enter_kernel(struct vcpu *v)
{
    if (!v->kernel_mode) {
        v->kernel_mode = true;
        machine_vcpu_toggle(v);
        if (unlikely(v->areas_stale)) {
            vcpu_areas_publish(v);
        }
    }
}

static inline void vcpu_enter_user(struct vcpu *v)
{
    v->kernel_mode = false;
    machine_vcpu_toggle(v);
}

/* The iret hypercall: regs from the frame at the guest's stack pointer. Hot, called by entry.S. */
void trap_iret(struct vcpu *v);

/* Make regs safe for sysret/iretq whatever the guest asked: RPL 3, IF=1, IOPL=0, no odd flags.
 * (A rip that is not canonical stays: iretq refuses it and trap_iret_fault tells the guest.) */
void trap_sanitize(struct cpu_user_regs *regs);

/* One trap table entry as set_trap_table and vcpu_guest_context have them. -EINVAL: bad address. */
int trap_set_entry(struct vcpu *v, const trap_info_t *info);

/* True if v may do port I/O, cli and sti by its virtual IOPL (guest kernel counts as ring 1). */
bool trap_iopl_allows(const struct vcpu *v);

/* emulate.c: instruction at regs.rip after #GP(0); true if done. */
bool emulate_privileged(struct vcpu *v);
/* emulate.c: forced-emulation prefix `ud2; "xen"; cpuid` in either mode. */
bool emulate_forced_cpuid(struct vcpu *v);
/* What this vCPU sees (cpuid.c); MSR policy (msr.c): 0 = done, -EPERM = inject #GP. */
void cpuid_guest(struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
int msr_guest_read(struct vcpu *v, uint32_t msr, uint64_t *value);
int msr_guest_write(struct vcpu *v, uint32_t msr, uint64_t value);

/* Debug registers with the ABI's checks (debugreg.c): 0 or -errno. */
int debugreg_set(struct vcpu *v, unsigned reg, uint64_t value);
int debugreg_get(struct vcpu *v, unsigned reg, uint64_t *value);

#endif
