/* SPDX-License-Identifier: MIT */
/* Are page-table entries of a guest validated, by mmu_update and by update_va_mapping? */
#include "guest.h"

static char page[PAGE] PAGE_ALIGNED, other[PAGE] PAGE_ALIGNED;

#define HYPERVISOR_MFN 0x100ul /* the hypervisor's image stands at 1 MiB */
#define BEYOND_MFN 0xfffffffful
#define LOW_VA 0x400000ul /* no tables there at start of day */

static uint64_t va(const void *p)
{
    return (uint64_t)p;
}

static void by_machine_address(void)
{
    uint64_t at = entry_of(va(page), 1), pte = mfn_of(page) << 12;
    uint64_t l1 = table_of(va(page), 1), l2 = table_of(va(page), 2);

    IS(update(at, pte | P_RO_PAGE), 0);
    IS(guest_done, 1);
    IS(update(at, pte | P_RW_PAGE), 0);
    IS(update(at | MMU_PT_UPDATE_PRESERVE_AD, pte | P_PRESENT | P_RW | P_USER), 0);
    IS(entry_value(va(page), 1) & (P_ACCESSED | P_DIRTY), P_ACCESSED | P_DIRTY);
    IS(update(at, 0), 0);
    IS(fault_read(va(page)), 14);
    IS(update(at, pte | P_RW_PAGE), 0);
    IS(fault_read(va(page)), NO_FAULT);
    IS(update(at | 4, pte | P_RW_PAGE), -XEN_EINVAL);
    IS(guest_done, 0);
    IS(update(at | 3, pte | P_RW_PAGE), -XEN_ENOSYS);
    IS(update(at, l1 << 12 | P_RW_PAGE), -XEN_EBUSY); /* a table, writable */
    IS(update(at, l1 << 12 | P_RO_PAGE), 0);
    IS(update(at, pte | P_RW_PAGE), 0);
    IS(update(at, HYPERVISOR_MFN << 12 | P_RO_PAGE), -XEN_EINVAL);
    IS(update(at, HYPERVISOR_MFN << 12 | P_RW_PAGE), -XEN_EINVAL);
    IS(update(at, 0xb8ul << 12 | P_RO_PAGE), -XEN_EINVAL); /* the VGA window */
    IS(update(at, BEYOND_MFN << 12 | P_RO_PAGE), -XEN_EINVAL);
    IS(update(at, pte | P_RW_PAGE | P_PCD), -XEN_EINVAL);
    IS(update(at, pte | P_RW_PAGE | P_PWT), -XEN_EINVAL);
    IS(update(at, pte | P_RW_PAGE | P_PSE), -XEN_EINVAL);
    IS(update(HYPERVISOR_MFN << 12, pte | P_RW_PAGE), -XEN_EINVAL);
    IS(update(BEYOND_MFN << 12, 0), -XEN_EINVAL);
    IS(update(~0ul & ~7ul, 0), -XEN_EINVAL);
    /* A frame that is no table takes the word as a store. */
    IS(update(mfn_of(other) << 12 | 16, 0x1234), 0);
    IS(((volatile uint64_t *)other)[2], 0x1234);
    IS(update(at, l2 << 12 | P_RW_PAGE), -XEN_EBUSY);
}

static void upper_levels(void)
{
    uint64_t l2e = entry_of(va(page), 2), old = entry_value(va(page), 2);
    uint64_t l2 = table_of(va(page), 2), l4 = table_of(va(page), 4);

    IS(update(l2e, old | P_PSE), -XEN_EINVAL);
    IS(update(l2e, old | P_PCD), -XEN_EINVAL);
    IS(update(l2e, l2 << 12 | P_TABLE), -XEN_EINVAL);           /* wrong type */
    IS(update(l2e, mfn_of(page) << 12 | P_TABLE), -XEN_EINVAL); /* writable somewhere */
    IS(update(l2e, HYPERVISOR_MFN << 12 | P_TABLE), -XEN_EINVAL);
    IS(update(l2e, old), 0);
    for (unsigned slot = 256; slot < 272; slot++) {
        IS(update(l4 << 12 | slot * 8, l4 << 12 | P_TABLE), -XEN_EINVAL);
        IS(update(l4 << 12 | slot * 8, l4 << 12 | P_RO_PAGE), -XEN_EINVAL);
        IS(update(l4 << 12 | slot * 8, 1), -XEN_EINVAL);
    }
    /* A linear mapping: the root inside itself, asked writable and read-only. */
    OK(update(l4 << 12 | 300 * 8, l4 << 12 | P_TABLE) <= 0);
    IS(update(l4 << 12 | 300 * 8, 0), 0);
}

static void machine_to_physical(void)
{
    uint64_t mfn = mfn_of(page), pfn = pv_mfn_to_pfn(mfn);

    IS(update(mfn << 12 | MMU_MACHPHYS_UPDATE, 0x4242), 0);
    IS(pv_mfn_to_pfn(mfn), 0x4242);
    IS(update(mfn << 12 | MMU_MACHPHYS_UPDATE, pfn), 0);
    IS(update(HYPERVISOR_MFN << 12 | MMU_MACHPHYS_UPDATE, 0), -XEN_EINVAL);
    IS(update(BEYOND_MFN << 12 | MMU_MACHPHYS_UPDATE, 0), -XEN_EINVAL);
    IS(update((~0ul & ~7ul) | MMU_MACHPHYS_UPDATE, 0), -XEN_EINVAL);
}

