/* SPDX-License-Identifier: MIT */
/*
 * One domain with one vCPU whose address space is known to the byte, for the tests of everything a
 * trap can reach. Kernel root: all of the below. User root: the USER_ pages only.
 */
#ifndef PARAVANE_TEST_TRAP_FIXTURE_H
#define PARAVANE_TEST_TRAP_FIXTURE_H

#include <check.h>
#include <string.h>

#include "trap.h"

#define KERNEL_CODE 0xffffffff81000000ull  /* two pages, then a hole */
#define KERNEL_STACK 0xffff888000010000ull /* one page; the page below is a hole */
#define KERNEL_STACK_TOP (KERNEL_STACK + PAGE_SIZE)
#define KERNEL_DATA 0xffff888000020000ull /* two pages */
#define READ_ONLY 0xffff888000030000ull   /* one page, not writable */
#define GDT_PAGE 0xffff888000040000ull    /* read-only: the vCPU's GDT, 16 entries */
#define LDT_PAGES 0xffff888000048000ull   /* two read-only pages, empty, not in use */
#define PAGE_TABLE 0xffff888000050000ull  /* the L1 table that maps the pages above, read-only */
#define USER_CODE 0x400000ull             /* one page */
#define USER_STACK_TOP 0x7ffffffff000ull  /* one page below it */
#define HOLE 0xffff888000f00000ull
#define CODE_END (KERNEL_CODE + 2 * PAGE_SIZE)

/* What that GDT has: flat code and data, and 32-bit code based at 64 KiB. */
#define USER_CS64 0x33
#define USER_CS32 0x23
#define USER_CS32_BASED 0x3b
#define USER_SS 0x2b
#define DESC_CODE64 0x00affb000000ffffull
#define DESC_CODE32 0x00cffb000000ffffull
#define DESC_CODE32_BASED 0x00cffb010000ffffull
#define DESC_DATA 0x00cff3000000ffffull

#define HANDLER(vector) (KERNEL_CODE + 0x100 + (uint64_t)(vector)*16) /* all 256 registered */
#define EVENT_HANDLER (KERNEL_CODE + 0x20)
#define FAILSAFE_HANDLER (KERNEL_CODE + 0x40)
#define SYSCALL_HANDLER (KERNEL_CODE + 0x60)

/* Fresh domain and vCPU: kernel mode, rip KERNEL_CODE + 0x1800, rsp in the middle of the stack,
 * every register a value of its own, upcalls unmasked, all handlers registered with DPL 0. */
struct vcpu *trap_fixture(void);
void trap_fixture_end(void);
/* The same vCPU interrupted in user mode, at USER_CODE. */
void enter_user(struct vcpu *v);

uint64_t guest_word(uint64_t va);
void guest_put(uint64_t va, const void *bytes, size_t count);
void guest_put_word(uint64_t va, uint64_t value);
mfn_t guest_frame(uint64_t va); /* frame behind a mapped page */

/* What the machine saw */
unsigned toggles(void); /* root and GS switches since trap_fixture() */
bool machine_ts(void);  /* CR0.TS in hardware */
void machine_give_dr6(uint64_t dr6);
void machine_give_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t a, uint32_t b, uint32_t c,
                        uint32_t d);
void machine_give_xcr0(uint64_t xcr0);
uint64_t ldt_window_address(struct vcpu *v, uint64_t offset);

#endif
