/* SPDX-License-Identifier: MIT */
/* Does what ring 3 may not do come back as the exception that hardware would give a kernel? */
#include "guest.h"

#define GP 13
#define PF 14
#define NON_CANONICAL 0x0000800000000000ul

static char page[PAGE] PAGE_ALIGNED;
static uint64_t l1[512] PAGE_ALIGNED, l2[512] PAGE_ALIGNED, l3[512] PAGE_ALIGNED;

static void exceptions(void)
{
    IS(FAULT("ud2", : : : "memory"), 6);
    IS(FAULT("int3", : : : "memory"), 3);
    IS(FAULT("int $3", : : : "memory"), 3);
    IS(FAULT("int $4", : : : "memory"), 4);
    IS(FAULT("xorl %%ecx, %%ecx\n\tdivl %%ecx", : : : "rax", "rcx", "rdx", "cc"), 0);
    IS(FAULT("int $0x40", : : : "memory"), TRAP_INT40);
    IS(FAULT("int $0x80", : : : "memory"), TRAP_INT80);
    IS(FAULT("int $0x41", : : : "memory"), GP);
    IS(guest_fault.error, 0x41 << 3 | 2);
    IS(FAULT("int $14", : : : "memory"), GP);
    IS(guest_fault.error, 14 << 3 | 2);
    IS(FAULT("int $13", : : : "memory"), GP);
    IS(FAULT("int $2", : : : "memory"), GP);
    IS(FAULT("int $8", : : : "memory"), GP);
    IS(FAULT("int $0xf0", : : : "memory"), GP); /* the hypervisor's timer */
    IS(FAULT("int $0xff", : : : "memory"), GP);
    IS(FAULT("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop", : : : "memory", "cc"), 1);
}

static void privileged(void)
{
    static const struct {
        uint64_t limit_and_base[2];
    } nothing;

    IS(FAULT("hlt", : : : "memory"), GP);
    IS(FAULT("lgdt %0", : : "m"(nothing)), GP);
    IS(FAULT("lidt %0", : : "m"(nothing)), GP);
    IS(FAULT("lldt %w0", : : "r"(0)), GP);
    IS(FAULT("ltr %w0", : : "r"(0xe040)), GP);
    IS(FAULT("invd\n\twbinvd", : : : "memory"), NO_FAULT); /* nothing to write back */
    IS(FAULT("rdmsr", : : "c"(0x12345678) : "rax", "rdx"), GP);
    IS(FAULT("wrmsr", : : "c"(0x12345678), "a"(0), "d"(0)), GP);
    IS(FAULT("rdmsr", : : "c"(0xc0000082) : "rax", "rdx"), GP); /* LSTAR */
    IS(FAULT("wrmsr", : : "c"(0xc0000082), "a"(0x1000), "d"(0)), GP);
    IS(FAULT("wrmsr", : : "c"(0xc0000080), "a"(0), "d"(0)), GP);      /* EFER */
    IS(FAULT("wrmsr", : : "c"(0xc0000100), "a"(0), "d"(0x8000)), GP); /* FS base */
    IS(FAULT("wrmsr", : : "c"(0x1b), "a"(0xfee00800), "d"(0)), GP);   /* APIC base */
    IS(FAULT("movq %0, %%cr3", : : "r"(0x100000ul)), GP);
    OK(FAULT("movq %0, %%cr8", : : "r"(0ul)) != NO_FAULT);
    IS(FAULT("iretq", : : : "memory") != NO_FAULT, 1);
    IS(FAULT("sysretq", : : : "memory") != NO_FAULT, 1);
    IS(FAULT("swapgs", : : : "memory") != NO_FAULT, 1);
    IS(FAULT("vmcall", : : : "memory") != NO_FAULT, 1);
}

