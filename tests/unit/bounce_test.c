/* SPDX-License-Identifier: MIT */
/* Bounce frames word by word, and what happens when one cannot be made. */
#include "trap_fixture.h"

#define BIT(n) (1ull << (n))

static struct vcpu *v;

static void setup(void)
{
    v = trap_fixture();
}

/* The seven or eight words at the guest's new stack pointer. */
static void check_frame(const struct cpu_user_regs *old, unsigned error_words, uint64_t cs,
                        uint64_t rflags)
{
    uint64_t sp = v->regs.rsp, up = sp + 8 * error_words;

    ck_assert_uint_eq(guest_word(sp), old->rcx);
    ck_assert_uint_eq(guest_word(sp + 8), old->r11);
    ck_assert_uint_eq(guest_word(up + 16), old->rip);
    ck_assert_uint_eq(guest_word(up + 24), cs);
    ck_assert_uint_eq(guest_word(up + 32), rflags);
    ck_assert_uint_eq(guest_word(up + 40), old->rsp);
    ck_assert_uint_eq(guest_word(up + 48), old->ss);
}

static void check_entered(uint64_t handler)
{
    ck_assert(!v->domain->crashed);
    ck_assert(v->kernel_mode);
    ck_assert_uint_eq(v->regs.rip, handler);
    ck_assert_uint_eq(v->regs.cs, FLAT_RING3_CS64);
    ck_assert_uint_eq(v->regs.ss, FLAT_RING3_SS64);
    ck_assert_uint_eq(v->regs.rflags &
                          (RFLAGS_TF | RFLAGS_VM | RFLAGS_RF | RFLAGS_NT | RFLAGS_AC | RFLAGS_IOPL),
                      0);
    ck_assert(v->regs.rflags & RFLAGS_IF);
}

START_TEST(exception_without_error_code)
{
    struct cpu_user_regs old = v->regs;

    trap_inject(v, VECTOR_UD, 0xdead);
    check_entered(HANDLER(VECTOR_UD));
    /* 7 words below the old stack pointer rounded down to 16: KERNEL_STACK + 0x800. */
    ck_assert_uint_eq(v->regs.rsp, KERNEL_STACK + 0x800 - 7 * 8);
    check_frame(&old, 0, 0xe030, 0x202);
    ck_assert_uint_eq(toggles(), 0);
    ck_assert_uint_eq(v->info->evtchn_upcall_mask, 0);
    ck_assert_uint_eq(v->regs.rax, old.rax);
}
END_TEST

START_TEST(exception_with_error_code)
{
    static const unsigned vectors[] = {8, 10, 11, 12, 13, 14, 17};
    struct cpu_user_regs old = v->regs;
    unsigned i = _i;

    trap_inject(v, vectors[i], 0x12345678);
    check_entered(HANDLER(vectors[i]));
    ck_assert_uint_eq(v->regs.rsp, KERNEL_STACK + 0x800 - 8 * 8);
    check_frame(&old, 1, 0xe030, 0x202);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 16), 0x12345678);
}
END_TEST

START_TEST(from_user_mode)
{
    struct cpu_user_regs old;

    enter_user(v);
    v->regs.rflags = 0x246 | RFLAGS_TF | RFLAGS_AC | RFLAGS_IOPL;
    old = v->regs;
    trap_inject(v, VECTOR_GP, 0x18);
    check_entered(HANDLER(VECTOR_GP));
    ck_assert_uint_eq(toggles(), 1);
    ck_assert_uint_eq(v->regs.rsp, KERNEL_STACK_TOP - 8 * 8);
    check_frame(&old, 1, 0x33, 0x246 | RFLAGS_TF | RFLAGS_AC); /* RPL kept, IOPL hidden */
}
END_TEST

START_TEST(kernel_stack_is_rounded)
{
    enter_user(v);
    v->kernel_sp = KERNEL_STACK + 0x80f;
    trap_inject(v, VECTOR_DE, 0);
    ck_assert_uint_eq(v->regs.rsp, KERNEL_STACK + 0x800 - 7 * 8);
}
END_TEST

