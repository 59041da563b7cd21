/* SPDX-License-Identifier: MIT */
/* Do pinning, new roots, flushes and the LDT of mmuext_op hold to the types of frames? */
#include "guest.h"

static uint64_t table[512] PAGE_ALIGNED, root[512] PAGE_ALIGNED, plain[512] PAGE_ALIGNED;
static uint64_t third[512] PAGE_ALIGNED, second[512] PAGE_ALIGNED;

#define HYPERVISOR_MFN 0x100ul

static const unsigned pins[] = {MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE,
                                MMUEXT_PIN_L4_TABLE};

static void pinning(void)
{
    uint64_t mfn = mfn_of(table);

    for (unsigned i = 0; i < ARRAY_LEN(pins); i++) {
        IS(extop(pins[i], mfn, 0), -XEN_EINVAL); /* writable */
        IS(extop(pins[i], HYPERVISOR_MFN, 0), -XEN_EINVAL);
        IS(extop(pins[i], ~0ul, 0), -XEN_EINVAL);
    }
    IS(make_readonly(table), 0);
    IS(extop(MMUEXT_PIN_L1_TABLE, mfn, 0), 0);
    IS(guest_done, 1);
    IS(extop(MMUEXT_PIN_L1_TABLE, mfn, 0), -XEN_EINVAL); /* once is enough */
    IS(extop(MMUEXT_PIN_L2_TABLE, mfn, 0), -XEN_EINVAL);
    IS(guest_done, 0);
    IS(make_writable(table), -XEN_EBUSY);
    IS(extop(MMUEXT_UNPIN_TABLE, mfn, 0), 0);
    IS(extop(MMUEXT_UNPIN_TABLE, mfn, 0), -XEN_EINVAL);
    IS(extop(MMUEXT_UNPIN_TABLE, HYPERVISOR_MFN, 0), -XEN_EINVAL);
    IS(extop(MMUEXT_UNPIN_TABLE, ~0ul, 0), -XEN_EINVAL);
    IS(make_writable(table), 0);
}

/* What stands in a table when it is pinned is checked entry by entry, and undone if one is bad. */
static void contents(void)
{
    static const uint64_t bad[] = {HYPERVISOR_MFN << 12 | P_RO_PAGE, 0xb8000 | P_RO_PAGE,
                                   0xffffffff000ul | P_RO_PAGE};

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        IS(make_writable(table), 0);
        table[0] = mfn_of(plain) << 12 | P_RW_PAGE;
        table[511] = bad[i];
        IS(make_readonly(table), 0);
        IS(extop(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0), -XEN_EINVAL);
        IS(extop(MMUEXT_PIN_L2_TABLE, mfn_of(table), 0), -XEN_EINVAL);
    }
    IS(make_writable(table), 0);
    table[0] = mfn_of(plain) << 12 | P_RW_PAGE;
    table[511] = 0;
    IS(make_readonly(table), 0);
    IS(extop(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0), 0);
    IS(make_readonly(plain), 0);
    IS(extop(MMUEXT_PIN_L1_TABLE, mfn_of(plain), 0), -XEN_EINVAL); /* writable through `table` */
    IS(update(mfn_of(table) << 12, 0), 0);
    IS(extop(MMUEXT_PIN_L1_TABLE, mfn_of(plain), 0), 0);
    IS(update(mfn_of(table) << 12, mfn_of(plain) << 12 | P_RW_PAGE), -XEN_EBUSY);
    IS(extop(MMUEXT_UNPIN_TABLE, mfn_of(plain), 0), 0);
    IS(make_writable(plain), 0);
}

/* The L1 of contents() under an L2, an L3 and a root that shares the kernel's half. */
static void roots(void)
{
    uint64_t l4 = table_of((uint64_t)table, 4), va = 0x400000000000ul;

    second[0] = mfn_of(table) << 12 | P_TABLE;
    third[0] = mfn_of(second) << 12 | P_TABLE;
    root[va >> 39] = mfn_of(third) << 12 | P_TABLE;
    root[511] = entry_value((uint64_t)table, 4);
    IS(make_readonly(second) | make_readonly(third) | make_readonly(root), 0);
    IS(extop(MMUEXT_NEW_BASEPTR, mfn_of(table), 0), -XEN_EINVAL);
    IS(extop(MMUEXT_NEW_BASEPTR, HYPERVISOR_MFN, 0), -XEN_EINVAL);
    IS(extop(MMUEXT_NEW_BASEPTR, ~0ul, 0), -XEN_EINVAL);
    IS(extop(MMUEXT_NEW_BASEPTR, l4, 0), 0);
    IS(extop(MMUEXT_PIN_L4_TABLE, mfn_of(root), 0), 0);
    IS(fault_read(va), 14);
    IS(update(mfn_of(table) << 12, mfn_of(plain) << 12 | P_RW_PAGE), 0);
    IS(extop(MMUEXT_NEW_BASEPTR, mfn_of(root), 0), 0);
    *(volatile uint64_t *)plain = 0x5151;
    IS(*(volatile uint64_t *)va, 0x5151);
    IS(extop(MMUEXT_UNPIN_TABLE, mfn_of(table), 0), 0); /* its place in the tree holds it */
    IS(make_writable(table), -XEN_EBUSY);
    IS(extop(MMUEXT_UNPIN_TABLE, mfn_of(root), 0), 0); /* being the root holds it */
    IS(make_writable(root), -XEN_EBUSY);
    IS(extop(MMUEXT_NEW_BASEPTR, l4, 0), 0);
    IS(fault_read(va), 14);
    IS(make_writable(root), 0);
    IS(make_writable(table) | make_writable(second) | make_writable(third), 0);
    IS(extop(MMUEXT_NEW_USER_BASEPTR, mfn_of(table), 0), -XEN_EINVAL);
    IS(extop(MMUEXT_NEW_USER_BASEPTR, l4, 0), 0);
    IS(extop(MMUEXT_NEW_USER_BASEPTR, 0, 0), 0);
}

