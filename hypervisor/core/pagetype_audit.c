/* SPDX-License-Identifier: MIT */
/*
 * The page-type auditor: from nothing but memory, count what references and types every frame
 * should have (table entries, pins, roots, descriptor tables, registered areas, allocation) and
 * compare with what the frame table says. Checks invariants validated, pinned, partial and
 * one-type.
 */
#include "console.h"
#include "domain.h"
#include "log.h"
#include "pagetable.h"
#include "pagetype.h"

struct expected {
    uint32_t refs, types;
};

static struct expected *expect; /* one per frame, while an audit runs */

static void expect_both(mfn_t mfn)
{
    expect[mfn.n].refs++;
    expect[mfn.n].types++;
}

static void expect_entry(unsigned level, pte_t entry)
{
    if (!(entry & PTE_PRESENT) || !mfn_is_ram(pte_mfn(entry))) {
        return;
    }
    expect[pte_mfn(entry).n].refs++;
    expect[pte_mfn(entry).n].types += level > 1 || (entry & PTE_RW);
}

static void expect_table(mfn_t mfn, uint64_t word)
{
    unsigned level = pt_level(word);
    unsigned count = word & PT_PARTIAL ? frame_of(mfn)->progress : 512;
    const pte_t *table = machine_map(mfn);

    if (!level || !(word & (PT_VALIDATED | PT_PARTIAL)) || !(word & PT_COUNT_MASK)) {
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        if (level != 4 || i < HYPERVISOR_SLOT_FIRST || i > HYPERVISOR_SLOT_LAST) {
            expect_entry(level, table[i]);
        }
    }
}

static void expect_frame(mfn_t mfn)
{
    const struct frame *f = frame_of(mfn);
    uint64_t count = atomic_load(&f->count), word = atomic_load(&f->type);

    if (!(count & (FRAME_LISTED | FRAME_SHARED))) {
        return;
    }
    expect[mfn.n].refs += (count & FRAME_ALLOCATED) != 0;
    expect[mfn.n].types += (count & FRAME_SHARED) && (count & FRAME_ALLOCATED);
    if (word & PT_PINNED) {
        expect_both(mfn);
    }
    if (word & PT_PARTIAL) {
        expect[mfn.n].refs++;
        expect[mfn.n].types++;
    }
    expect_table(mfn, word);
}

static void expect_vcpu(const struct vcpu *v)
{
    if (!mfn_is_none(v->guest_table)) {
        expect_both(v->guest_table);
    }
    if (!mfn_is_none(v->guest_table_user)) {
        expect_both(v->guest_table_user);
    }
    if (!mfn_is_none(v->info_mfn)) {
        expect_both(v->info_mfn);
    }
    for (unsigned i = 0; i < ARRAY_LEN(v->parked); i++) {
        /* A parked frame's type count is what its PARTIAL state says already. */
        if (!mfn_is_none(v->parked[i])) {
            expect[v->parked[i].n].refs++;
        }
    }
    for (unsigned i = 0; i < (v->gdt_ents + 511) / 512; i++) {
        expect_both(v->gdt_frames[i]);
    }
}

/* The one type count of a PARTIAL frame may be that of the entry, pin or parking place that it is
 * on its way down from, which still names it. */
static bool types_agree(uint64_t word, uint32_t types)
{
    uint64_t count = word & PT_COUNT_MASK;

    return count == types || ((word & PT_PARTIAL) && count == 1 && types == 2);
}

static unsigned compare(void)
{
    unsigned bad = 0;

    for (uint64_t n = 0; n < frame_limit; n++) {
        const struct frame *f = &frame_table[n];
        uint64_t count = atomic_load(&f->count), word = atomic_load(&f->type);

        if (!(count & (FRAME_LISTED | FRAME_SHARED))) {
            continue;
        }
        if ((count & FRAME_COUNT_MASK) == expect[n].refs && types_agree(word, expect[n].types)) {
            continue;
        }
        if (bad++ < 8) {
            log_error("pagetype: mfn %#lx of d%u has %llu references (expected %u), type %#lx with "
                      "count %llu (expected %u)",
                      n, atomic_load(&f->owner), count & FRAME_COUNT_MASK, expect[n].refs,
                      word >> 56, word & PT_COUNT_MASK, expect[n].types);
        }
    }
    return bad;
}

/* Descriptor-table frames of LDT windows are counted by who maps them (descriptor.c keeps none). */
unsigned pagetype_audit(void)
{
    uint64_t pages = (frame_limit * sizeof(*expect) + PAGE_SIZE - 1) / PAGE_SIZE;
    mfn_t scratch = frame_alloc_hypervisor_run(pages);
    unsigned bad;

    if (mfn_equal(scratch, MFN_INVALID)) {
        log_warning("page-type audit skipped: no %lu contiguous frames for its counters", pages);
        return 0;
    }
    expect = machine_map(scratch);
    for (uint64_t n = 0; n < frame_limit; n++) {
        expect_frame(MFN(n));
    }
    for (unsigned id = 0; id < DOMAIN_MAX; id++) {
        if (domain_table[id] && !mfn_is_none(console_ring_frame(domain_table[id]))) {
            expect_both(console_ring_frame(domain_table[id]));
        }
        if (domain_table[id] && domain_table[id]->destroy_cursor) {
            expect[domain_table[id]->destroy_cursor].refs++;
        }
        for (unsigned i = 0; domain_table[id] && i < domain_table[id]->vcpu_count; i++) {
            if (domain_table[id]->vcpu[i]) {
                expect_vcpu(domain_table[id]->vcpu[i]);
            }
        }
    }
    bad = compare();
    frame_free_hypervisor(scratch, pages);
    return bad;
}