START_TEST(upcall_mask_is_saved_and_set)
{
    v->info->evtchn_upcall_mask = 1;
    v->traps[VECTOR_DE].mask_events = true;
    trap_inject(v, VECTOR_DE, 0);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 24), 0xe030 | BIT(32));
    ck_assert_uint_eq(guest_word(v->regs.rsp + 32), 0x002); /* IF = !mask */
    ck_assert_uint_eq(v->info->evtchn_upcall_mask, 1);

    v->info->evtchn_upcall_mask = 0;
    trap_inject(v, VECTOR_DE, 0);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 24), 0xe030);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 32), 0x202);
    ck_assert_uint_eq(v->info->evtchn_upcall_mask, 1);
}
END_TEST

START_TEST(event_masks_always)
{
    struct cpu_user_regs old = v->regs;

    trap_event_upcall(v);
    check_entered(EVENT_HANDLER);
    check_frame(&old, 0, 0xe030, 0x202);
    ck_assert_uint_eq(v->info->evtchn_upcall_mask, 1);
}
END_TEST

START_TEST(syscall_from_user)
{
    struct cpu_user_regs old;

    enter_user(v);
    v->regs.rflags |= RFLAGS_DF | RFLAGS_TF;
    v->regs.rcx = v->regs.rip;
    v->regs.r11 = v->regs.rflags;
    old = v->regs;
    trap_syscall(v);
    check_entered(SYSCALL_HANDLER);
    check_frame(&old, 0, 0x33, old.rflags);
    ck_assert(!(v->regs.rflags & RFLAGS_DF));
    ck_assert_uint_eq(v->info->evtchn_upcall_mask, 0);
}
END_TEST

START_TEST(syscall_without_callback_is_ud)
{
    uint64_t rip;

    enter_user(v);
    rip = v->regs.rip;
    v->syscall_callback.address = 0;
    trap_syscall(v);
    check_entered(HANDLER(VECTOR_UD));
    ck_assert_uint_eq(guest_word(v->regs.rsp + 16), rip - 2);
}
END_TEST

START_TEST(syscall32)
{
    struct cpu_user_regs old;

    enter_user(v);
    v->regs.rip = 0x10001;
    v->regs.cs = FLAT_RING3_CS32;
    trap_syscall32(v);
    check_entered(HANDLER(VECTOR_UD));
    ck_assert_uint_eq(guest_word(v->regs.rsp + 16), 0xffff);
    v->syscall32_callback.address = SYSCALL_HANDLER;
    enter_user(v);
    v->regs.cs = FLAT_RING3_CS32;
    old = v->regs;
    trap_syscall32(v);
    check_entered(SYSCALL_HANDLER);
    check_frame(&old, 0, FLAT_RING3_CS32, 0x202);
    trap_syscall32(v); /* and now in kernel mode */
    check_entered(HANDLER(VECTOR_UD));
}
END_TEST

START_TEST(failsafe_frame)
{
    struct cpu_user_regs old = v->regs;

    v->failsafe_callback.mask_events = true;
    trap_failsafe(v);
    check_entered(FAILSAFE_HANDLER);
    ck_assert_uint_eq(v->regs.rsp, KERNEL_STACK + 0x800 - 11 * 8);
    ck_assert_uint_eq(guest_word(v->regs.rsp), old.rcx);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 8), old.r11);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 16), old.ds);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 24), old.es);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 32), old.fs);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 40), old.gs);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 48), old.rip);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 56), 0xe030);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 64), 0x202);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 72), old.rsp);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 80), old.ss);
    ck_assert_uint_eq(v->info->evtchn_upcall_mask, 1);
}
END_TEST

START_TEST(failsafe_without_callback_is_gp)
{
    v->failsafe_callback.address = 0;
    trap_failsafe(v);
    check_entered(HANDLER(VECTOR_GP));
    ck_assert_uint_eq(guest_word(v->regs.rsp + 16), 0);
}
END_TEST

START_TEST(iret_fault_is_gp_with_the_refused_frame)
{
    v->regs.rip = 0x0001000000000000ull; /* not canonical */
    trap_iret_fault(v);
    check_entered(HANDLER(VECTOR_GP));
    ck_assert_uint_eq(guest_word(v->regs.rsp + 24), 0x0001000000000000ull);
}
END_TEST