static void batches(void)
{
    static mmu_update_t many[2048];
    uint64_t at = entry_of(va(page), 1), pte = mfn_of(page) << 12 | P_RW_PAGE;
    mmu_update_t three[3] = {{at, pte}, {at, BEYOND_MFN << 12 | P_RO_PAGE}, {at, pte}};
    uint64_t done = (uint64_t)&guest_done;

    IS(hc_mmu_update((uint64_t)three, 3, done, SELF), -XEN_EINVAL);
    IS(guest_done, 1);
    IS(hc_mmu_update((uint64_t)three, 1, 0, SELF), 0); /* nobody wants to know how many */
    IS(hc_mmu_update((uint64_t)three, 0, done, SELF), 0);
    IS(guest_done, 0);
    for (unsigned i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = three[0];
    }
    IS(hc_mmu_update((uint64_t)many, ARRAY_LEN(many), done, SELF), 0);
    IS(guest_done, ARRAY_LEN(many));
    many[1500].val = HYPERVISOR_MFN << 12 | P_RO_PAGE;
    IS(hc_mmu_update((uint64_t)many, ARRAY_LEN(many), done, SELF), -XEN_EINVAL);
    IS(guest_done, 1500);
    IS(hc_mmu_update(8, 1, done, SELF), -XEN_EFAULT);
    IS(guest_done, 0);
    IS(hc_mmu_update((uint64_t)three, 1, 8, SELF), -XEN_EFAULT);
    IS(hc_mmu_update(HYPERVISOR_VIRT_START, 1, done, SELF), -XEN_EFAULT);
    IS(hc_mmu_update(~0ul - 15, 2, done, SELF), -XEN_EFAULT);
    IS(hc_mmu_update((uint64_t)three, 1, done, 77), -XEN_EPERM);
    IS(hc_mmu_update((uint64_t)three, 1, done, DOMID_XEN), -XEN_EPERM);
    IS(hc_mmu_update((uint64_t)three, 1, done, DOMID_IO), -XEN_EPERM);
    IS(hc_mmu_update((uint64_t)three, 1, done, 78ul << 16 | SELF), -XEN_EPERM);
}

static void by_virtual_address(void)
{
    uint64_t pte = mfn_of(page) << 12, l1 = table_of(va(page), 1);

    IS(hc_update_va_mapping(va(page), pte | P_RO_PAGE, UVMF_INVLPG), 0);
    IS(fault_write(va(page)), 14);
    IS(guest_fault.cr2, va(page));
    IS(guest_fault.error, 3);
    IS(hc_update_va_mapping(va(page), pte | P_RW_PAGE, UVMF_TLB_FLUSH | UVMF_LOCAL), 0);
    IS(fault_write(va(page)), NO_FAULT);
    IS(hc_update_va_mapping(va(page), pte | P_RW_PAGE, UVMF_TLB_FLUSH | UVMF_ALL), 0);
    IS(hc_update_va_mapping(va(page), l1 << 12 | P_RW_PAGE, UVMF_INVLPG), -XEN_EBUSY);
    IS(hc_update_va_mapping(va(page), HYPERVISOR_MFN << 12 | P_RO_PAGE, 0), -XEN_EINVAL);
    IS(hc_update_va_mapping(va(page), pte | P_RW_PAGE | P_PCD, 0), -XEN_EINVAL);
    IS(hc_update_va_mapping(LOW_VA, pte | P_RW_PAGE, 0), -XEN_EINVAL);
    IS(hc_update_va_mapping(HYPERVISOR_VIRT_START, pte | P_RW_PAGE, 0), -XEN_EINVAL);
    IS(hc_update_va_mapping(HYPERVISOR_VIRT_END - PAGE, 0, 0), -XEN_EINVAL);
    IS(hc_update_va_mapping(0x0000800000000000ul, pte | P_RW_PAGE, 0), -XEN_EINVAL);
    IS(hc_update_va_mapping(~0ul, 0, 0) <= 0, 1);
    IS(hc_update_va_mapping_otherdomain(va(page), pte | P_RW_PAGE, 0, 77), -XEN_EPERM);
    IS(entry_value(va(page), 1) & ~(P_ACCESSED | P_DIRTY), pte | P_PRESENT | P_RW | P_USER);
}

/* A store to one's own table through a read-only mapping is checked like a call. */
static void by_store(void)
{
    uint64_t l1 = table_of(va(page), 1), pte = mfn_of(page) << 12;
    volatile uint64_t *entry;
    uint64_t index = entry_of(va(page), 1) & (PAGE - 1);

    IS(hc_update_va_mapping(va(other), l1 << 12 | P_RO_PAGE, UVMF_INVLPG), 0);
    entry = (volatile uint64_t *)(other + index);
    IS(FAULT("movq %1, (%0)", : : "r"(entry), "r"(pte | P_RO_PAGE) : "memory"), NO_FAULT);
    IS(*entry & P_RW, 0);
    IS(FAULT("movq %1, (%0)", : : "r"(entry), "r"(l1 << 12 | P_RW_PAGE) : "memory"), 14);
    IS(FAULT("movq %1, (%0)",
             :
             : "r"(entry), "r"(HYPERVISOR_MFN << 12 | P_RO_PAGE)
             : "memory"),
       14);
    IS(FAULT("movq %1, (%0)", : : "r"(entry), "r"(pte | P_RW_PAGE) : "memory"), NO_FAULT);
    IS(*entry & P_RW, P_RW);
    IS(hc_update_va_mapping(va(other), mfn_of(other) << 12 | P_RW_PAGE, UVMF_INVLPG), 0);
}

void guest_test(void)
{
    by_machine_address();
    upper_levels();
    machine_to_physical();
    batches();
    by_virtual_address();
    by_store();
}
