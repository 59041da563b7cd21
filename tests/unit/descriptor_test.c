/* SPDX-License-Identifier: MIT */
/* Descriptor rules, GDT frames, the LDT window, update_descriptor and segment bases. */
#include "handlers.h"
#include "pagetype.h"
#include "trap_fixture.h"

#define PRESENT (1ull << 47)
#define DPL(n) ((uint64_t)(n) << 45)
#define TYPE(n) ((uint64_t)(n) << 40) /* with S, bit 44, as the fifth bit */

static struct vcpu *v;

static void setup(void)
{
    v = trap_fixture();
}

static void finish(void)
{
    ck_assert_uint_eq(descriptor_audit(v), 0);
    descriptor_drop(v);
    ck_assert_uint_eq(frame_type(guest_frame(GDT_PAGE)) & PT_COUNT_MASK, 0);
    ck_assert_uint_eq(frame_type(guest_frame(LDT_PAGES)) & PT_COUNT_MASK, 0);
    trap_fixture_end();
}

/* Every type with S, DPL and P, against the rule as Xen's ABI has it. */
START_TEST(rule)
{
    for (unsigned type = 0; type < 32; type++) {
        for (unsigned dpl = 0; dpl < 4; dpl++) {
            uint64_t desc = TYPE(type) | DPL(dpl) | 0x00cf00000000ffffull, fixed;

            ck_assert(descriptor_check(desc, &fixed)); /* not present: anything */
            ck_assert_uint_eq(fixed, desc);
            ck_assert_int_eq(descriptor_check(desc | PRESENT, &fixed), type >= 16 || type == 0);
            ck_assert_uint_eq(fixed & DPL(3), DPL(3));
            ck_assert_uint_eq(fixed & ~DPL(3), (desc | PRESENT) & ~DPL(3));
        }
    }
}
END_TEST

START_TEST(page_is_fixed_in_place)
{
    mfn_t mfn = guest_frame(LDT_PAGES);

    guest_put_word(LDT_PAGES + 8, 0x00af9b000000ffffull); /* code64, DPL 0 */
    guest_put_word(LDT_PAGES + 4088, 0x00cf93000000ffffull);
    ck_assert(descriptor_page_validate(mfn));
    ck_assert_uint_eq(guest_word(LDT_PAGES + 8), DESC_CODE64);
    ck_assert_uint_eq(guest_word(LDT_PAGES + 4088), DESC_DATA);
    guest_put_word(LDT_PAGES + 2048, PRESENT | TYPE(9)); /* a TSS */
    ck_assert(!descriptor_page_validate(mfn));
}
END_TEST

START_TEST(gdt_replaces_and_drops)
{
    uint64_t frames[GDT_GUEST_FRAMES] = {guest_frame(LDT_PAGES).n,
                                         guest_frame(LDT_PAGES + PAGE_SIZE).n};

    guest_put(KERNEL_DATA, frames, sizeof(frames));
    ck_assert_int_eq(do_set_gdt(v, KERNEL_DATA, 513), 0);
    ck_assert_uint_eq(v->gdt_ents, 513);
    ck_assert_uint_eq(frame_type(guest_frame(GDT_PAGE)) & PT_COUNT_MASK, 0);
    ck_assert_uint_eq(frame_type(guest_frame(LDT_PAGES)) & PT_COUNT_MASK, 1);
    ck_assert_uint_eq(frame_type(guest_frame(LDT_PAGES + PAGE_SIZE)) & PT_COUNT_MASK, 1);
    ck_assert_uint_eq(descriptor_audit(v), 0);
    ck_assert_int_eq(do_set_gdt(v, KERNEL_DATA, 512), 0); /* the second goes */
    ck_assert_uint_eq(frame_type(guest_frame(LDT_PAGES + PAGE_SIZE)) & PT_COUNT_MASK, 0);
    ck_assert_int_eq(do_set_gdt(v, 0, 0), 0);
    ck_assert_uint_eq(frame_type(guest_frame(LDT_PAGES)) & PT_COUNT_MASK, 0);
}
END_TEST