static void flushes(void)
{
    static uint64_t bitmap = 1;

    IS(extop(MMUEXT_TLB_FLUSH_LOCAL, 0, 0), 0);
    IS(extop(MMUEXT_TLB_FLUSH_ALL, 0, 0), 0);
    IS(extop(MMUEXT_INVLPG_LOCAL, (uint64_t)plain, 0), 0);
    IS(extop(MMUEXT_INVLPG_ALL, 0x0000800000000000ul, 0), 0);
    IS(extop(MMUEXT_INVLPG_LOCAL, HYPERVISOR_VIRT_START, 0), 0);
    IS(extop(MMUEXT_FLUSH_CACHE, 0, 0), 0);
    IS(extop(MMUEXT_TLB_FLUSH_MULTI, 0, (uint64_t)&bitmap), 0);
    IS(extop(MMUEXT_INVLPG_MULTI, (uint64_t)plain, (uint64_t)&bitmap), 0);
    IS(extop(MMUEXT_TLB_FLUSH_MULTI, 0, 8), -XEN_EFAULT);
    IS(extop(MMUEXT_INVLPG_MULTI, 0, HYPERVISOR_VIRT_START), -XEN_EFAULT);
    IS(extop(MMUEXT_CLEAR_PAGE, mfn_of(plain), 0), -XEN_ENOSYS);
    IS(extop(MMUEXT_COPY_PAGE, mfn_of(plain), 0), -XEN_ENOSYS);
    IS(extop(MMUEXT_MARK_SUPER, 0, 0), -XEN_ENOSYS);
    OK(extop(MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0) < 0);
    IS(extop(12345, 0, 0), -XEN_ENOSYS);
}

static void ldt(void)
{
    IS(extop(MMUEXT_SET_LDT, (uint64_t)plain, 512), 0); /* pages are looked at when used */
    IS(extop(MMUEXT_SET_LDT, (uint64_t)plain + 8, 512), -XEN_EINVAL);
    IS(extop(MMUEXT_SET_LDT, (uint64_t)plain, 8193), -XEN_EINVAL);
    IS(extop(MMUEXT_SET_LDT, HYPERVISOR_VIRT_START, 512), -XEN_EINVAL);
    /* A writable page is no LDT: a selector of it cannot be loaded. */
    OK(FAULT("movl %0, %%es", : : "r"(7) : "memory") != NO_FAULT);
    /* A call gate is in no table. */
    plain[0] = 0x0000ec000000ul << 8 | 0x0000ec0000e00000ul;
    IS(make_readonly(plain), 0);
    OK(FAULT("movl %0, %%es", : : "r"(7) : "memory") != NO_FAULT);
    IS(extop(MMUEXT_SET_LDT, 0, 0), 0);
    IS(make_writable(plain), 0);
    plain[0] = 0x00cff2000000fffful; /* data, DPL 3 */
    IS(make_readonly(plain), 0);
    IS(extop(MMUEXT_SET_LDT, (uint64_t)plain, 1), 0);
    IS(FAULT("movl %0, %%es", : : "r"(7) : "memory"), NO_FAULT);
    OK(FAULT("movl %0, %%es", : : "r"(15) : "memory") != NO_FAULT);
    IS(make_writable(plain), -XEN_EBUSY);
    IS(FAULT("movl %0, %%es", : : "r"(0) : "memory"), NO_FAULT);
    IS(extop(MMUEXT_SET_LDT, 0, 0), 0);
    IS(make_writable(plain), 0);
}

static void batches(void)
{
    struct mmuext_op ops[3] = {{.cmd = MMUEXT_TLB_FLUSH_LOCAL}, {.cmd = 12345}, {.cmd = 0}};
    static struct mmuext_op many[1000];
    uint64_t done = (uint64_t)&guest_done;

    IS(hc_mmuext_op((uint64_t)ops, 3, done, SELF), -XEN_ENOSYS);
    IS(guest_done, 1);
    IS(hc_mmuext_op((uint64_t)ops, 0, done, SELF), 0);
    IS(guest_done, 0);
    for (unsigned i = 0; i < ARRAY_LEN(many); i++) {
        many[i].cmd = MMUEXT_INVLPG_LOCAL;
    }
    IS(hc_mmuext_op((uint64_t)many, ARRAY_LEN(many), done, SELF), 0);
    IS(guest_done, ARRAY_LEN(many));
    IS(hc_mmuext_op(8, 1, done, SELF), -XEN_EFAULT);
    IS(hc_mmuext_op((uint64_t)ops, 1, 8, SELF), -XEN_EFAULT);
    IS(hc_mmuext_op((uint64_t)ops, 1, done, 77), -XEN_EPERM);
}

void guest_test(void)
{
    pinning();
    contents();
    roots();
    flushes();
    ldt();
    batches();
}
