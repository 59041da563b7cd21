/* SPDX-License-Identifier: MIT */
/* Routing of exceptions, `int n`, the trap table and the small calls beside it. */
#include "guest.h"
#include "handlers.h"
#include "trap_fixture.h"

static struct vcpu *v;

static void setup(void)
{
    v = trap_fixture();
    v->hc.budget = HYPERCALL_BUDGET;
}

static void fault(unsigned vector, uint32_t error_code, uint64_t cr2)
{
    v->regs.error_code = error_code;
    trap_from_guest(v, vector, cr2);
}

static void code(const char *bytes, size_t count)
{
    guest_put(v->regs.rip, bytes, count);
}

#define CODE(s) code(s, sizeof(s) - 1)

static uint64_t pushed_error(void)
{
    return guest_word(v->regs.rsp + 16);
}

START_TEST(plain_exceptions_go_to_the_guest)
{
    fault((unsigned)_i, 0, 0);
    ck_assert(!v->domain->crashed);
    ck_assert_uint_eq(v->regs.rip, HANDLER(_i));
}
END_TEST

START_TEST(vectors_nobody_expects_do_nothing)
{
    struct cpu_user_regs old = v->regs;

    if (_i == VECTOR_INT80) {
        return;
    }
    fault((unsigned)_i, 0, 0);
    ck_assert(!v->domain->crashed);
    ck_assert_mem_eq(&old, &v->regs, sizeof(old));
}
END_TEST

START_TEST(page_fault_goes_to_the_guest)
{
    fault(VECTOR_PF, PF_USER | PF_WRITE, 0x123456);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_PF));
    ck_assert_uint_eq(pushed_error(), PF_WRITE);
    ck_assert_uint_eq(v->info->arch.cr2, 0x123456);
}
END_TEST

START_TEST(page_fault_in_the_hypervisors_range)
{
    static const uint64_t addresses[] = {HYPERVISOR_RANGE_START, HYPERVISOR_RANGE_START + 0x1234,
                                         0xffff830000000000ull, HYPERVISOR_RANGE_END - 1};

    fault(VECTOR_PF, PF_PRESENT | PF_USER, addresses[_i]);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_PF));
    ck_assert_uint_eq(pushed_error(), 0); /* to the guest nothing is there */
    ck_assert_uint_eq(v->info->arch.cr2, addresses[_i]);
    enter_user(v);
    fault(VECTOR_PF, PF_PRESENT | PF_WRITE | PF_USER, addresses[_i]);
    ck_assert_uint_eq(pushed_error(), PF_WRITE | PF_USER);
}
END_TEST

START_TEST(general_protection_keeps_its_error_code)
{
    fault(VECTOR_GP, 0x33 & ~3u, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_GP));
    ck_assert_uint_eq(pushed_error(), 0x30);
}
END_TEST

/* QEMU 7.2 pushes 16 * n + 2: whatever it says, the instruction decides. */
START_TEST(int_n_allowed)
{
    uint64_t rip = v->regs.rip;

    v->traps[0x21].dpl = 1;
    CODE("\xcd\x21");
    fault(VECTOR_GP, 0x21 * 16 + 2, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(0x21));
    ck_assert_uint_eq(guest_word(v->regs.rsp + 16), rip + 2); /* no error code in this frame */
}
END_TEST

START_TEST(int_n_pushes_no_error_code_for_any_vector)
{
    v->traps[14].dpl = 3;
    CODE("\xcd\x0e");
    fault(VECTOR_GP, 14 * 8 + 2, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(14));
    ck_assert_uint_eq(v->regs.rsp, KERNEL_STACK + 0x800 - 7 * 8);
}
END_TEST

START_TEST(int_n_refused)
{
    uint64_t rip = v->regs.rip;

    CODE("\xcd\x21");
    fault(VECTOR_GP, 0x21 * 16 + 2, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_GP));
    ck_assert_uint_eq(pushed_error(), 0x21 << 3 | 2);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 24), rip);
}
END_TEST

START_TEST(int_n_from_user_needs_dpl_3)
{
    static const uint8_t insn[] = {0xcd, 0x21};

    v->traps[0x21].dpl = 1;
    enter_user(v);
    guest_put(v->regs.rip, insn, 2);
    fault(VECTOR_GP, 0x21 * 8 + 2, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_GP));
    v->traps[0x21].dpl = 3;
    enter_user(v);
    fault(VECTOR_GP, 0x21 * 8 + 2, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(0x21));
}
END_TEST

