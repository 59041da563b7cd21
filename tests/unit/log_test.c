/* SPDX-License-Identifier: MIT */
/* Log lines, the ring, why-lines and their rate, panic; trace records and names of addresses. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "console_fixture.h"
#include "dispatch.h"
#include "log.h"
#include "symbols.h"
#include "trace.h"

static char text[1 << 17];
static struct domain *d;
static struct vcpu *v;

static void setup(void)
{
    machine_fixture(0);
    log_threshold = LOG_INFO;
    d = domain_create(3, "three", false, 16);
    v = vcpu_create(d, 0);
    serial_take(0, text, sizeof(text));
}

static const char *written(void)
{
    text[serial_take(0, text, sizeof(text) - 1)] = '\0';
    return text;
}

static unsigned lines(const char *s)
{
    unsigned n = 0;

    while ((s = strchr(s, '\n')) != NULL) {
        s++;
        n++;
    }
    return n;
}

START_TEST(a_line_has_time_and_level)
{
    pass_time(234567000);
    log_warning("x %d", 5);
    ck_assert_str_eq(written(), "[1.234567] W: x 5\n");
    log_debug("hidden");
    ck_assert_str_eq(written(), "");
    log_set_terminal(true);
    log_error("y");
    ck_assert_str_eq(written(), "[1.234567] E: y\r\n");
    log_set_terminal(false);
}
END_TEST

START_TEST(long_lines_are_cut_visibly)
{
    char longer[2000];

    memset(longer, 'q', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    log_info("%s", longer);
    ck_assert_uint_lt(strlen(written()), 600);
    ck_assert_str_eq(text + strlen(text) - 4, "...\n");
}
END_TEST

START_TEST(the_ring_keeps_the_newest)
{
    static char copy[70000];
    size_t bytes;

    for (unsigned i = 0; i < 5000; i++) {
        log_info("line number %u", i);
        serial_take(0, text, sizeof(text));
    }
    bytes = log_copy(copy, sizeof(copy) - 1);
    ck_assert_uint_eq(bytes, 65536);
    copy[bytes] = '\0';
    ck_assert_ptr_nonnull(strstr(copy, "line number 4999\n"));
    ck_assert_ptr_null(strstr(copy, "line number 100\n"));
    bytes = log_copy(copy, 100);
    ck_assert_uint_eq(bytes, 100);
    ck_assert_int_eq(copy[99], '\n');
}
END_TEST

START_TEST(a_refusal_says_who_what_and_why)
{
    v->hc.nr = __HYPERVISOR_mmu_update;
    ck_assert_int_eq(refuse(v, XEN_EPERM, "pagetable-ro", "mfn %#x", 0x1a2b), -XEN_EPERM);
    ck_assert_ptr_nonnull(strstr(written(), "d3v0 mmu_update EPERM pagetable-ro: mfn 0x1a2b\n"));
    v->hc.nr = HYPERCALL_NONE;
    refuse(v, XEN_EINVAL, "rule", "text");
    ck_assert_ptr_nonnull(strstr(written(), "d3v0 trap EINVAL rule: text\n"));
    ck_assert_int_eq(refuse(NULL, XEN_EINVAL, "rule", "text"), -XEN_EINVAL);
    ck_assert_ptr_nonnull(strstr(written(), "hv EINVAL rule: text\n"));
    log_threshold = LOG_ERROR;
    ck_assert_int_eq(refuse(v, XEN_EBUSY, "rule", "text"), -XEN_EBUSY);
    ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(a_guest_cannot_flood_the_log)
{
    for (unsigned i = 0; i < 1000; i++) {
        refuse(v, XEN_EINVAL, "flood", "%u", i);
    }
    ck_assert_uint_eq(lines(written()), REFUSE_LINES_PER_SECOND);
    pass_time(1000000000);
    refuse(v, XEN_EINVAL, "flood", "again");
    ck_assert_ptr_nonnull(strstr(written(), "d3 980 more refused"));
    ck_assert_ptr_nonnull(strstr(text, "again"));
    ck_assert_uint_eq(lines(text), 2);
    ck_assert_uint_eq(d->refused, 1001);
    for (unsigned i = 0; i < 30; i++) {
        refuse(v, XEN_EINVAL, "flood", "%u", i);
    }
    written();
    refuse_flush(d);
    ck_assert_ptr_nonnull(strstr(written(), "d3 11 more refused"));
    refuse_flush(d);
    ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(panic_ends_the_machine)
{
    panic("number %d", 7);
}
END_TEST

START_TEST(traces_are_shown_oldest_first)
{
    struct domain *other = domain_create(4, "four", false, 16);
    struct vcpu *w = vcpu_create(other, 0);

    for (unsigned i = 0; i < 1000; i++) {
        trace_record(TRACE_HYPERCALL, v, __HYPERVISOR_sched_op, i);
    }
    trace_record(TRACE_TRAP, w, 14, 0x1234);
    trace_record(TRACE_INJECT, v, 13, 0x10);
    trace_record(TRACE_SWITCH, v, 4ull << 16, 5000);
    trace_record(TRACE_EVENT, v, 1, 2);
    written();
    trace_dump(d, 4);
    ck_assert_uint_eq(lines(written()), 5);
    ck_assert_ptr_nonnull(strstr(text, "sched_op (29) arg 0x3e7"));
    ck_assert_ptr_nonnull(strstr(text, "inject 13, error 0x10"));
    ck_assert_ptr_nonnull(strstr(text, "runs, after d4v0, at 5 us"));
    ck_assert_ptr_null(strstr(text, "0x1234"));
    trace_dump(NULL, 100000);
    ck_assert_uint_eq(lines(written()), 1 + TRACE_RECORDS);
}
END_TEST

START_TEST(names_of_our_own_text)
{
    char name[64];

    symbols_name(0x1234, name, sizeof(name)); /* the table of the tests is empty */
    ck_assert_str_eq(name, "?");
}
END_TEST

