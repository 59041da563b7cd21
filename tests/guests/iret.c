/* SPDX-License-Identifier: MIT */
/* Whatever stands in the frame of the iret hypercall, is ring 3 with sane flags all it reaches? */
#include "guest.h"

#define KERNEL_CS (FLAT_KERNEL_CS & ~3ul)
#define NON_CANONICAL 0x0000800000000000ul

__asm__(".text\nlanding: nop\n\tnop\n\tjmp *guest_resume");
extern char landing[];

/* To the end of FAULT() itself, for the addresses that are 0. */
static long iret_to(uint64_t rip, uint64_t cs, uint64_t rflags, uint64_t rsp, uint64_t ss)
{
    return FAULT("testq %0, %0\n\tcmovzq guest_resume, %0\n\t"
                 "testq %3, %3\n\tcmovzq guest_resume_rsp, %3\n\t"
                 "pushq %4\n\tpushq %3\n\tpushq %2\n\tpushq %1\n\tpushq %0\n\t"
                 "pushq $0\n\tpushq $0\n\tpushq $0\n\tpushq $0\n\t"
                 "movl $23, %%eax\n\tsyscall\n\tud2",
                 : "+r"(rip), "+r"(cs), "+r"(rflags), "+r"(rsp), "+r"(ss)
                 :
                 : "rax", "rcx", "r11", "memory", "cc");
}

static uint64_t flags_after(uint64_t rflags)
{
    uint64_t now;

    IS(iret_to(0, KERNEL_CS, rflags, 0, FLAT_KERNEL_SS), NO_FAULT);
    __asm__ volatile("pushfq\n\tpopq %0\n\tpushq $2\n\tpopfq" : "=r"(now) : : "memory", "cc");
    return now;
}

static void selectors(void)
{
    /* The hypervisor's code, data, TSS and LDT, null, data, beyond the table, in an absent LDT. */
    static const unsigned short bad_cs[] = {0xe008, 0xe010, 0xe040, 0xe050, 0x0000,
                                            0xe028, 0xfff8, 0x0004, 0x1234};
    static const unsigned short bad_ss[] = {0xe008, 0xe010, 0xe040, 0xe033, 0xfffb, 0x0007, 0x1233};

    IS(iret_to(0, KERNEL_CS, 0x202, 0, FLAT_KERNEL_SS), NO_FAULT);
    for (unsigned i = 0; i < ARRAY_LEN(bad_cs); i++) {
        OK(iret_to(0, bad_cs[i], 0x202, 0, FLAT_KERNEL_SS) != NO_FAULT);
    }
    for (unsigned i = 0; i < ARRAY_LEN(bad_ss); i++) {
        OK(iret_to(0, KERNEL_CS, 0x202, 0, bad_ss[i]) != NO_FAULT);
    }
    /* Upper bits of a selector's word are nothing. */
    IS(iret_to(0, KERNEL_CS | 0xdead0000, 0x202, 0, FLAT_KERNEL_SS), NO_FAULT);
}

static void addresses(void)
{
    OK(iret_to(NON_CANONICAL, KERNEL_CS, 0x202, 0, FLAT_KERNEL_SS) != NO_FAULT);
    OK(iret_to(0xffff7ffffffffffful, KERNEL_CS, 0x202, 0, FLAT_KERNEL_SS) != NO_FAULT);
    IS(iret_to(0xffff830000100000ul, KERNEL_CS, 0x202, 0, FLAT_KERNEL_SS), 14);
    IS(guest_fault.cr2, 0xffff830000100000ul);
    IS(iret_to(8, KERNEL_CS, 0x202, 0, FLAT_KERNEL_SS), 14);
    IS(guest_fault.rip, 8);
}

static void flags(void)
{
    uint64_t now = flags_after(~0x100ul); /* all but TF */

    IS(now & 0x3000, 0);   /* IOPL */
    IS(now & 0x20000, 0);  /* VM */
    IS(now & 0x180000, 0); /* VIF, VIP */
    IS(now & 0x200, 0x200);
    now = flags_after(0);
    IS(now & 0x200, 0x200); /* IF is the upcall mask, never the CPU's */
    IS(pv_shared_info->vcpu_info[0].evtchn_upcall_mask, 1);
    flags_after(0x200);
    IS(pv_shared_info->vcpu_info[0].evtchn_upcall_mask, 0);
    flags_after(0);
    IS(iret_to((uint64_t)landing, KERNEL_CS, 0x302, 0, FLAT_KERNEL_SS), 1);
    IS(guest_fault.rip, (uint64_t)landing + 1); /* one step */
}

void guest_test(void)
{
    selectors();
    addresses();
    flags();
}
