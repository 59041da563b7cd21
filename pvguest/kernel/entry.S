/* SPDX-License-Identifier: MIT */
/*
 * Ways into the kernel and back, and the switch between threads. The hypervisor enters with rcx and
 * r11 on top of the usual frame (xen/arch-x86/xen-x86_64.h), and only HYPERVISOR_iret leads to
 * user mode.
 */
    .text

/* On the stack: vector, error code, rip, cs, rflags, rsp, ss. */
save_registers:
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld
    movq %rsp, %rbx
    movq %rsp, %rdi
    andq $-16, %rsp
    call trap_enter
    movq %rbx, %rsp
load_registers:
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rax
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    /* vector and error make room for what iret wants below rip: flags, rcx, r11, rax. */
    movq $0, 8(%rsp)
    movq %rcx, (%rsp)
    pushq %r11
    pushq %rax
    movl $23, %eax /* __HYPERVISOR_iret */
    syscall
    ud2

/* void user_enter(struct regs *regs) */
    .globl user_enter
user_enter:
    movq %rdi, %rsp
    jmp load_registers

    .macro ENTRY vector, has_error=0
trap_entry_\vector:
    popq %rcx
    popq %r11
    .if \has_error == 0
    pushq $0
    .endif
    pushq $\vector
    jmp save_registers
    .endm

    ENTRY 0
    ENTRY 1
    ENTRY 3
    ENTRY 4
    ENTRY 5
    ENTRY 6
    ENTRY 7
    ENTRY 10, 1
    ENTRY 11, 1
    ENTRY 12, 1
    ENTRY 13, 1
    ENTRY 14, 1
    ENTRY 16
    ENTRY 17, 1
    ENTRY 19

    .globl event_entry
event_entry:
    popq %rcx
    popq %r11
    pushq $0
    pushq $256 /* VECTOR_EVENT */
    jmp save_registers

    .globl syscall_entry
syscall_entry:
    popq %rcx
    popq %r11
    pushq $0
    pushq $257 /* VECTOR_SYSCALL */
    jmp save_registers

/* A selector that the return loads was refused: rcx r11 ds es fs gs precede the frame. User
 * programs here cannot set selectors that matter, so null ones do. */
    .globl failsafe_entry
failsafe_entry:
    movq (%rsp), %rcx
    movq 8(%rsp), %r11
    addq $48, %rsp
    pushq $0
    pushq $13
    jmp save_registers

/* void thread_switch_stack(uint64_t *save_sp, uint64_t load_sp) */
    .globl thread_switch_stack
thread_switch_stack:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

/* First frame of a new thread: rbx = function, rbp = argument. */
    .globl thread_first
thread_first:
    movq %rbp, %rdi
    xorl %ebp, %ebp
    call *%rbx
    call thread_exit
    ud2

    .section .rodata
    .balign 8
    .globl trap_entries
trap_entries:
    .quad trap_entry_0, trap_entry_1, 0, trap_entry_3, trap_entry_4, trap_entry_5, trap_entry_6
    .quad trap_entry_7, 0, 0, trap_entry_10, trap_entry_11, trap_entry_12, trap_entry_13
    .quad trap_entry_14, 0, trap_entry_16, trap_entry_17, 0, trap_entry_19
    .section .note.GNU-stack, "", @progbits