START_TEST(a_hostile_symbol_table_is_only_read)
{
    /* Names beyond the table, without end, with control characters. */
    static const uint64_t symbols[3][3] = {
        {0xffff000000000000ull | 1ull << 48 | 2ull << 32 | 0xffffff, 0x1000, 0},
        {1ull << 48 | 2ull << 32 | 1, 0x2000, 0},
        {1ull << 48 | 2ull << 32 | 4, 0x3000, 0},
    };
    char *names = malloc(8), name[16];

    memcpy(names, "\0\x1b[m\nabc", 8);
    symbols_keep(d, MFN(0), 0, symbols, 3, names, 8);
    symbols_guest_name(d, 0x1010, name, sizeof(name));
    ck_assert_str_eq(name, "?");
    symbols_guest_name(d, 0x2010, name, sizeof(name));
    ck_assert_str_eq(name, "?[m?abc+0x10");
    symbols_guest_name(d, 0x3001, name, sizeof(name));
    ck_assert_str_eq(name, "?abc+0x1");
    symbols_drop(d);
    symbols_guest_name(d, 0x3001, name, sizeof(name));
    ck_assert_str_eq(name, "?");
    free(names);
}
END_TEST

START_TEST(a_dump_of_nothing_is_harmless)
{
    guest_dump(v);
    ck_assert_ptr_nonnull(strstr(written(), "has no context"));
    v->initialised = true; /* but no page tables */
    v->regs.rip = ~0ull;
    v->regs.rsp = 4;
    guest_dump(v);
    ck_assert_ptr_nonnull(strstr(written(), "the stack ends"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tc = tcase_create("log");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, a_line_has_time_and_level);
    tcase_add_test(tc, long_lines_are_cut_visibly);
    tcase_add_test(tc, the_ring_keeps_the_newest);
    tcase_add_test(tc, a_refusal_says_who_what_and_why);
    tcase_add_test(tc, a_guest_cannot_flood_the_log);
    tcase_add_exit_test(tc, panic_ends_the_machine, 40 + MACHINE_PANIC);
    tcase_add_test(tc, traces_are_shown_oldest_first);
    tcase_add_test(tc, names_of_our_own_text);
    tcase_add_test(tc, a_hostile_symbol_table_is_only_read);
    tcase_add_test(tc, a_dump_of_nothing_is_harmless);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed != 0;
}
