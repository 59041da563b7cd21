/* SPDX-License-Identifier: MIT */
/* The inline part of machine.h on the host: memory is an array, there is one CPU. */
#ifndef PARAVANE_MACHINE_ARCH_H
#define PARAVANE_MACHINE_ARCH_H

extern uint8_t *sim_ram;
extern struct pcpu sim_pcpu;

static inline void *machine_map(mfn_t mfn)
{
    return sim_ram + (mfn.n << PAGE_SHIFT);
}

static inline mfn_t machine_mfn_of(const void *p)
{
    return MFN((uint64_t)((const uint8_t *)p - sim_ram) >> PAGE_SHIFT);
}

static inline struct pcpu *this_cpu(void)
{
    return &sim_pcpu;
}

#endif
