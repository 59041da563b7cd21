/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* Macros shared by the two assembly files that guests enter through. */
#ifndef PARAVANE_X86_ENTRY_H
#define PARAVANE_X86_ENTRY_H

#ifdef __ASSEMBLER__

/* What the guest's kernel never gets in RFLAGS from syscall: TF DF IOPL NT RF VM AC. */
#define RFLAGS_SYSCALL_CLEAR 0x77500
/* What a guest may choose, and IF with the fixed bit: RFLAGS_GUEST in core/iret.c. */
#define RFLAGS_GUEST 0x254dd5
#define RFLAGS_FORCED 0x202
/* Above the hypervisor's range: where kernel stacks are expected. HYPERVISOR_RANGE_END. */
#define GUEST_KERNEL_START 0xffff880000000000

/* Fault at `from`: resumes at `to`, see host_trap(). */
.macro EX_TABLE from, to
    .pushsection .ex_table, "a"
    .quad \from, \to
    .popsection
.endm

/* Around accesses to guest memory. */
.macro SMAP_OPEN
    cmpb $0, cpu_smap(%rip)
    je .Lsmap\@
    stac
.Lsmap\@:
.endm

.macro SMAP_CLOSE
    cmpb $0, cpu_smap(%rip)
    je .Lsmap\@
    clac
.Lsmap\@:
.endm

#endif
#endif