START_TEST(int_n_without_handler_is_refused)
{
    v->traps[0x21] = (struct guest_entry){.dpl = 3};
    CODE("\xcd\x21");
    fault(VECTOR_GP, 0x21 * 8 + 2, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_GP));
}
END_TEST

/* The bytes changed under us, or cannot be read: the error code is passed on. */
START_TEST(idt_error_without_an_int_instruction)
{
    CODE("\x90\x90");
    fault(VECTOR_GP, 0x21 * 8 + 2, 0);
    ck_assert_uint_eq(pushed_error(), 0x21 * 8 + 2);
    v->regs.rip = HOLE;
    fault(VECTOR_GP, 0x21 * 8 + 2, 0);
    ck_assert_uint_eq(pushed_error(), 0x21 * 8 + 2);
    v->regs.rip = CODE_END - 1;
    guest_put(CODE_END - 1, "\xcd", 1);
    fault(VECTOR_GP, 0x21 * 8 + 2, 0);
    ck_assert_uint_eq(pushed_error(), 0x21 * 8 + 2);
}
END_TEST

START_TEST(int3_and_int_with_prefixes)
{
    uint64_t rip = v->regs.rip;

    v->traps[VECTOR_BP].dpl = 3;
    CODE("\x66\x2e\xcc");
    fault(VECTOR_GP, 3 * 8 + 2, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_BP));
    ck_assert_uint_eq(guest_word(v->regs.rsp + 16), rip + 3);
}
END_TEST

START_TEST(int80)
{
    uint64_t rip = v->regs.rip;

    fault(VECTOR_INT80, 0, 0); /* DPL 0: not for anybody */
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_GP));
    ck_assert_uint_eq(pushed_error(), 0x80 << 3 | 2);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 24), rip - 2);
    v->traps[0x80].dpl = 3;
    enter_user(v);
    rip = v->regs.rip;
    fault(VECTOR_INT80, 0, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(0x80));
    ck_assert_uint_eq(guest_word(v->regs.rsp + 16), rip);
}
END_TEST

START_TEST(debug_status_reaches_the_guest)
{
    uint64_t dr6;

    machine_give_dr6(0xffff0ff0 | 1u << 14 | 2);
    fault(VECTOR_DB, 0, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_DB));
    ck_assert_int_eq(debugreg_get(v, 6, &dr6), 0);
    ck_assert_uint_eq(dr6, 0xffff0ff0 | 1u << 14 | 2);
}
END_TEST

START_TEST(task_switched)
{
    ck_assert_int_eq(do_fpu_taskswitch(v, 1), 0);
    ck_assert(machine_ts());
    fault(VECTOR_NM, 0, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_NM));
    ck_assert(!machine_ts());
    ck_assert(!v->cr0_ts);
    ck_assert_int_eq(do_fpu_taskswitch(v, 0), 0);
    ck_assert(!machine_ts());
}
END_TEST

START_TEST(trap_table)
{
    const trap_info_t table[] = {{.vector = 3, .flags = 3, .address = 0x1000},
                                 {.vector = 0x80, .flags = 7, .address = 0x2000},
                                 {.address = 0},
                                 {.vector = 5, .address = 0x3000}};

    guest_put(KERNEL_DATA, table, sizeof(table));
    ck_assert_int_eq(do_set_trap_table(v, KERNEL_DATA), 0);
    ck_assert_uint_eq(v->traps[3].address, 0x1000);
    ck_assert_uint_eq(v->traps[3].dpl, 3);
    ck_assert(!v->traps[3].mask_events);
    ck_assert_uint_eq(v->traps[0x80].address, 0x2000);
    ck_assert(v->traps[0x80].mask_events);
    ck_assert_uint_eq(v->traps[5].address, HANDLER(5)); /* behind the end */
    ck_assert_int_eq(do_set_trap_table(v, 0), 0);
    for (unsigned i = 0; i < 256; i++) {
        ck_assert_uint_eq(v->traps[i].address, 0);
    }
}
END_TEST

