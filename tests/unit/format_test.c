/* SPDX-License-Identifier: MIT */
/* format() against the C library's snprintf, and the cases where memory is short. */
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#pragma GCC diagnostic ignored "-Wformat"

#define SAME(...)                                                                                  \
    do {                                                                                           \
        char ours[256], theirs[256];                                                               \
        size_t length = format(ours, sizeof(ours), __VA_ARGS__);                                   \
        int expected = snprintf(theirs, sizeof(theirs), __VA_ARGS__);                              \
        ck_assert_str_eq(ours, theirs);                                                            \
        ck_assert_uint_eq(length, (size_t)expected);                                               \
    } while (0)

START_TEST(numbers_look_as_in_c)
{
    SAME("plain");
    SAME("%d %i %u", -5, 17, 4000000000u);
    SAME("%d %d", INT_MIN, INT_MAX);
    SAME("%ld %lu %lld", LONG_MIN, ULONG_MAX, LLONG_MIN);
    SAME("%x %X %#x %#lx", 0xdeadbeefu, 0xdeadbeefu, 255u, 1ul << 63);
    SAME("%o", 511u);
    SAME("%zu %jd", (size_t)12345, (intmax_t)-1);
    SAME("[%5d] [%-5d] [%05d] [%+d] [% d]", 42, 42, 42, 42, 42);
    SAME("[%5d] [%-5d] [%05d]", -42, -42, -42);
    SAME("[%.5d] [%8.5d] [%-8.5d] [%08.5d]", 42, 42, 42, 42);
    SAME("[%.0d] [%.0d]", 0, 1);
    SAME("[%016lx] [%#10x] [%-#10x]", 0x123ul, 0x123u, 0x123u);
    SAME("[%*d] [%-*d] [%.*d]", 6, 1, 6, 2, 4, 3);
    SAME("[%*d]", -6, 1);
}
END_TEST

START_TEST(narrow_numbers_are_cut)
{
    size_t (*const untyped)(char *, size_t, const char *, ...) = format; /* no check of types */
    char out[64];

    untyped(out, sizeof(out), "%hhu %hu %hhd %hd", 0x1ff, 0x1fffe, 0x80, 0x8000);
    ck_assert_str_eq(out, "255 65534 -128 -32768");
}
END_TEST

START_TEST(texts_look_as_in_c)
{
    SAME("%s|%10s|%-10s|%.2s|%10.2s", "abc", "abc", "abc", "abc", "abc");
    SAME("%c%c%c", 'a', 'b', 'c');
    SAME("[%5c] [%-5c]", 'x', 'y');
    SAME("100%%");
    SAME("%.*s", 3, "abcdef");
}
END_TEST

START_TEST(a_text_without_end_is_read_to_its_precision)
{
    char *text = malloc(4);
    char out[16];

    memcpy(text, "abcd", 4);
    ck_assert_uint_eq(format(out, sizeof(out), "%.4s", text), 4);
    ck_assert_str_eq(out, "abcd");
    free(text);
}
END_TEST

START_TEST(what_does_not_fit_is_counted)
{
    char out[4] = "xxx";

    ck_assert_uint_eq(format(out, sizeof(out), "%s", "abcdef"), 6);
    ck_assert_str_eq(out, "abc");
    ck_assert_uint_eq(format(out, 1, "%d", 12345), 5);
    ck_assert_str_eq(out, "");
    ck_assert_uint_eq(format(NULL, 0, "%d", 12345), 5);
}
END_TEST

START_TEST(null_and_unknown_do_no_harm)
{
    char out[32];
    const char *volatile null = NULL;

    format(out, sizeof(out), "%s", null);
    ck_assert_str_eq(out, "(null)");
    format(out, sizeof(out), "%p", (void *)0x1234);
    ck_assert_str_eq(out, "0x1234");
    format(out, sizeof(out), "%k|");
    ck_assert_str_eq(out, "%k|");
    format(out, sizeof(out), "end%");
    ck_assert_str_eq(out, "end");
    format(out, sizeof(out), "%2000000000d", 1);
    ck_assert_uint_eq(strlen(out), sizeof(out) - 1);
}
END_TEST

START_TEST(errnos_have_names)
{
    ck_assert_str_eq(errno_name(XEN_EPERM), "EPERM");
    ck_assert_str_eq(errno_name(-XEN_EINVAL), "EINVAL");
    ck_assert_str_eq(errno_name(-XEN_ENOSYS), "ENOSYS");
    ck_assert_str_eq(errno_name(9999), "E?");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("format");
    TCase *tc = tcase_create("format");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tc);
    tcase_add_test(tc, numbers_look_as_in_c);
    tcase_add_test(tc, narrow_numbers_are_cut);
    tcase_add_test(tc, texts_look_as_in_c);
    tcase_add_test(tc, a_text_without_end_is_read_to_its_precision);
    tcase_add_test(tc, what_does_not_fit_is_counted);
    tcase_add_test(tc, null_and_unknown_do_no_harm);
    tcase_add_test(tc, errnos_have_names);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed != 0;
}