static void hypervisor_memory(void)
{
    static const uint64_t places[] = {
        0xffff808000000000ul, 0xffff808000100000ul, 0xffff810000000000ul,
        0xffff81000000e000ul, 0xffff818000000000ul, 0xffff820000000000ul,
        0xffff830000000000ul, 0xffff830000100000ul, 0xffff87fffffffff8ul};

    for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
        IS(fault_read(places[i]), PF);
        IS(guest_fault.cr2, places[i]);
        IS(guest_fault.error & 1, 0); /* as if nothing were there */
        IS(fault_write(places[i]), PF);
        IS(FAULT("jmp *%0", : : "r"(places[i])), PF);
    }
    IS(fault_read(HYPERVISOR_VIRT_START), NO_FAULT); /* the machine-to-physical table */
    IS(fault_write(HYPERVISOR_VIRT_START), PF);
    IS(fault_read(NON_CANONICAL), GP);
    IS(fault_write(0xffff7ffffffffff8ul), GP);
    IS(fault_read(8), PF);
    OK(FAULT("jmp *%0", : : "r"(NON_CANONICAL)) != NO_FAULT);
}

/* A hypercall in the last two bytes of the lower half returns to an address that is none. */
static void last_syscall(void)
{
    uint64_t va = NON_CANONICAL - PAGE;

    page[PAGE - 2] = 0x0f;
    page[PAGE - 1] = 0x05;
    l1[511] = mfn_of(page) << 12 | P_RO_PAGE;
    l2[511] = mfn_of(l1) << 12 | P_TABLE;
    l3[511] = mfn_of(l2) << 12 | P_TABLE;
    IS(make_readonly(l1) | make_readonly(l2) | make_readonly(l3), 0);
    IS(update(entry_of(va, 4), mfn_of(l3) << 12 | P_TABLE), 0);
    IS(fault_read(va), NO_FAULT);
    OK(FAULT("jmp *%0",
             :
             : "r"(NON_CANONICAL - 2), "a"(__HYPERVISOR_xen_version), "D"(0)
             : "rcx", "r11", "memory") != NO_FAULT);
    OK(guest_fault.vector == GP || guest_fault.vector == PF);
    IS(guest_fault.rip, NON_CANONICAL);
    IS(update(entry_of(va, 4), 0), 0);
    IS(fault_read(va), PF);
}

static void forced_cpuid(void)
{
    uint32_t a = 0x40000000, b = 0, c = 0, d = 0;

    IS(FAULT(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e\n\tcpuid",
             : "+a"(a), "+b"(b), "+c"(c), "+d"(d)),
       NO_FAULT);
    IS(b, 0x566e6558); /* XenV */
}

static void tables(void)
{
    trap_info_t bad[2] = {{.vector = 3, .cs = FLAT_KERNEL_CS, .address = NON_CANONICAL}};

    IS(hc_set_trap_table((uint64_t)bad), -XEN_EINVAL);
    IS(hc_set_trap_table(8), -XEN_EFAULT);
    IS(hc_set_trap_table(HYPERVISOR_VIRT_START - 8), -XEN_EFAULT);
    IS(hc_fpu_taskswitch(1), 0);
    IS(FAULT("pxor %%xmm0, %%xmm0", : : : "memory"), 7);
    IS(FAULT("pxor %%xmm0, %%xmm0", : : : "memory"), NO_FAULT);
    IS(hc_fpu_taskswitch(0), 0);
    IS(hc_set_debugreg(0, 0xffff830000000000ul), -XEN_EPERM);
    IS(hc_set_debugreg(7, 1ul << 40), -XEN_EPERM);
    IS(hc_set_debugreg(7, 1ul << 13), -XEN_EPERM);
    IS(hc_set_debugreg(4, 0), -XEN_EINVAL);
    IS(hc_set_debugreg(99, 0), -XEN_EINVAL);
    IS(hc_get_debugreg(99), -XEN_EINVAL);
    IS(hc_set_debugreg(0, (uint64_t)page), 0);
    IS(hc_get_debugreg(0), (uint64_t)page);
    IS(hc_set_debugreg(7, 0xd0001), 0); /* writes of 4 bytes */
    IS(FAULT("movl $0, (%0)", : : "r"(page) : "memory"), 1);
    IS(hc_set_debugreg(7, 0), 0);
}

void guest_test(void)
{
    exceptions();
    privileged();
    hypervisor_memory();
    last_syscall();
    forced_cpuid();
    tables();
}
