/* SPDX-License-Identifier: MIT */
/*
 * ELF notes and first instructions of a PV kernel, and the failsafe callback that no kernel wants
 * to write. In: rsi = start_info, rsp = a small boot stack (xen/xen.h, start of day).
 */
#include <xen/elfnote.h>

    .macro NOTE type, directive, value:vararg
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 4, 9002f - 9001f, \type
    .asciz "Xen"
9001:
    \directive \value
9002:
    .balign 4
    .popsection
    .endm

    NOTE XEN_ELFNOTE_XEN_VERSION, .asciz, "xen-3.0"
    NOTE XEN_ELFNOTE_GUEST_OS, .asciz, "libpv"
    NOTE XEN_ELFNOTE_GUEST_VERSION, .asciz, "0.1"
    NOTE XEN_ELFNOTE_LOADER, .asciz, "generic"
    NOTE XEN_ELFNOTE_VIRT_BASE, .quad, 0xffffffff80000000
    NOTE XEN_ELFNOTE_PADDR_OFFSET, .quad, 0
    NOTE XEN_ELFNOTE_ENTRY, .quad, pv_start
    NOTE XEN_ELFNOTE_HV_START_LOW, .quad, 0xffff800000000000
    NOTE XEN_ELFNOTE_PAE_MODE, .asciz, "yes"
    NOTE XEN_ELFNOTE_FEATURES, .asciz, "!writable_page_tables|pae_pgdir_above_4gb"
    NOTE XEN_ELFNOTE_SUPPORTED_FEATURES, .long, 0x8801 /* bits 0, 11 (dom0), 15 */
    NOTE XEN_ELFNOTE_MOD_START_PFN, .quad, 1
    NOTE XEN_ELFNOTE_SUSPEND_CANCEL, .long, 1

    .text
    .globl pv_start
pv_start:
    cld
    leaq pv_boot_stack_end(%rip), %rsp
    xorl %ebp, %ebp
    movq %rsi, %rdi
    call pv_start_c
    ud2

/* The hypervisor could not load a selector the kernel left: take null ones and go on. Frame: rcx
 * r11 ds es fs gs, then an iret frame (xen/arch-x86/xen.h, failsafe). */
    .globl pv_failsafe
pv_failsafe:
    movq (%rsp), %rcx
    movq 8(%rsp), %r11
    addq $48, %rsp
    pushq $0 /* flags */
    pushq %rcx
    pushq %r11
    pushq %rax
    movl $23, %eax /* iret */
    syscall
    ud2

    .bss
    .balign 16
pv_boot_stack:
    .skip 16384
pv_boot_stack_end:
