/* SPDX-License-Identifier: MIT */
/*
 * What the test guests share: one question to the hypervisor each, many checks, one verdict line
 * on the console. guest.c owns start, traps, output and the verdict; guest_table.c page tables.
 * Everything stands in static pages of the image; there is no allocator.
 */
#ifndef TESTS_GUEST_H
#define TESTS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pv/event.h>
#include <pv/hypercall.h>
#include <pv/hypercall_stubs.h>
#include <pv/start.h>
#include <pv/time.h>
#include <pv/xen.h>

#define PAGE 4096ul
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_ALIGNED __attribute__((aligned(4096)))

/* The guest's own part. Returning means SUCCESS if no check failed. */
void guest_test(void);

/* Output: %s %d %u %x (with l or not), %%. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A check: `got` is what the call gave. Failures are told at once, and counted for the verdict. */
void guest_check(long got, long want, const char *what, unsigned line);
#define IS(call, want) guest_check((long)(call), (long)(want), #call, __LINE__)
#define OK(condition) guest_check(!!(condition), 1, #condition, __LINE__)
/* Print the verdict and power off. */
void guest_verdict(const char *verdict, const char *why) __attribute__((noreturn));
/* Print the verdict that the checks so far give, and power off. */
void guest_finish(void) __attribute__((noreturn));

/* Vectors beyond the CPU's 32 in the trap table, and the other entries. */
#define TRAP_INT40 0x40
#define TRAP_INT80 0x80
#define TRAP_EVENT 256
#define TRAP_SYSCALL 257
#define TRAP_FAILSAFE 258
#define NO_FAULT (-1)

struct regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* The trap that ended the last FAULT(), its address if it was a page fault. */
struct fault {
    long vector;
    uint64_t error, rip, cr2, rflags;
};
extern volatile struct fault guest_fault;
extern uint64_t guest_resume, guest_resume_rsp;

/* Run instructions that may trap; the vector, or NO_FAULT. Operands as in extended asm. */
#define FAULT(instructions, ...)                                                                   \
    ({                                                                                             \
        guest_fault.vector = NO_FAULT;                                                             \
        __asm__ volatile(                                                                          \
            "movq %%rsp, guest_resume_rsp\n\tmovq $77f, guest_resume\n\t" instructions             \
            "\n77:\tmovq $0, guest_resume" __VA_ARGS__);                                           \
        guest_fault.vector;                                                                        \
    })

/* Read or write a byte; the vector, or NO_FAULT. */
long fault_read(uint64_t va);
long fault_write(uint64_t va);

/* Put the trap table and the callbacks back as the harness has them. */
void guest_traps(void);
extern unsigned guest_upcalls; /* event callbacks so far */
extern char guest_event_entry[], guest_syscall_entry[], guest_failsafe_entry[];

/* Own domain id, as Xen's guests find it: from the status of a port bound to DOMID_SELF. */
domid_t guest_domid(void);

/* guest_table.c */
#define P_PRESENT 0x1ul
#define P_RW 0x2ul
#define P_USER 0x4ul
#define P_PWT 0x8ul
#define P_PCD 0x10ul
#define P_ACCESSED 0x20ul
#define P_DIRTY 0x40ul
#define P_PSE 0x80ul /* PAT in an L1 entry */
#define P_RO_PAGE (P_PRESENT | P_USER | P_ACCESSED)
#define P_RW_PAGE (P_RO_PAGE | P_RW | P_DIRTY)
#define P_TABLE P_RW_PAGE
#define PTE_MFN(pte) (((pte)&0xffffffffff000ul) >> 12)
#define SELF DOMID_SELF

uint64_t mfn_of(const void *page);
/* Table of `level` on the way to va, as frame; and machine address of va's entry there. */
uint64_t table_of(uint64_t va, unsigned level);
uint64_t entry_of(uint64_t va, unsigned level);
uint64_t entry_value(uint64_t va, unsigned level);
/* Access rights of a page of the image: 0 or the errno. */
long make_readonly(void *page);
long make_writable(void *page);
/* One mmu_update request / one mmuext_op; `done` of it lands in guest_done. */
extern uint32_t guest_done;
long update(uint64_t ptr, uint64_t val);
long extop(unsigned cmd, uint64_t arg1, uint64_t arg2);

#endif
