/* SPDX-License-Identifier: MIT */
/* Can a guest's descriptors, selectors and segment bases lead only to ring 3 and its own memory? */
#include "guest.h"

static uint64_t gdt[512] PAGE_ALIGNED, plain[512] PAGE_ALIGNED;

#define DATA 0x00cff2000000fffful /* DPL 3, present, writable */
#define DATA_RING0 0x00cf92000000fffful
#define CODE64_RING0 0x00af9a000000fffful
#define CALL_GATE 0xffffec00e0080000ul
#define TSS 0x0000e9000000fffful
#define LDT 0x0000e2000000fffful
#define NON_CANONICAL 0x0000800000000000ul

static long load_es(unsigned selector)
{
    return FAULT("movl %0, %%es", : : "r"(selector) : "memory");
}

static void set_gdt(void)
{
    uint64_t frame = mfn_of(gdt), frames[16];

    gdt[1] = DATA;
    IS(hc_set_gdt((uint64_t)&frame, 512), -XEN_EINVAL); /* writable */
    IS(make_readonly(gdt), 0);
    IS(hc_set_gdt((uint64_t)&frame, 512), 0);
    IS(make_writable(gdt), -XEN_EBUSY);
    IS(load_es(1 << 3 | 3), NO_FAULT);
    IS(load_es(0), NO_FAULT);
    IS(hc_set_gdt((uint64_t)&frame, 14 * 512 + 1), -XEN_EINVAL);
    IS(hc_set_gdt((uint64_t)&frame, ~0ul), -XEN_EINVAL);
    IS(hc_set_gdt(8, 512), -XEN_EFAULT);
    IS(hc_set_gdt(HYPERVISOR_VIRT_START, 14 * 512), -XEN_EFAULT);
    frame = 0x100;
    IS(hc_set_gdt((uint64_t)&frame, 1), -XEN_EINVAL);
    frame = ~0ul;
    IS(hc_set_gdt((uint64_t)&frame, 1), -XEN_EINVAL);
    frame = table_of((uint64_t)gdt, 1);
    IS(hc_set_gdt((uint64_t)&frame, 1), -XEN_EINVAL);
    for (unsigned i = 0; i < 14; i++) {
        frames[i] = mfn_of(gdt);
    }
    IS(hc_set_gdt((uint64_t)frames, 14 * 512), 0); /* the same page 14 times */
    IS(load_es((13 * 512 + 1) << 3 | 3), NO_FAULT);
    frames[13] = 0x100;
    IS(hc_set_gdt((uint64_t)frames, 14 * 512), -XEN_EINVAL);
    IS(load_es((13 * 512 + 1) << 3 | 3), NO_FAULT); /* the old one stays */
    IS(load_es(0), NO_FAULT);
}

static void one_descriptor(void)
{
    static const uint64_t bad[] = {CALL_GATE, TSS, LDT, 0x0000ee0000000000ul, 0x0000850000000000ul};
    uint64_t at = mfn_of(gdt) << 12 | 16;

    IS(hc_update_descriptor(at, DATA), 0);
    IS(gdt[2], DATA);
    IS(hc_update_descriptor(at, DATA_RING0), 0); /* becomes DPL 3 */
    IS(gdt[2], DATA);
    IS(hc_update_descriptor(at, CODE64_RING0), 0);
    IS(gdt[2] >> 45 & 3, 3);
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        IS(hc_update_descriptor(at, bad[i]), -XEN_EINVAL);
    }
    IS(hc_update_descriptor(at, 0), 0);
    IS(hc_update_descriptor(at + 4, DATA), -XEN_EINVAL);
    IS(hc_update_descriptor(0x100000, DATA), -XEN_EINVAL);
    IS(hc_update_descriptor(~0ul & ~7ul, DATA), -XEN_EINVAL);
    IS(hc_update_descriptor(table_of((uint64_t)gdt, 1) << 12, DATA), -XEN_EINVAL);
    IS(hc_update_descriptor(mfn_of(plain) << 12 | 8, DATA), 0);
    IS(((volatile uint64_t *)plain)[1], DATA);
    OK(load_es(2 << 3 | 3) != NO_FAULT);
    /* A page with a gate in it does not become a GDT. */
    plain[3] = CALL_GATE;
    at = mfn_of(plain);
    IS(make_readonly(plain), 0);
    IS(hc_set_gdt((uint64_t)&at, 512), -XEN_EINVAL);
    IS(make_writable(plain), 0);
    IS(hc_set_gdt(0, 0), 0);
    IS(make_writable(gdt), 0);
}

static void selectors(void)
{
    /* Null, absent, the hypervisor's code, data, TSS and LDT, and beyond its table. */
    static const unsigned short bad[] = {0x0008, 0x1233, 0xe008, 0xe00b, 0xe010, 0xe013,
                                         0xe040, 0xe043, 0xe053, 0xe05b, 0xfffb, 0x0007};

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        OK(load_es(bad[i]) != NO_FAULT);
        OK(FAULT("movl %0, %%ss", : : "r"((unsigned)bad[i]) : "memory") != NO_FAULT);
        IS(hc_set_segment_base(SEGBASE_GS_USER_SEL, bad[i]), 0); /* becomes null */
    }
    IS(load_es(0xe02b), NO_FAULT);
    IS(load_es(0), NO_FAULT);
    IS(hc_set_segment_base(SEGBASE_GS_USER_SEL, 0), 0);
    OK(FAULT("pushq $0xe008\n\tpushq $77f\n\tlretq", : : : "memory") != NO_FAULT);
}

static void bases(void)
{
    static uint64_t word = 0x7777;
    uint64_t got;

    IS(hc_set_segment_base(SEGBASE_FS, (uint64_t)&word), 0);
    IS(FAULT("movq %%fs:0, %0", : "=r"(got)), NO_FAULT);
    IS(got, 0x7777);
    IS(hc_set_segment_base(SEGBASE_GS_KERNEL, (uint64_t)&word), 0);
    IS(FAULT("movq %%gs:0, %0", : "=r"(got)), NO_FAULT);
    IS(got, 0x7777);
    IS(hc_set_segment_base(SEGBASE_GS_USER, (uint64_t)&word), 0);
    for (unsigned which = 0; which < 3; which++) {
        IS(hc_set_segment_base(which, NON_CANONICAL), -XEN_EINVAL);
        IS(hc_set_segment_base(which, 0xffff7ffffffffffful), -XEN_EINVAL);
    }
    /* The base may name the hypervisor's memory; reading through it may not work. */
    IS(hc_set_segment_base(SEGBASE_FS, 0xffff830000100000ul), 0);
    IS(FAULT("movq %%fs:0, %0", : "=r"(got)), 14);
    IS(hc_set_segment_base(SEGBASE_FS, 0), 0);
    IS(hc_set_segment_base(4, 0), -XEN_EINVAL);
    IS(hc_set_segment_base(~0ul, 0), -XEN_EINVAL);
}

void guest_test(void)
{
    set_gdt();
    one_descriptor();
    selectors();
    bases();
}
