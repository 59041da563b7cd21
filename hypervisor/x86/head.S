/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader's 32-bit protected mode to C in long mode.
 *
 * The image is flat (objcopy -O binary) with the multiboot "a.out kludge" addresses: QEMU's loader
 * refuses a 64-bit ELF, and a flat file serves QEMU (multiboot 1) and GRUB (multiboot 1 and 2)
 * alike without a second ELF to keep in step. It is loaded at IMAGE_PHYS and runs at
 * IMAGE_BASE + IMAGE_PHYS.
 * Specifications: Multiboot 0.6.96, 3.1; Multiboot2 2.0, 3.1.
 */
#include "layout.h"

#define PHYS(sym) ((sym) - IMAGE_BASE)

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00010003 /* page-aligned modules, memory map, addresses below are valid */
#define MB2_MAGIC 0xe85250d6

    .section .head, "ax"
    .align 4
multiboot1_header:
    .long MB1_MAGIC
    .long MB1_FLAGS
    .long -(MB1_MAGIC + MB1_FLAGS)
    .long PHYS(multiboot1_header)
    .long PHYS(image_start)
    .long PHYS(image_load_end)
    .long PHYS(image_end)
    .long PHYS(start32)

    .align 8
multiboot2_header:
    .long MB2_MAGIC
    .long 0
    .long multiboot2_header_end - multiboot2_header
    .long -(MB2_MAGIC + (multiboot2_header_end - multiboot2_header))
    .short 2, 0 /* addresses */
    .long 24
    .long PHYS(multiboot2_header)
    .long PHYS(image_start)
    .long PHYS(image_load_end)
    .long PHYS(image_end)
    .short 3, 0 /* entry point */
    .long 12
    .long PHYS(start32)
    .long 0
    .short 6, 0 /* modules on page boundaries */
    .long 8
    .short 0, 0 /* end */
    .long 8
multiboot2_header_end:

    .code32
/* In: eax = multiboot magic, ebx = physical address of the information. */
    .globl start32
start32:
    cli
    cld
    movl %eax, %esi
    movl %ebx, %ebp

    movl $PHYS(bss_start), %edi
    movl $PHYS(image_end), %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    xorl %eax, %eax
    rep stosl

    movl $0x80000001, %eax
    cpuid
    testl $(1 << 29), %edx
    jz no_long_mode

    /* One L3 with four L2 tables of 2 MiB pages maps the first 4 GiB; it serves as identity map
     * (slot 0), as the image's slot and as the start of the direct map. */
    movl $PHYS(boot_l3) + 3, %eax
    movl %eax, PHYS(boot_l4)
    movl %eax, PHYS(boot_l4) + 8 * ((IMAGE_BASE >> 39) & 511)
    movl %eax, PHYS(boot_l4) + 8 * ((DIRECTMAP_BASE >> 39) & 511)
    movl $PHYS(boot_l2) + 3, %eax
    movl $PHYS(boot_l3), %edi
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $4096, %eax
    addl $8, %edi
    decl %ecx
    jnz 1b
    movl $0x83, %eax /* present, writable, 2 MiB */
    movl $PHYS(boot_l2), %edi
    movl $2048, %ecx
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    decl %ecx
    jnz 1b

    movl %cr4, %eax
    orl $(1 << 5), %eax /* PAE */
    movl %eax, %cr4
    movl $PHYS(boot_l4), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx /* EFER */
    rdmsr
    orl $0x901, %eax /* SCE, LME, NXE */
    wrmsr
    movl %cr0, %eax
    orl $0x80010001, %eax /* PG, WP, PE */
    movl %eax, %cr0
    lgdt PHYS(boot_gdt_register)
    ljmp $8, $PHYS(start64)

no_long_mode:
    movl $PHYS(no_long_mode_text), %esi
    movw $0x3f8, %dx
1:  lodsb
    testb %al, %al
    jz 2f
    outb %al, %dx
    jmp 1b
2:  hlt
    jmp 2b
no_long_mode_text:
    .asciz "paravane: this CPU has no 64-bit mode\r\n"

    .align 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* 64-bit code */
    .quad 0x00cf93000000ffff /* data */
boot_gdt_end:
boot_gdt_register:
    .short boot_gdt_end - boot_gdt - 1
    .long PHYS(boot_gdt)

    .code64
start64:
    movl $16, %eax
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movabsq $start_high, %rax
    jmp *%rax

    .text
start_high:
    leaq boot_stack_end(%rip), %rsp
    movl %esi, %edi /* magic */
    movl %ebp, %esi /* information */
    xorl %ebp, %ebp
    call start_c
    ud2

    .bss
    .align 4096
boot_l4:
    .skip 4096
boot_l3:
    .skip 4096
boot_l2:
    .skip 4 * 4096
boot_stack:
    .skip 16384
boot_stack_end:
