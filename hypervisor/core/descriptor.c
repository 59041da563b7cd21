/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables of guests: which descriptors are allowed, the GDT frames and the LDT window of
 * each vCPU, and the calls that change them. Invariants desc-ring3 and desc-refs: descriptor.h.
 * The hypervisor never reads a guest's table through the guest's mapping: the CPU uses the
 * machine's window, which maps the frames. Formats: Intel SDM vol. 3A, 3.4.5.
 * Man pages: set_gdt(2), update_descriptor(2), set_segment_base(2).
 */
#include "descriptor.h"

#include "guest.h"
#include "handlers.h"
#include "log.h"
#include "pagetable.h"

#define DESC_PRESENT (1ull << 47)
#define DESC_DPL (3ull << 45)
#define DESC_CODE_OR_DATA (1ull << 44)
#define DESC_TYPE (0xfull << 40)
#define DESCRIPTORS_PER_PAGE 512u
#define LDT_MAX_ENTRIES 8192u
#define SELECTOR_LDT 4u

bool descriptor_check(uint64_t desc, uint64_t *fixed)
{
    *fixed = desc;
    if (!(desc & DESC_PRESENT)) {
        return true; /* faults on use, whatever else it says */
    }
    *fixed = desc | DESC_DPL;
    /* Of the system types only 0, reserved and thus never loadable, does no harm: gates, TSS and
     * LDT descriptors lead into ring 0 or name memory by linear address. */
    return (desc & DESC_CODE_OR_DATA) || (desc & DESC_TYPE) == 0;
}

bool descriptor_page_validate(mfn_t mfn)
{
    uint64_t *entries = machine_map(mfn);

    for (unsigned i = 0; i < DESCRIPTORS_PER_PAGE; i++) {
        uint64_t desc = __atomic_load_n(&entries[i], __ATOMIC_RELAXED), fixed;

        if (!descriptor_check(desc, &fixed)) {
            return false;
        }
        if (fixed != desc) {
            __atomic_store_n(&entries[i], fixed, __ATOMIC_RELAXED);
        }
    }
    return true;
}

static unsigned gdt_pages(unsigned entries)
{
    return (entries + DESCRIPTORS_PER_PAGE - 1) / DESCRIPTORS_PER_PAGE;
}

bool descriptor_read(const struct vcpu *v, uint16_t selector, uint64_t *desc)
{
    unsigned index = selector >> 3, page = index / DESCRIPTORS_PER_PAGE;
    const uint64_t *entries;

    if (selector & SELECTOR_LDT) {
        if (index >= v->ldt_ents || !(v->ldt_mapped >> page & 1)) {
            return false;
        }
        entries = machine_map(v->ldt_frames[page]);
    } else {
        if (index >= v->gdt_ents || index == 0) {
            return false;
        }
        entries = machine_map(v->gdt_frames[page]);
    }
    *desc = __atomic_load_n(&entries[index % DESCRIPTORS_PER_PAGE], __ATOMIC_RELAXED);
    return true;
}

/* Descriptor frames have no entries that hold references, so putting them never needs a rerun. */
static void put_frames(struct vcpu *v, const mfn_t *frames, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        while (frame_put_and_type(NULL, frames[i])) {
        }
    }
    (void)v;
}

int gdt_set(struct vcpu *v, struct domain *d, const mfn_t *frames, unsigned entries)
{
    unsigned pages = gdt_pages(entries), old_pages = gdt_pages(v->gdt_ents);
    mfn_t old[GDT_GUEST_FRAMES];

    if (entries > FIRST_RESERVED_GDT_ENTRY) {
        return refuse(v, XEN_EINVAL, "gdt-size", "GDT of %u entries, at most %u", entries,
                      FIRST_RESERVED_GDT_ENTRY);
    }
    for (unsigned i = 0; i < pages; i++) {
        if (frame_get_and_type(v, d, frames[i], PT_SEGDESC)) {
            put_frames(v, frames, i);
            return refuse(v, XEN_EINVAL, "gdt-frame", "mfn %#lx cannot be GDT page %u", frames[i].n,
                          i);
        }
    }
    for (unsigned i = 0; i < old_pages; i++) {
        old[i] = v->gdt_frames[i];
    }
    for (unsigned i = 0; i < GDT_GUEST_FRAMES; i++) {
        v->gdt_frames[i] = i < pages ? frames[i] : MFN_NONE;
    }
    v->gdt_ents = entries;
    machine_gdt_changed(v);
    put_frames(v, old, old_pages);
    return 0;
}

void ldt_invalidate(struct vcpu *v)
{
    uint32_t mapped = v->ldt_mapped;

    if (!mapped) {
        return;
    }
    v->ldt_mapped = 0;
    machine_ldt_changed(v);
    for (unsigned i = 0; i < LDT_FRAMES; i++) {
        if (mapped >> i & 1) {
            put_frames(v, &v->ldt_frames[i], 1);
            v->ldt_frames[i] = MFN_NONE;
        }
    }
}

int ldt_set(struct vcpu *v, uint64_t base, unsigned entries)
{
    if (entries > LDT_MAX_ENTRIES || (base & ~PAGE_MASK) ||
        !va_range_is_guest(base, (uint64_t)entries * 8)) {
        return refuse(v, XEN_EINVAL, "ldt-range", "LDT of %u entries at %#lx", entries, base);
    }
    ldt_invalidate(v);
    if (v->ldt_ents == entries && v->ldt_base == base) {
        return 0;
    }
    v->ldt_base = entries ? base : 0;
    v->ldt_ents = entries;
    machine_ldt_changed(v);
    return 0;
}

bool ldt_fault(struct vcpu *v, uint64_t offset)
{
    unsigned page = (unsigned)(offset >> PAGE_SHIFT), level;
    mfn_t table, mfn;
    pte_t pte;

    if (offset >= (uint64_t)v->ldt_ents * 8) {
        return false;
    }
    if (v->ldt_mapped >> page & 1) {
        return true;
    }
    pte = pagetable_walk(v->guest_table, v->ldt_base + ((uint64_t)page << PAGE_SHIFT), &level,
                         &table);
    if (!(pte & PTE_PRESENT) || level != 1) {
        return false;
    }
    mfn = pte_mfn(pte);
    if (frame_get_and_type(v, v->domain, mfn, PT_SEGDESC)) {
        return false;
    }
    v->ldt_frames[page] = mfn;
    v->ldt_mapped |= 1u << page;
    machine_ldt_map_page(v, page, mfn);
    return true;
}

void descriptor_drop(struct vcpu *v)
{
    gdt_set(v, v->domain, NULL, 0);
    ldt_set(v, 0, 0);
}

long do_set_gdt(struct vcpu *v, uint64_t frames, uint64_t entries)
{
    uint64_t list[GDT_GUEST_FRAMES];
    mfn_t mfns[GDT_GUEST_FRAMES];
    unsigned pages;

    if (entries > FIRST_RESERVED_GDT_ENTRY) {
        return refuse(v, XEN_EINVAL, "gdt-size", "GDT of %lu entries, at most %u", entries,
                      FIRST_RESERVED_GDT_ENTRY);
    }
    pages = gdt_pages((unsigned)entries);
    if (guest_copy_in(list, frames, pages * sizeof(list[0]))) {
        return -XEN_EFAULT;
    }
    for (unsigned i = 0; i < pages; i++) {
        mfns[i] = MFN(list[i]);
    }
    return gdt_set(v, v->domain, mfns, (unsigned)entries);
}

long do_update_descriptor(struct vcpu *v, uint64_t maddr, uint64_t desc)
{
    mfn_t mfn = MFN(maddr >> PAGE_SHIFT);
    uint64_t fixed, type;

    if ((maddr & 7) || !descriptor_check(desc, &fixed)) {
        return refuse(v, XEN_EINVAL, "descriptor", "descriptor %#lx at maddr %#lx", desc, maddr);
    }
    if (!frame_get(mfn, v->domain)) {
        return refuse(v, XEN_EINVAL, "not-yours", "mfn %#lx is not d%u's", mfn.n, v->domain->id);
    }
    /* A frame that is not a descriptor table yet takes it as a plain store. */
    type = frame_type(mfn);
    type = (type & PT_TYPE_MASK) == PT_SEGDESC && (type & PT_COUNT_MASK) ? PT_SEGDESC : PT_WRITABLE;
    if (pagetype_get(v, v->domain, mfn, type)) {
        frame_put(mfn);
        return refuse(v, XEN_EINVAL, "descriptor-page", "mfn %#lx is in use as a page table",
                      mfn.n);
    }
    __atomic_store_n((uint64_t *)machine_map(mfn) + (maddr & ~PAGE_MASK) / 8, fixed,
                     __ATOMIC_RELAXED);
    put_frames(v, &mfn, 1);
    return 0;
}

/* SEGBASE_GS_USER_SEL never fails: a selector that cannot be loaded becomes null. */
static long load_user_gs(struct vcpu *v, uint16_t selector)
{
    if (selector & SELECTOR_LDT) {
        ldt_fault(v, selector & ~7u);
    }
    machine_load_user_gs(v, selector);
    return 0;
}

long do_set_segment_base(struct vcpu *v, uint64_t which, uint64_t base)
{
    static const uint8_t segment[] = {[SEGBASE_FS] = SEGMENT_FS,
                                      [SEGBASE_GS_USER] = SEGMENT_GS_USER,
                                      [SEGBASE_GS_KERNEL] = SEGMENT_GS_KERNEL};

    if (which == SEGBASE_GS_USER_SEL) {
        return load_user_gs(v, (uint16_t)base);
    }
    if (unlikely(which >= ARRAY_LEN(segment) || !va_is_canonical(base))) {
        return -XEN_EINVAL;
    }
    machine_set_segment_base(v, segment[which], base);
    return 0;
}

static unsigned audit_frame(const struct vcpu *v, const char *table, unsigned page, mfn_t mfn)
{
    if (mfn_is_ram(mfn) && (frame_type(mfn) & PT_TYPE_MASK) == PT_SEGDESC &&
        (frame_type(mfn) & PT_COUNT_MASK)) {
        return 0;
    }
    log_error("audit desc-refs: d%uv%u %s page %u is mfn %#lx, not a descriptor frame",
              v->domain->id, v->id, table, page, mfn.n);
    return 1;
}

unsigned descriptor_audit(const struct vcpu *v)
{
    unsigned wrong = 0;

    for (unsigned i = 0; i < gdt_pages(v->gdt_ents); i++) {
        wrong += audit_frame(v, "GDT", i, v->gdt_frames[i]);
    }
    for (unsigned i = 0; i < LDT_FRAMES; i++) {
        if (v->ldt_mapped >> i & 1) {
            wrong += audit_frame(v, "LDT", i, v->ldt_frames[i]);
        }
    }
    return wrong;
}
