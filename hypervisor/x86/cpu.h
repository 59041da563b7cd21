/* SPDX-License-Identifier: MIT */
/* Instructions that C has no words for, by their Intel SDM names. */
#ifndef PARAVANE_X86_CPU_H
#define PARAVANE_X86_CPU_H

#include "machine.h"

#define MSR_APIC_BASE 0x1b
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_FMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_PAT 0x277

#define EFER_SCE (1u << 0)
#define EFER_NXE (1u << 11)

#define CR0_TS (1ul << 3)
#define CR0_NE (1ul << 5)
#define CR0_WP (1ul << 16)
#define CR0_AM (1ul << 18)
#define CR4_PGE (1ul << 7)
#define CR4_OSFXSR (1ul << 9)
#define CR4_OSXMMEXCPT (1ul << 10)
#define CR4_FSGSBASE (1ul << 16)
#define CR4_OSXSAVE (1ul << 18)
#define CR4_SMEP (1ul << 20)
#define CR4_SMAP (1ul << 21)

static inline void outb(uint16_t port, uint8_t value)
{
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t value;

    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void outl(uint16_t port, uint32_t value)
{
    asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;

    asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    asm volatile("wrmsr"
                 :
                 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                 : "memory");
}

static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;

    asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

static inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    asm volatile("cpuid"
                 : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                 : "a"(leaf), "c"(subleaf));
}

static inline uint64_t read_cr0(void)
{
    uint64_t value;

    asm volatile("movq %%cr0, %0" : "=r"(value));
    return value;
}

static inline void write_cr0(uint64_t value)
{
    asm volatile("movq %0, %%cr0" : : "r"(value) : "memory");
}

static inline uint64_t read_cr2(void)
{
    uint64_t value;

    asm volatile("movq %%cr2, %0" : "=r"(value));
    return value;
}

static inline uint64_t read_cr3(void)
{
    uint64_t value;

    asm volatile("movq %%cr3, %0" : "=r"(value));
    return value;
}

static inline void write_cr3(uint64_t value)
{
    asm volatile("movq %0, %%cr3" : : "r"(value) : "memory");
}

static inline uint64_t read_cr4(void)
{
    uint64_t value;

    asm volatile("movq %%cr4, %0" : "=r"(value));
    return value;
}

static inline void write_cr4(uint64_t value)
{
    asm volatile("movq %0, %%cr4" : : "r"(value) : "memory");
}

static inline void xsetbv(uint32_t reg, uint64_t value)
{
    asm volatile("xsetbv" : : "c"(reg), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline void invlpg(uint64_t va)
{
    asm volatile("invlpg (%0)" : : "r"(va) : "memory");
}

/* Features found at start, true only when the hypervisor uses them. */
struct cpu_features {
    bool xsave;
    bool fsgsbase;
    bool smap;
    bool smep;
    bool tcg;      /* running under QEMU's TCG, whose ring-3 iretq breaks with SMAP on (QEMU 7.2) */
    uint64_t xcr0; /* components the hypervisor saves and restores */
    uint32_t xsave_size; /* bytes of a save area holding them */
    uint32_t phys_bits;
};
extern struct cpu_features cpu_features;

void cpu_init(void); /* control registers, EFER, syscall MSRs, features of this CPU */

/* desc.c */
void desc_init(struct pcpu *pcpu);
void desc_load_hypervisor_gdt(void); /* when no vCPU is loaded */
void desc_load_gdt(uint64_t base);   /* linear address of a vCPU window's GDT */
void desc_set_stack(uint64_t rsp0);
void desc_set_ldt(uint64_t base, uint32_t entries);
mfn_t desc_gdt_frame(void); /* this CPU's frame with the hypervisor's descriptors */

/* paging.c */
struct boot_info;
void paging_init(struct boot_info *info);
void paging_map_page(uint64_t va, mfn_t mfn, uint64_t flags); /* 4 KiB, tables made on demand */
volatile void *paging_map_device(uint64_t phys);
bool paging_window_init(uint64_t va); /* tables for one vCPU window; false: no memory */
void paging_window_set(uint64_t va, uint64_t pte);

/* apic.c, clock.c, uart.c, traps.c */
void apic_init(void);
void apic_eoi(void);
void apic_timer_arm(uint32_t count);
uint32_t apic_timer_count(void);
void clock_init(void);
void uart_init(void);
void uart_enable_interrupts(void);
void traps_init(void);

/* machine.c */
extern uint16_t machine_debug_exit_port; /* 0 = none */

#endif
