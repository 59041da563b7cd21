/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's address space: who lives in which L4 slot. Included by C, assembly and the
 * linker script. Slots 256 to 271 are in every guest root, supervisor only but for the M2P.
 *
 *   slot 256  machine-to-pseudo-physical table, 2 MiB pages, read-only and user-readable
 *   slot 257  the hypervisor image, at IMAGE_BASE + physical address
 *   slot 258  per-vCPU windows: GDT (16 pages) and LDT (16 pages)
 *   slot 259  per-CPU stacks with guard pages
 *   slot 260  device registers (local APIC, I/O APIC)
 *   slot 262  direct map of all RAM, read-write, never executable
 */
#ifndef PARAVANE_X86_LAYOUT_H
#define PARAVANE_X86_LAYOUT_H

#ifdef __ASSEMBLER__
#define ADDR(x) x
#else
#define ADDR(x) x##ull
#endif

#define M2P_BASE ADDR(0xffff800000000000)
#define IMAGE_BASE ADDR(0xffff808000000000)
#define IMAGE_PHYS 0x100000
#define WINDOW_BASE ADDR(0xffff810000000000)
#define STACK_BASE ADDR(0xffff818000000000)
#define DEVICE_BASE ADDR(0xffff820000000000)
#define DIRECTMAP_BASE ADDR(0xffff830000000000)

#define WINDOW_PAGES 32 /* GDT 0..15, LDT 16..31 */
#define WINDOW_LDT_PAGE 16

/* Per-CPU stack area: guard, 4 pages of stack, then for each IST stack a guard and a page. */
#define STACK_PAGES 4
#define STACK_AREA_PAGES 16
#define IST_NMI 1
#define IST_DF 2
#define IST_MC 3
#define IST_DB 4

/* Selectors; those of ring 3 are Xen's FLAT_RING3_CS32, _DS32, _CS64 (xen/arch-x86/xen-x86_64.h).
 * SYSCALL wants SS = CS + 8, SYSRET wants CS64 = SS + 8 (Intel SDM vol. 2, SYSRET). */
#define HV_GDT_PAGE 14 /* FIRST_RESERVED_GDT_PAGE */
#define HV_CS 0xe008
#define HV_SS 0xe010
#define GUEST_CS32 0xe023
#define GUEST_SS 0xe02b
#define GUEST_CS64 0xe033
#define HV_TSS 0xe040
#define HV_LDT 0xe050
#define HV_GDT_LIMIT 0xe05f

/* Interrupt vectors of our own. */
#define VECTOR_SERIAL 0xe0
#define VECTOR_TIMER 0xf0
#define VECTOR_KICK 0xf1
#define VECTOR_SPURIOUS 0xff

#endif