START_TEST(trap_table_refusals)
{
    trap_info_t info = {.vector = 3, .address = 0x0000800000000000ull};

    guest_put(KERNEL_DATA, &info, sizeof(info));
    ck_assert_int_eq(do_set_trap_table(v, KERNEL_DATA), -XEN_EINVAL);
    ck_assert_uint_eq(v->traps[3].address, HANDLER(3));
    ck_assert_int_eq(do_set_trap_table(v, HOLE), -XEN_EFAULT);
    ck_assert_int_eq(do_set_trap_table(v, HYPERVISOR_RANGE_START), -XEN_EFAULT);
    ck_assert_int_eq(do_set_trap_table(v, ~0ull), -XEN_EFAULT);
    info.address = 0x1000; /* the second element lies in the next, missing page */
    guest_put(KERNEL_STACK_TOP - 16, &info, sizeof(info));
    ck_assert_int_eq(do_set_trap_table(v, KERNEL_STACK_TOP - 16), -XEN_EFAULT);
    ck_assert_uint_eq(v->traps[3].address, 0x1000);
}
END_TEST

/* A table without an end is served in pieces. */
START_TEST(trap_table_is_preempted)
{
    unsigned restarts = 0;
    long ret;

    for (unsigned i = 0; i < 2 * PAGE_SIZE / sizeof(trap_info_t); i++) {
        trap_info_t info = {.vector = (uint8_t)i, .address = 0x1000 + i};

        guest_put(KERNEL_DATA + i * sizeof(info), &info, sizeof(info));
    }
    v->hc.args[0] = KERNEL_DATA;
    do {
        v->hc.budget = 64;
        ret = do_set_trap_table(v, v->hc.args[0]);
        restarts++;
        ck_assert_uint_lt(restarts, 1000);
    } while (ret == -XEN_ERESTART);
    ck_assert_int_eq(ret, -XEN_EFAULT);
    ck_assert_uint_gt(restarts, 10);
    ck_assert_uint_eq(v->traps[255].address, 0x1000 + 511);
}
END_TEST

START_TEST(stack_switch)
{
    ck_assert_int_eq(do_stack_switch(v, 0x18, 0x123450), 0);
    ck_assert_uint_eq(v->kernel_sp, 0x123450);
    ck_assert_uint_eq(v->kernel_ss, 0x1b);
}
END_TEST

START_TEST(write_fault_on_a_page_table_is_emulated)
{
    uint64_t rip = v->regs.rip;

    CODE("\x48\x89\x07"); /* mov %rax, (%rdi) */
    v->regs.rdi = PAGE_TABLE + PAGE_SIZE - 8;
    v->regs.rax = 0; /* an absent entry */
    fault(VECTOR_PF, PF_PRESENT | PF_WRITE | PF_USER, v->regs.rdi);
    ck_assert_uint_eq(v->regs.rip, rip + 3);
    enter_user(v); /* not for user code */
    fault(VECTOR_PF, PF_PRESENT | PF_WRITE | PF_USER, v->regs.rdi);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_PF));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("trap");
    TCase *c = tcase_create("trap");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, trap_fixture_end);
    tcase_add_loop_test(c, plain_exceptions_go_to_the_guest, 0, 32);
    tcase_add_loop_test(c, vectors_nobody_expects_do_nothing, 32, 256);
    tcase_add_test(c, page_fault_goes_to_the_guest);
    tcase_add_loop_test(c, page_fault_in_the_hypervisors_range, 0, 4);
    tcase_add_test(c, general_protection_keeps_its_error_code);
    tcase_add_test(c, int_n_allowed);
    tcase_add_test(c, int_n_pushes_no_error_code_for_any_vector);
    tcase_add_test(c, int_n_refused);
    tcase_add_test(c, int_n_from_user_needs_dpl_3);
    tcase_add_test(c, int_n_without_handler_is_refused);
    tcase_add_test(c, idt_error_without_an_int_instruction);
    tcase_add_test(c, int3_and_int_with_prefixes);
    tcase_add_test(c, int80);
    tcase_add_test(c, debug_status_reaches_the_guest);
    tcase_add_test(c, task_switched);
    tcase_add_test(c, trap_table);
    tcase_add_test(c, trap_table_refusals);
    tcase_add_test(c, trap_table_is_preempted);
    tcase_add_test(c, stack_switch);
    tcase_add_test(c, write_fault_on_a_page_table_is_emulated);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