START_TEST(iret_fault_at_the_handler_ends_it)
{
    v->regs.rip = HANDLER(VECTOR_GP);
    trap_iret_fault(v);
    ck_assert(v->domain->crashed);
}
END_TEST

/* Each stack that cannot take a frame, in both modes, crashes the domain and says why. */
START_TEST(bad_stack_crashes)
{
    static const uint64_t stacks[] = {
        0,
        8,
        40,
        HOLE + 0x800,
        KERNEL_STACK + 0x30, /* reaches into the hole below */
        READ_ONLY + 0x800,
        HYPERVISOR_RANGE_START + 0x1000,
        HYPERVISOR_RANGE_END,
        HYPERVISOR_RANGE_END + 0x20, /* begins above, ends inside */
        0x0000800000000000ull,
        0x0000800000000010ull,
        0x8000000000000000ull,
        ~0ull,
    };
    unsigned i = (unsigned)_i / 2;

    if (_i & 1) {
        enter_user(v);
        v->kernel_sp = stacks[i];
    } else {
        v->regs.rsp = stacks[i];
    }
    trap_inject(v, VECTOR_PF, 0);
    ck_assert(v->domain->crashed);
    ck_assert_ptr_nonnull(strstr(v->domain->why, "kernel stack"));
}
END_TEST

START_TEST(missing_handler_crashes_and_names_it)
{
    v->traps[VECTOR_PF].address = 0;
    trap_inject_page_fault(v, 0xabc000, PF_WRITE | PF_USER);
    ck_assert(v->domain->crashed);
    ck_assert_ptr_nonnull(strstr(v->domain->why, "vector 14"));
    ck_assert_ptr_nonnull(strstr(v->domain->why, "rip 0xffffffff81001800"));
    ck_assert_ptr_nonnull(strstr(v->domain->why, "cr2 0xabc000"));
}
END_TEST

START_TEST(missing_event_callback_crashes)
{
    v->event_callback.address = 0;
    trap_event_upcall(v);
    ck_assert(v->domain->crashed);
}
END_TEST

START_TEST(page_fault_user_bit_is_the_guests)
{
    trap_inject_page_fault(v, 0x1000, PF_PRESENT | PF_WRITE | PF_USER);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 16), PF_PRESENT | PF_WRITE);
    ck_assert_uint_eq(v->info->arch.cr2, 0x1000);
    enter_user(v);
    trap_inject_page_fault(v, 0x2000, PF_FETCH);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 16), PF_FETCH | PF_USER);
    ck_assert_uint_eq(v->info->arch.cr2, 0x2000);
}
END_TEST

START_TEST(architectural_iopl_shows_iopl)
{
    v->iopl = 2;
    v->domain->vm_assist = 1u << VMASST_TYPE_architectural_iopl;
    trap_inject(v, VECTOR_DE, 0);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 32), 0x2202);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bounce");
    TCase *c = tcase_create("bounce");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, trap_fixture_end);
    tcase_add_test(c, exception_without_error_code);
    tcase_add_loop_test(c, exception_with_error_code, 0, 7);
    tcase_add_test(c, from_user_mode);
    tcase_add_test(c, kernel_stack_is_rounded);
    tcase_add_test(c, upcall_mask_is_saved_and_set);
    tcase_add_test(c, event_masks_always);
    tcase_add_test(c, syscall_from_user);
    tcase_add_test(c, syscall_without_callback_is_ud);
    tcase_add_test(c, syscall32);
    tcase_add_test(c, failsafe_frame);
    tcase_add_test(c, failsafe_without_callback_is_gp);
    tcase_add_test(c, iret_fault_is_gp_with_the_refused_frame);
    tcase_add_test(c, iret_fault_at_the_handler_ends_it);
    tcase_add_loop_test(c, bad_stack_crashes, 0, 26);
    tcase_add_test(c, missing_handler_crashes_and_names_it);
    tcase_add_test(c, missing_event_callback_crashes);
    tcase_add_test(c, page_fault_user_bit_is_the_guests);
    tcase_add_test(c, architectural_iopl_shows_iopl);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
