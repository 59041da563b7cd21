/* SPDX-License-Identifier: MIT */
/*
 * Entries from the hypervisor. The kernel runs with events masked always, except while it idles; so
 * nothing of it is ever interrupted half way, and only user mode is preempted.
 */
#ifndef PVGUEST_TRAP_H
#define PVGUEST_TRAP_H

#include <stdbool.h>
#include <stdint.h>

/* Registers at an entry, as entry.S pushes them above what the hypervisor put on the stack. */
struct regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector, error; /* vector VECTOR_SYSCALL: a system call, rax its number */
    uint64_t rip, cs, rflags, rsp, ss;
};

#define VECTOR_EVENT 256
#define VECTOR_SYSCALL 257

#define USER_CS                                                                                    \
    0xe033ul /* the hypervisor's flat selectors, FLAT_USER_* of xen/arch-x86/xen-x86_64.h */
#define USER_SS 0xe02bul

static inline bool regs_from_user(const struct regs *regs)
{
    return (regs->cs & 3) == 3;
}

/* Registers the trap table and the callbacks. */
void trap_init(void);

/* Of the system-call layer: a call; a fault of user mode, which becomes a signal; and the last word
 * before every return to user mode, where signals are delivered. */
void syscall_enter(struct regs *regs);
void user_fault(struct regs *regs, unsigned int vector, uint64_t address);
void user_return(struct regs *regs);

/* entry.S: leave for user mode with these registers, on the current thread's kernel stack. */
void user_enter(struct regs *regs) __attribute__((noreturn));

/* Self-test: the next fault with this vector in the kernel resumes at `resume`. */
void trap_expect(unsigned int vector, void *resume);
bool trap_happened(void);

#endif
