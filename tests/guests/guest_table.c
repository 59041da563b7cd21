/* SPDX-License-Identifier: MIT */
/* Page tables of a test guest: those of start of day, read through the initial mapping. */
#include "guest.h"

uint32_t guest_done;

uint64_t mfn_of(const void *page)
{
    return pv_image_to_machine(page) >> 12;
}

static const uint64_t *view(uint64_t mfn)
{
    return (const uint64_t *)(PV_VIRT_BASE + (pv_mfn_to_pfn(mfn) << 12));
}

static unsigned index_at(uint64_t va, unsigned level)
{
    return va >> (12 + 9 * (level - 1)) & 511;
}

uint64_t table_of(uint64_t va, unsigned level)
{
    uint64_t mfn = pv_pfn_to_mfn((pv_start_info->pt_base - PV_VIRT_BASE) >> 12);

    for (unsigned l = 4; l > level; l--) {
        mfn = PTE_MFN(view(mfn)[index_at(va, l)]);
    }
    return mfn;
}

uint64_t entry_of(uint64_t va, unsigned level)
{
    return table_of(va, level) << 12 | index_at(va, level) * 8;
}

uint64_t entry_value(uint64_t va, unsigned level)
{
    return view(table_of(va, level))[index_at(va, level)];
}

long make_readonly(void *page)
{
    return hc_update_va_mapping((uint64_t)page, mfn_of(page) << 12 | P_RO_PAGE, UVMF_INVLPG);
}

long make_writable(void *page)
{
    return hc_update_va_mapping((uint64_t)page, mfn_of(page) << 12 | P_RW_PAGE, UVMF_INVLPG);
}

long update(uint64_t ptr, uint64_t val)
{
    mmu_update_t req = {.ptr = ptr, .val = val};

    guest_done = 99;
    return hc_mmu_update((uint64_t)&req, 1, (uint64_t)&guest_done, DOMID_SELF);
}

long extop(unsigned cmd, uint64_t arg1, uint64_t arg2)
{
    struct mmuext_op op = {.cmd = cmd};

    op.arg1.mfn = arg1;
    op.arg2.src_mfn = arg2; /* the union's widest member */
    guest_done = 99;
    return hc_mmuext_op((uint64_t)&op, 1, (uint64_t)&guest_done, DOMID_SELF);
}
