/* SPDX-License-Identifier: MIT */
/* What is left of machine.h: CPU features, guest copies, idling and the ways to end. */
#include "machine.h"

#include "console.h"
#include "cpu.h"
#include "log.h"
#include "traps.h"

struct cpu_features cpu_features;
bool cpu_smap, cpu_fsgsbase; /* entry.S and entry_fast.S look at them */
uint16_t machine_debug_exit_port;

void machine_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    cpuid(leaf, subleaf, out);
}

bool machine_rdmsr(uint32_t msr, uint64_t *value)
{
    return rdmsr_safe(msr, value);
}

uint64_t machine_xcr0_supported(void)
{
    return cpu_features.xcr0;
}

/* The components we save: what the CPU has up to AVX-512, but not PKRU, whose user is CR4.PKE. */
static void xsave_init(const uint32_t leaf1[4])
{
    uint32_t out[4];

    if (!(leaf1[2] & (1u << 26))) {
        return;
    }
    write_cr4(read_cr4() | CR4_OSXSAVE);
    cpuid(0xd, 0, out);
    cpu_features.xcr0 = out[0] & 0xe7;
    xsetbv(0, cpu_features.xcr0);
    cpuid(0xd, 0, out);
    cpu_features.xsave = true;
    cpu_features.xsave_size = out[1];
    if (out[1] > 3 * PAGE_SIZE) {
        panic("this CPU's XSAVE area of %u bytes is larger than provided for", out[1]);
    }
}

static bool under_tcg(void)
{
    uint32_t out[4];

    cpuid(0x40000000, 0, out);
    return out[1] == 0x54474354; /* "TCGT" */
}

void cpu_init(void)
{
    uint32_t leaf1[4], leaf7[4] = {0}, out[4];
    uint64_t cr4 = read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_PGE;

    cpuid(0, 0, out);
    if (out[0] >= 7) {
        cpuid(7, 0, leaf7);
    }
    cpuid(1, 0, leaf1);
    cpuid(0x80000000, 0, out);
    cpu_features.phys_bits = 36;
    if (out[0] >= 0x80000008) {
        cpuid(0x80000008, 0, out);
        cpu_features.phys_bits = out[0] & 0xff;
    }
    cpu_features.tcg = (leaf1[2] & (1u << 31)) && under_tcg();
    cpu_features.fsgsbase = leaf7[1] & 1;
    cpu_features.smep = leaf7[1] & (1u << 7);
    cpu_features.smap = (leaf7[1] & (1u << 20)) && !cpu_features.tcg;
    cpu_smap = cpu_features.smap;
    cpu_fsgsbase = cpu_features.fsgsbase;
    cr4 |= cpu_features.fsgsbase ? CR4_FSGSBASE : 0;
    cr4 |= cpu_features.smep ? CR4_SMEP : 0;
    cr4 |= cpu_features.smap ? CR4_SMAP : 0;
    write_cr4(cr4);
    write_cr0((read_cr0() | CR0_WP | CR0_NE | CR0_AM) & ~CR0_TS & ~4ul);
    xsave_init(leaf1);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
    /* Xen's layout, which PV guests read back: WB WT UC- UC WC WP UC UC. */
    wrmsr(MSR_PAT, 0x050100070406ull);
    wrmsr(MSR_STAR, (uint64_t)GUEST_CS32 << 48 | (uint64_t)HV_CS << 32);
    wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
    wrmsr(MSR_CSTAR, (uint64_t)syscall32_entry);
    wrmsr(MSR_FMASK, 0x47700); /* AC NT IOPL DF IF TF */
}

size_t machine_copy_from_guest(void *dst, uint64_t va, size_t bytes)
{
    return guest_copy(dst, (const void *)va, bytes);
}

size_t machine_copy_to_guest(uint64_t va, const void *src, size_t bytes)
{
    return guest_copy((void *)va, src, bytes);
}

void machine_idle(void)
{
    asm volatile("sti\n\thlt\n\tcli" : : : "memory");
}

/* One CPU: whoever asks is the CPU that looks at its work bits before it leaves ring 0. */
void machine_kick(unsigned cpu)
{
    (void)cpu;
}

static _Noreturn void halt(void)
{
    for (;;) {
        asm volatile("cli\n\thlt");
    }
}

_Noreturn void machine_end(enum machine_end how)
{
    if (how == MACHINE_POWEROFF) {
        log_info("all guests have ended");
    }
    if (machine_debug_exit_port) {
        outl(machine_debug_exit_port, how == MACHINE_PANIC ? 1 : 0);
    }
    if (how == MACHINE_REBOOT) {
        outb(0xcf9, 0x06); /* reset control register: full reset */
        outb(0x64, 0xfe);  /* keyboard controller: pulse the reset line */
    }
    if (how == MACHINE_POWEROFF) {
        log_info("it is now safe to switch off");
    }
    halt();
}
