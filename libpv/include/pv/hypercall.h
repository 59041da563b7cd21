/* SPDX-License-Identifier: MIT */
/*
 * A hypercall from 64-bit PV: `syscall` with the number in rax, arguments in rdi, rsi, rdx, r10,
 * r8; the result comes back in rax, a negative errno of <xen/errno.h> if it failed. syscall
 * destroys rcx and r11; argument registers may be destroyed too (debug builds of the hypervisor do
 * so). One function for each call and sub-operation stands in <pv/hypercall_stubs.h>.
 */
#ifndef PV_HYPERCALL_H
#define PV_HYPERCALL_H

#include <pv/xen.h>

static inline long pv_hypercall5(unsigned long nr, unsigned long a1, unsigned long a2,
                                 unsigned long a3, unsigned long a4, unsigned long a5)
{
    register unsigned long r10 __asm__("r10") = a4;
    register unsigned long r8 __asm__("r8") = a5;

    __asm__ volatile("syscall"
                     : "+a"(nr), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                     :
                     : "rcx", "r11", "r9", "memory");
    return (long)nr;
}

static inline long pv_hypercall4(unsigned long nr, unsigned long a1, unsigned long a2,
                                 unsigned long a3, unsigned long a4)
{
    register unsigned long r10 __asm__("r10") = a4;

    __asm__ volatile("syscall"
                     : "+a"(nr), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10)
                     :
                     : "rcx", "r11", "memory");
    return (long)nr;
}

static inline long pv_hypercall3(unsigned long nr, unsigned long a1, unsigned long a2,
                                 unsigned long a3)
{
    __asm__ volatile("syscall" : "+a"(nr), "+D"(a1), "+S"(a2), "+d"(a3) : : "rcx", "r11", "memory");
    return (long)nr;
}

static inline long pv_hypercall2(unsigned long nr, unsigned long a1, unsigned long a2)
{
    __asm__ volatile("syscall" : "+a"(nr), "+D"(a1), "+S"(a2) : : "rcx", "r11", "memory");
    return (long)nr;
}

static inline long pv_hypercall1(unsigned long nr, unsigned long a1)
{
    __asm__ volatile("syscall" : "+a"(nr), "+D"(a1) : : "rcx", "r11", "memory");
    return (long)nr;
}

static inline long pv_hypercall0(unsigned long nr)
{
    __asm__ volatile("syscall" : "+a"(nr) : : "rcx", "r11", "memory");
    return (long)nr;
}

#endif
