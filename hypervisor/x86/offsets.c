/* SPDX-License-Identifier: MIT */
/*
 * Offsets that entry.S uses. Compiled to assembly, from which the build takes the lines that begin
 * with "->" and makes asm_offsets.h; so they cannot drift from the structures.
 */
#include "domain.h"

#define OFFSET(name, type, member) asm volatile("\n->" #name " %0" : : "i"(offsetof(type, member)))
#define CONSTANT(name, value) asm volatile("\n->" #name " %0" : : "i"(value))

void offsets(void);

void offsets(void)
{
    CONSTANT(HYPERCALL_IRET, __HYPERVISOR_iret);
    CONSTANT(VGCF_IN_SYSCALL, VGCF_in_syscall);
    CONSTANT(ASSIST_IOPL, 1u << VMASST_TYPE_architectural_iopl);
    OFFSET(IRET_RAX, struct iret_context, rax);
    OFFSET(IRET_R11, struct iret_context, r11);
    OFFSET(IRET_RCX, struct iret_context, rcx);
    OFFSET(IRET_FLAGS, struct iret_context, flags);
    OFFSET(IRET_RIP, struct iret_context, rip);
    OFFSET(IRET_CS, struct iret_context, cs);
    OFFSET(IRET_RFLAGS, struct iret_context, rflags);
    OFFSET(IRET_RSP, struct iret_context, rsp);
    OFFSET(IRET_SS, struct iret_context, ss);
    OFFSET(DOMAIN_VM_ASSIST, struct domain, vm_assist);
    OFFSET(PCPU_ROOT, struct pcpu, root);
    OFFSET(PCPU_TLB_EPOCH, struct pcpu, tlb_epoch);
    OFFSET(VCPU_AREAS_STALE, struct vcpu, areas_stale);
    OFFSET(VCPU_DOMAIN, struct vcpu, domain);
    OFFSET(VCPU_KERNEL_SP, struct vcpu, kernel_sp);
    OFFSET(VCPU_GUEST_TABLE, struct vcpu, guest_table);
    OFFSET(VCPU_GUEST_TABLE_USER, struct vcpu, guest_table_user);
    OFFSET(VCPU_GS_BASE_KERNEL, struct vcpu, gs_base_kernel);
    OFFSET(VCPU_GS_BASE_USER, struct vcpu, gs_base_user);
    OFFSET(VCPU_SYSCALL_ADDRESS, struct vcpu, syscall_callback.address);
    OFFSET(VCPU_SYSCALL_MASK_EVENTS, struct vcpu, syscall_callback.mask_events);
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
