/* SPDX-License-Identifier: MIT */
/*
 * The two halves of a guest's own system call, and of every other return into a guest: the bounce
 * from user mode to the guest kernel, and the iret hypercall. Both do what trap_syscall() and
 * trap_iret() do, in the common case only: anything else goes to syscall_slow, with nothing done
 * that C would not do again the same way. General registers that neither side may lose stay in the
 * CPU throughout.
 *
 * Each word of guest memory is read once. An access that faults goes on at the label beside it.
 * Budget, in instructions: bounce 62, iret to the kernel 58, iret to user mode 74.
 */
#include "asm_offsets.h"
#include "entry.h"
#include "layout.h"

    .section .entry, "ax"

/* Load the root in this field of the vCPU in rbx; uses rax. machine_load_root() in paging.c. */
.macro LOAD_ROOT field
    movq \field(%rbx), %rax
    movq %rax, %gs:PCPU_ROOT
    incl %gs:PCPU_TLB_EPOCH
    shlq $12, %rax
    movq %rax, %cr3
.endm

/* Keep the base of the GS in use in one field, take the other from the second; uses rax. */
.macro SWITCH_GS_BASE leave, enter
    swapgs
    rdgsbase %rax
    movq %rax, \leave(%rbx)
    movq \enter(%rbx), %rax
    wrgsbase %rax
    swapgs
.endm

/*
 * `syscall` in user mode. In: rsp = the vCPU, rcx = rip, r11 = rflags, pcpu.scratch = guest's rsp.
 * A user mode that has events masked or pending, 32-bit kernel stacks and the like are slow.
 */
    .globl syscall_from_user
    .balign 64
syscall_from_user:
    movq %rax, VCPU_REGS + REGS_RAX(%rsp)
    movq %rbx, VCPU_REGS + REGS_RBX(%rsp)
    movq %rdx, VCPU_REGS + REGS_RDX(%rsp)
    movq %rsp, %rbx
    movq %gs:PCPU_STACK_TOP, %rsp
    cmpb $0, cpu_fsgsbase(%rip)
    je user_slow
    cmpl $0, %gs:PCPU_WORK
    jne user_slow
    movq VCPU_INFO(%rbx), %rax
    cmpw $0, (%rax) /* evtchn_upcall_pending and _mask */
    jne user_slow
    cmpq $0, VCPU_SYSCALL_ADDRESS(%rbx)
    je user_slow
    cmpb $0, VCPU_SYSCALL_MASK_EVENTS(%rbx)
    jne user_slow
    cmpb $0, VCPU_AREAS_STALE(%rbx)
    jne user_slow
    movq VCPU_DOMAIN(%rbx), %rax
    testb $ASSIST_IOPL, DOMAIN_VM_ASSIST(%rax)
    jnz user_slow
    movq VCPU_KERNEL_SP(%rbx), %rdx
    andq $-16, %rdx
    subq $56, %rdx
    movabsq $GUEST_KERNEL_START, %rax
    cmpq %rax, %rdx
    jb user_slow
    LOAD_ROOT VCPU_GUEST_TABLE
    SMAP_OPEN
1:  movq %rcx, (%rdx)
2:  movq %r11, 8(%rdx)
3:  movq %rcx, 16(%rdx)
    movl $GUEST_CS64, %eax
4:  movq %rax, 24(%rdx)
5:  movq %r11, 32(%rdx) /* ring 3 runs with IF 1 and IOPL 0: just what the frame has to show */
    movq %gs:PCPU_SCRATCH, %rax
6:  movq %rax, 40(%rdx)
    movl $GUEST_SS, %eax
7:  movq %rax, 48(%rdx)
    SMAP_CLOSE
    SWITCH_GS_BASE VCPU_GS_BASE_USER, VCPU_GS_BASE_KERNEL
    movb $1, VCPU_KERNEL_MODE(%rbx)
    movq VCPU_SYSCALL_ADDRESS(%rbx), %rcx /* canonical: do_callbackop_register() */
    andl $~RFLAGS_SYSCALL_CLEAR, %r11d
    movq %rdx, %rsp
    movq VCPU_REGS + REGS_RAX(%rbx), %rax
    movq VCPU_REGS + REGS_RDX(%rbx), %rdx
    movq VCPU_REGS + REGS_RBX(%rbx), %rbx
    swapgs
    sysretq
    .irp store, 1b, 2b, 3b, 4b, 5b, 6b, 7b
    EX_TABLE \store, user_fault
    .endr