/* A refused set_gdt leaves the old table and takes nothing. */
START_TEST(gdt_refusals)
{
    uint64_t frames[2] = {guest_frame(LDT_PAGES).n, 1ull << 40};

    guest_put(KERNEL_DATA, frames, sizeof(frames));
    ck_assert_int_eq(do_set_gdt(v, KERNEL_DATA, 7169), -XEN_EINVAL);
    ck_assert_int_eq(do_set_gdt(v, KERNEL_DATA, 1ull << 32), -XEN_EINVAL);
    ck_assert_int_eq(do_set_gdt(v, HOLE, 1), -XEN_EFAULT);
    ck_assert_int_eq(do_set_gdt(v, KERNEL_DATA, 1024), -XEN_EINVAL); /* no such frame */
    guest_put_word(LDT_PAGES + 16, PRESENT | TYPE(12));              /* a call gate */
    ck_assert_int_eq(do_set_gdt(v, KERNEL_DATA, 1), -XEN_EINVAL);
    ck_assert_uint_eq(frame_type(guest_frame(LDT_PAGES)) & PT_COUNT_MASK, 0);
    ck_assert_uint_eq(v->gdt_ents, 16);
    ck_assert_uint_eq(v->gdt_frames[0].n, guest_frame(GDT_PAGE).n);
}
END_TEST

START_TEST(ldt_maps_on_demand)
{
    uint64_t desc;

    guest_put_word(LDT_PAGES + PAGE_SIZE, DESC_CODE32);
    ck_assert_int_eq(ldt_set(v, LDT_PAGES, 520), 0);
    ck_assert(!descriptor_read(v, 512 << 3 | 7, &desc));
    v->regs.error_code = 0;
    trap_from_guest(v, VECTOR_PF, ldt_window_address(v, 512 * 8));
    ck_assert_uint_eq(v->regs.rip, KERNEL_CODE + 0x1800); /* the access is tried again */
    ck_assert_uint_eq(v->ldt_mapped, 2);
    ck_assert(descriptor_read(v, 512 << 3 | 7, &desc));
    ck_assert_uint_eq(desc, DESC_CODE32);
    ck_assert(!descriptor_read(v, 520 << 3 | 7, &desc));
    ck_assert(ldt_fault(v, 512 * 8 + 4)); /* again is harmless */
    ck_assert_uint_eq(descriptor_audit(v), 0);
    ck_assert_int_eq(ldt_set(v, LDT_PAGES, 520), 0); /* the same again: a fresh start */
    ck_assert_uint_eq(v->ldt_mapped, 0);
    ck_assert_uint_eq(frame_type(guest_frame(LDT_PAGES + PAGE_SIZE)) & PT_COUNT_MASK, 0);
}
END_TEST

START_TEST(ldt_fault_beyond_the_table_is_the_guests)
{
    ck_assert_int_eq(ldt_set(v, LDT_PAGES, 16), 0);
    v->regs.error_code = 0;
    trap_from_guest(v, VECTOR_PF, ldt_window_address(v, 16 * 8));
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_PF));
    ck_assert_uint_eq(v->info->arch.cr2, LDT_PAGES + 16 * 8);
}
END_TEST

START_TEST(ldt_of_pages_that_cannot_be)
{
    ck_assert_int_eq(ldt_set(v, KERNEL_DATA, 16), 0); /* mapped writable */
    ck_assert(!ldt_fault(v, 0) || frame_type(guest_frame(KERNEL_DATA)) >> 61 == PT_SEGDESC >> 61);
    ck_assert_int_eq(ldt_set(v, HOLE, 16), 0);
    ck_assert(!ldt_fault(v, 0));
    guest_put_word(LDT_PAGES, PRESENT | TYPE(5));
    ck_assert_int_eq(ldt_set(v, LDT_PAGES, 16), 0);
    ck_assert(!ldt_fault(v, 0));
}
END_TEST

