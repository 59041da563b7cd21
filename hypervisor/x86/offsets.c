/* SPDX-License-Identifier: MIT */
/*
 * Offsets that entry.S uses. Compiled to assembly, from which the build takes the lines that begin
 * with "->" and makes asm_offsets.h; so they cannot drift from the structures.
 */
#include "domain.h"

#define OFFSET(name, type, member) asm volatile("\n->" #name " %0" : : "i"(offsetof(type, member)))

void offsets(void);

void offsets(void)
{
    asm volatile("\n->HYPERCALL_IRET %0" : : "i"(__HYPERVISOR_iret));
    OFFSET(PCPU_CURRENT, struct pcpu, current);
    OFFSET(PCPU_STACK_TOP, struct pcpu, stack_top);
    OFFSET(PCPU_SCRATCH, struct pcpu, scratch);
    OFFSET(PCPU_WORK, struct pcpu, work);
    OFFSET(VCPU_REGS, struct vcpu, regs);
    OFFSET(VCPU_KERNEL_MODE, struct vcpu, kernel_mode);
    OFFSET(VCPU_INFO, struct vcpu, info);
    OFFSET(REGS_R15, struct cpu_user_regs, r15);
    OFFSET(REGS_R14, struct cpu_user_regs, r14);
    OFFSET(REGS_R13, struct cpu_user_regs, r13);
    OFFSET(REGS_R12, struct cpu_user_regs, r12);
    OFFSET(REGS_RBP, struct cpu_user_regs, rbp);
    OFFSET(REGS_RBX, struct cpu_user_regs, rbx);
    OFFSET(REGS_R11, struct cpu_user_regs, r11);
    OFFSET(REGS_R10, struct cpu_user_regs, r10);
    OFFSET(REGS_R9, struct cpu_user_regs, r9);
    OFFSET(REGS_R8, struct cpu_user_regs, r8);
    OFFSET(REGS_RAX, struct cpu_user_regs, rax);
    OFFSET(REGS_RCX, struct cpu_user_regs, rcx);
    OFFSET(REGS_RDX, struct cpu_user_regs, rdx);
    OFFSET(REGS_RSI, struct cpu_user_regs, rsi);
    OFFSET(REGS_RDI, struct cpu_user_regs, rdi);
    OFFSET(REGS_ERROR_CODE, struct cpu_user_regs, error_code);
    OFFSET(REGS_VECTOR, struct cpu_user_regs, entry_vector);
    OFFSET(REGS_RIP, struct cpu_user_regs, rip);
    OFFSET(REGS_CS, struct cpu_user_regs, cs);
    OFFSET(REGS_RFLAGS, struct cpu_user_regs, rflags);
    OFFSET(REGS_RSP, struct cpu_user_regs, rsp);
    OFFSET(REGS_SS, struct cpu_user_regs, ss);
    OFFSET(REGS_ES, struct cpu_user_regs, es);
}