/* The kernel stack is not there: as we were, and C says so. */
user_fault:
    SMAP_CLOSE
    LOAD_ROOT VCPU_GUEST_TABLE_USER
user_slow:
    movq %rbx, %rsp
    movq VCPU_REGS + REGS_RAX(%rsp), %rax
    movq VCPU_REGS + REGS_RDX(%rsp), %rdx
    movq VCPU_REGS + REGS_RBX(%rsp), %rbx
    jmp syscall_slow

/*
 * The iret hypercall. In: rsp = the vCPU in kernel mode, pcpu.scratch = the guest's struct
 * iret_context. The frame for iretq and the three registers are gathered on our stack first; the
 * mode changes when nothing can fault any more.
 */
    .globl syscall_iret
    .balign 64
syscall_iret:
    movq %rbx, VCPU_REGS + REGS_RBX(%rsp)
    movq %rdx, VCPU_REGS + REGS_RDX(%rsp)
    movq %rdi, VCPU_REGS + REGS_RDI(%rsp)
    movq %rsp, %rbx
    movq %gs:PCPU_SCRATCH, %rdx
    movq %gs:PCPU_STACK_TOP, %rsp
    movabsq $GUEST_KERNEL_START, %rax
    cmpq %rax, %rdx
    jb iret_slow
    cmpl $0, %gs:PCPU_WORK
    jne iret_slow
    movq VCPU_DOMAIN(%rbx), %rax
    testb $ASSIST_IOPL, DOMAIN_VM_ASSIST(%rax)
    jnz iret_slow
    movq VCPU_INFO(%rbx), %rdi
    SMAP_OPEN
1:  testl $VGCF_IN_SYSCALL, IRET_FLAGS(%rdx)
    jnz iret_slow_open
2:  movzwl IRET_SS(%rdx), %eax
    orl $3, %eax
    pushq %rax
3:  pushq IRET_RSP(%rdx)
4:  movl IRET_RFLAGS(%rdx), %eax
    btl $9, %eax
    setnc 1(%rdi) /* evtchn_upcall_mask = !IF */
    cmpb $0, (%rdi)
    jne iret_slow_open /* an event may be due now */
    andl $RFLAGS_GUEST, %eax
    orl $RFLAGS_FORCED, %eax
    pushq %rax
5:  movzwl IRET_CS(%rdx), %edi
    movl %edi, %eax
    orl 16(%rsp), %eax
    testb $4, %al /* cs or ss in the LDT: its page may have to be mapped */
    jnz iret_slow_open
    movl %edi, %eax
    orl $3, %eax
    pushq %rax
6:  pushq IRET_RIP(%rdx)
7:  pushq IRET_RCX(%rdx)
8:  pushq IRET_R11(%rdx)
9:  pushq IRET_RAX(%rdx)
    SMAP_CLOSE
    notl %edi
    testb $3, %dil
    jnz 10f
    cmpb $0, cpu_fsgsbase(%rip)
    je iret_slow
    cmpq $0, VCPU_GUEST_TABLE_USER(%rbx)
    je iret_slow
    movb $0, VCPU_KERNEL_MODE(%rbx)
    SWITCH_GS_BASE VCPU_GS_BASE_KERNEL, VCPU_GS_BASE_USER
    LOAD_ROOT VCPU_GUEST_TABLE_USER
10: popq %rax
    popq %r11
    popq %rcx
    movq VCPU_REGS + REGS_RDI(%rbx), %rdi
    movq VCPU_REGS + REGS_RDX(%rbx), %rdx
    movq VCPU_REGS + REGS_RBX(%rbx), %rbx
    jmp exit_swapgs_iret
    .irp load, 1b, 2b, 3b, 4b, 5b, 6b, 7b, 8b, 9b
    EX_TABLE \load, iret_slow_open
    .endr

iret_slow_open:
    SMAP_CLOSE
iret_slow:
    movq %rbx, %rsp
    movl $HYPERCALL_IRET, %eax
    movq VCPU_REGS + REGS_RDI(%rsp), %rdi
    movq VCPU_REGS + REGS_RDX(%rsp), %rdx
    movq VCPU_REGS + REGS_RBX(%rsp), %rbx
    jmp syscall_slow