START_TEST(ldt_refusals)
{
    ck_assert_int_eq(ldt_set(v, LDT_PAGES, 8193), -XEN_EINVAL);
    ck_assert_int_eq(ldt_set(v, LDT_PAGES + 8, 16), -XEN_EINVAL);
    ck_assert_int_eq(ldt_set(v, HYPERVISOR_RANGE_START, 16), -XEN_EINVAL);
    ck_assert_int_eq(ldt_set(v, 0x0000800000000000ull, 16), -XEN_EINVAL);
    ck_assert_int_eq(ldt_set(v, 0, 0), 0);
    ck_assert(!ldt_fault(v, 0));
}
END_TEST

START_TEST(update_descriptor)
{
    uint64_t gdt = guest_frame(GDT_PAGE).n << PAGE_SHIFT;
    uint64_t data = guest_frame(KERNEL_DATA).n << PAGE_SHIFT;

    ck_assert_int_eq(do_update_descriptor(v, gdt + 0x60, 0x00cf93000000ffffull), 0);
    ck_assert_uint_eq(guest_word(GDT_PAGE + 0x60), DESC_DATA);
    ck_assert_int_eq(do_update_descriptor(v, data + 8, 0x00cf93000000ffffull), 0);
    ck_assert_uint_eq(guest_word(KERNEL_DATA + 8), DESC_DATA);
    ck_assert_int_eq(do_update_descriptor(v, gdt + 0x61, 0), -XEN_EINVAL);
    ck_assert_int_eq(do_update_descriptor(v, gdt + 0x60, PRESENT | TYPE(14)), -XEN_EINVAL);
    ck_assert_int_eq(do_update_descriptor(v, 1ull << 50, 0), -XEN_EINVAL);
    ck_assert_int_eq(do_update_descriptor(v, ~7ull, 0), -XEN_EINVAL);
    ck_assert_uint_eq(guest_word(GDT_PAGE + 0x60), DESC_DATA);
}
END_TEST

START_TEST(segment_bases)
{
    ck_assert_int_eq(do_set_segment_base(v, SEGBASE_FS, 0x1000), 0);
    ck_assert_int_eq(do_set_segment_base(v, SEGBASE_GS_USER, 0x2000), 0);
    ck_assert_int_eq(do_set_segment_base(v, SEGBASE_GS_KERNEL, 0xffff888000000000ull), 0);
    ck_assert_uint_eq(machine_get_segment_base(v, SEGMENT_FS), 0x1000);
    ck_assert_uint_eq(machine_get_segment_base(v, SEGMENT_GS_USER), 0x2000);
    ck_assert_uint_eq(machine_get_segment_base(v, SEGMENT_GS_KERNEL), 0xffff888000000000ull);
    for (unsigned which = 0; which < 3; which++) {
        ck_assert_int_eq(do_set_segment_base(v, which, 0x0000800000000000ull), -XEN_EINVAL);
    }
    ck_assert_int_eq(do_set_segment_base(v, 4, 0), -XEN_EINVAL);
    ck_assert_int_eq(do_set_segment_base(v, ~0ull, 0), -XEN_EINVAL);
    for (unsigned selector = 0; selector < 0x10000; selector += 0xfff) {
        ck_assert_int_eq(do_set_segment_base(v, SEGBASE_GS_USER_SEL, selector), 0);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("descriptor");
    TCase *c = tcase_create("descriptor");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, finish);
    tcase_add_test(c, rule);
    tcase_add_test(c, page_is_fixed_in_place);
    tcase_add_test(c, gdt_replaces_and_drops);
    tcase_add_test(c, gdt_refusals);
    tcase_add_test(c, ldt_maps_on_demand);
    tcase_add_test(c, ldt_fault_beyond_the_table_is_the_guests);
    tcase_add_test(c, ldt_of_pages_that_cannot_be);
    tcase_add_test(c, ldt_refusals);
    tcase_add_test(c, update_descriptor);
    tcase_add_test(c, segment_bases);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
