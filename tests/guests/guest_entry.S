/* SPDX-License-Identifier: MIT */
/*
 * Ways into a test guest: trap table, event, system-call and failsafe callbacks. All save the
 * registers as struct regs (guest.h), call guest_trap() on the stack they came on, and leave by the
 * iret hypercall. In: rcx and r11 on top of the usual frame (xen/arch-x86/xen.h).
 */
    .text
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
    call guest_trap
    movq %rbx, %rsp
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

    .macro ENTRY vector, has_error=0
    .section .rodata
    .quad 9001f
    .text
9001:
    popq %rcx
    popq %r11
    .if \has_error == 0
    pushq $0
    .endif
    pushq $\vector
    jmp save_registers
    .endm

    .section .rodata
    .balign 8
    .globl guest_trap_entries
guest_trap_entries: /* vectors 0 to 31, then 0x40 and 0x80 */
    .irp vector, 0, 1, 2, 3, 4, 5, 6, 7
    ENTRY \vector
    .endr
    ENTRY 8, 1
    ENTRY 9
    .irp vector, 10, 11, 12, 13, 14
    ENTRY \vector, 1
    .endr
    ENTRY 15
    ENTRY 16
    ENTRY 17, 1
    .irp vector, 18, 19, 20
    ENTRY \vector
    .endr
    ENTRY 21, 1
    .irp vector, 22, 23, 24, 25, 26, 27, 28
    ENTRY \vector
    .endr
    ENTRY 29, 1
    ENTRY 30, 1
    ENTRY 31
    ENTRY 0x40
    ENTRY 0x80

    .text
    .globl guest_event_entry
guest_event_entry:
    popq %rcx
    popq %r11
    pushq $0
    pushq $256
    jmp save_registers

    .globl guest_syscall_entry
guest_syscall_entry:
    popq %rcx
    popq %r11
    pushq $0
    pushq $257
    jmp save_registers

    .globl guest_failsafe_entry
guest_failsafe_entry: /* rcx r11 ds es fs gs */
    popq %rcx
    popq %r11
    addq $32, %rsp
    pushq $0
    pushq $258
    jmp save_registers
    .section .note.GNU-stack, "", @progbits
