/* SPDX-License-Identifier: MIT */
/* The iret hypercall with honest and forged frames. */
#include "handlers.h"
#include "trap_fixture.h"

static struct vcpu *v;

static void setup(void)
{
    v = trap_fixture();
    v->regs.rsp = KERNEL_STACK + 0x100;
}

static const struct iret_context to_user = {.rax = 1,
                                            .r11 = 2,
                                            .rcx = 3,
                                            .flags = 0,
                                            .rip = USER_CODE + 4,
                                            .cs = 0x33,
                                            .rflags = 0x246,
                                            .rsp = USER_STACK_TOP - 16,
                                            .ss = 0x2b};

static void iret(struct iret_context frame)
{
    guest_put(v->regs.rsp, &frame, sizeof(frame));
    v->hc.skip_return = false;
    ck_assert_int_eq(do_iret(v), 0);
    ck_assert(v->hc.skip_return);
}

START_TEST(to_user_mode)
{
    iret(to_user);
    ck_assert(!v->kernel_mode);
    ck_assert_uint_eq(toggles(), 1);
    ck_assert_uint_eq(v->regs.rip, USER_CODE + 4);
    ck_assert_uint_eq(v->regs.rsp, USER_STACK_TOP - 16);
    ck_assert_uint_eq(v->regs.cs, 0x33);
    ck_assert_uint_eq(v->regs.ss, 0x2b);
    ck_assert_uint_eq(v->regs.rflags, 0x246);
    ck_assert_uint_eq(v->regs.rax, 1);
    ck_assert_uint_eq(v->regs.r11, 2);
    ck_assert_uint_eq(v->regs.rcx, 3);
    ck_assert_uint_eq(v->info->evtchn_upcall_mask, 0);
}
END_TEST

START_TEST(to_kernel_mode)
{
    struct iret_context f = to_user;

    f.cs = 0xe030; /* what a bounce frame shows for the kernel */
    f.rflags = 0x046;
    iret(f);
    ck_assert(v->kernel_mode);
    ck_assert_uint_eq(toggles(), 0);
    ck_assert_uint_eq(v->regs.cs, 0xe033);
    ck_assert_uint_eq(v->regs.rflags, 0x246); /* hardware's IF is on all the same */
    ck_assert_uint_eq(v->info->evtchn_upcall_mask, 1);
}
END_TEST

START_TEST(bounce_and_back)
{
    struct cpu_user_regs old;
    uint64_t frame[9];

    v->info->evtchn_upcall_mask = 1;
    old = v->regs;
    trap_inject(v, VECTOR_DE, 0);
    /* What the guest's handler does: pop rcx, r11; push what iret wants above the frame. */
    frame[0] = v->regs.rax;
    frame[1] = guest_word(v->regs.rsp + 8);
    frame[2] = guest_word(v->regs.rsp);
    frame[3] = 0;
    for (unsigned i = 0; i < 5; i++) {
        frame[4 + i] = guest_word(v->regs.rsp + 16 + 8 * i);
    }
    guest_put(KERNEL_STACK + 0x800, frame, sizeof(frame));
    v->regs.rsp = KERNEL_STACK + 0x800;
    v->info->evtchn_upcall_mask = 0;
    do_iret(v);
    ck_assert_mem_eq(&v->regs, &old, sizeof(old));
    ck_assert_uint_eq(v->info->evtchn_upcall_mask, 1);
}
END_TEST

START_TEST(forged_selectors_and_flags)
{
    struct iret_context f = to_user;

    f.cs = 0xdeadbeef00000003ull;
    f.ss = 0xffffffffffff0010ull;
    f.rflags = ~0ull;
    iret(f);
    ck_assert_uint_eq(v->regs.cs, 0x0003);
    ck_assert_uint_eq(v->regs.ss, 0x0013);
    ck_assert_uint_eq(v->regs.rflags & (RFLAGS_IOPL | RFLAGS_VM | RFLAGS_VIF | RFLAGS_VIP), 0);
    ck_assert_uint_eq(v->regs.rflags >> 22, 0);
    ck_assert_uint_eq(v->regs.rflags & 0x202, 0x202);
    ck_assert_uint_eq(v->regs.saved_upcall_mask, 0);
}
END_TEST

START_TEST(in_syscall_keeps_rcx_and_r11_as_sysret_does)
{
    struct iret_context f = to_user;

    f.flags = VGCF_in_syscall;
    iret(f);
    ck_assert_uint_eq(v->regs.rcx, USER_CODE + 4);
    ck_assert_uint_eq(v->regs.r11, 0x246);
}
END_TEST

START_TEST(no_user_root_crashes)
{
    mfn_t user_root = v->guest_table_user;

    v->guest_table_user = MFN_NONE;
    iret(to_user);
    v->guest_table_user = user_root;
    ck_assert(v->domain->crashed);
    ck_assert(v->kernel_mode);
    ck_assert_ptr_nonnull(strstr(v->domain->why, "user page table"));
}
END_TEST

START_TEST(unreadable_frame_crashes)
{
    static const uint64_t stacks[] = {0,
                                      HOLE,
                                      KERNEL_STACK_TOP - 64,
                                      HYPERVISOR_RANGE_START,
                                      HYPERVISOR_RANGE_START - 8,
                                      0x0000800000000000ull,
                                      0xfffffffffffffff0ull};
    struct cpu_user_regs old;

    v->regs.rsp = stacks[_i];
    old = v->regs;
    ck_assert_int_eq(do_iret(v), 0);
    ck_assert(v->domain->crashed);
    ck_assert_mem_eq(&v->regs, &old, sizeof(old));
}
END_TEST

START_TEST(architectural_iopl_is_taken)
{
    struct iret_context f = to_user;

    f.rflags |= 3u << 12;
    iret(f);
    ck_assert_uint_eq(v->iopl, 0);
    v = trap_fixture();
    v->domain->vm_assist = 1u << VMASST_TYPE_architectural_iopl;
    iret(f);
    ck_assert_uint_eq(v->iopl, 3);
}
END_TEST

START_TEST(sanitize_any_registers)
{
    struct cpu_user_regs regs;

    memset(&regs, 0xff, sizeof(regs));
    trap_sanitize(&regs);
    ck_assert_uint_eq(regs.cs & 3, 3);
    ck_assert_uint_eq(regs.ss & 3, 3);
    ck_assert_uint_eq(regs.rflags, 0x254fd7);
    memset(&regs, 0, sizeof(regs));
    trap_sanitize(&regs);
    ck_assert_uint_eq(regs.cs, 3);
    ck_assert_uint_eq(regs.rflags, 0x202);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("iret");
    TCase *c = tcase_create("iret");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, trap_fixture_end);
    tcase_add_test(c, to_user_mode);
    tcase_add_test(c, to_kernel_mode);
    tcase_add_test(c, bounce_and_back);
    tcase_add_test(c, forged_selectors_and_flags);
    tcase_add_test(c, in_syscall_keeps_rcx_and_r11_as_sysret_does);
    tcase_add_test(c, no_user_root_crashes);
    tcase_add_loop_test(c, unreadable_frame_crashes, 0, 7);
    tcase_add_test(c, architectural_iopl_is_taken);
    tcase_add_test(c, sanitize_any_registers);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
