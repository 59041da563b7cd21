/* SPDX-License-Identifier: MIT */
/* The inline part of machine.h on x86-64: direct map and per-CPU pointer. */
#ifndef PARAVANE_MACHINE_ARCH_H
#define PARAVANE_MACHINE_ARCH_H

#include "layout.h"

static inline void *machine_map(mfn_t mfn)
{
    return (void *)(DIRECTMAP_BASE + (mfn.n << PAGE_SHIFT));
}

static inline mfn_t machine_mfn_of(const void *p)
{
    return MFN(((uint64_t)p - DIRECTMAP_BASE) >> PAGE_SHIFT);
}

static inline struct pcpu *this_cpu(void)
{
    struct pcpu *self;

    asm("movq %%gs:%c1, %0" : "=r"(self) : "i"(offsetof(struct pcpu, self)));
    return self;
}

#endif
