/* SPDX-License-Identifier: MIT */
/*
 * Consoles: the ring with whatever a guest may have put into it, input and its credit, the two ways
 * outside, debug keys.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "console_fixture.h"
#include "event.h"
#include "handlers.h"
#include "log.h"
#include "pagetype.h"

static struct domain *d;
static struct xencons_interface *ring;
static mfn_t ring_mfn;
static evtchn_port_t port;
static uint8_t taken[1 << 17];
static size_t taken_bytes;

static void take(unsigned serial)
{
    taken_bytes = serial_take(serial, taken, sizeof(taken) - 1);
    taken[taken_bytes] = '\0';
}

static void make(enum console_mode mode)
{
    machine_fixture(0);
    console_init(mode);
    d = domain_create(1, "guest", false, 64);
    ck_assert_ptr_nonnull(d);
    ck_assert_ptr_nonnull(vcpu_create(d, 0));
    ring_mfn = frame_alloc_domain(d);
    ring = machine_map(ring_mfn);
    ck_assert_int_eq(console_attach_ring(d, ring_mfn, &port), 0);
    this_cpu()->current = d->vcpu[0];
    take(0);
    take(1);
}

static void setup(void)
{
    make(CONSOLE_MUX);
}

static void setup_com1(void)
{
    make(CONSOLE_COM1);
}

static void teardown(void)
{
    ck_assert_uint_eq(frame_audit() + event_audit(d), 0);
}

static void notify(void)
{
    evtchn_send_t send = {.port = port};

    ck_assert_int_eq(do_evtchnop_send(d->vcpu[0], &send), 0);
}

static void guest_writes(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        ring->out[MASK_XENCONS_IDX(ring->out_prod + i, ring->out)] = text[i];
    }
    ring->out_prod += (uint32_t)bytes;
    notify();
}

/* The next frame of what was taken, which must have this type and domain. */
static size_t next_frame(size_t at, char type, unsigned id, size_t *length)
{
    ck_assert_uint_le(at + 4, taken_bytes);
    ck_assert_int_eq(taken[at], type);
    ck_assert_uint_eq(taken[at + 1], id);
    *length = taken[at + 2] | (size_t)taken[at + 3] << 8;
    ck_assert_uint_le(at + 4 + *length, taken_bytes);
    return at + 4;
}

static void expect_frame(char type, const void *payload, size_t bytes)
{
    size_t length, at;

    take(1);
    at = next_frame(0, type, 1, &length);
    ck_assert_uint_eq(length, bytes);
    ck_assert_mem_eq(taken + at, payload, bytes);
    ck_assert_uint_eq(taken_bytes, at + length);
}

static void host_sends(char type, unsigned id, const void *payload, size_t bytes)
{
    uint8_t header[4] = {(uint8_t)type, (uint8_t)id, (uint8_t)bytes, (uint8_t)(bytes >> 8)};

    serial_type(1, header, 4);
    serial_type(1, payload, bytes);
}

START_TEST(ring_output_becomes_frames)
{
    char text[2048];

    guest_writes("hello\r\n", 7);
    expect_frame('o', "hello\r\n", 7);
    for (unsigned i = 0; i < sizeof(text); i++) {
        text[i] = (char)(i * 3);
    }
    guest_writes(text, sizeof(text)); /* exactly full, across the ring's end */
    expect_frame('o', text, sizeof(text));
    ck_assert_uint_eq(ring->out_cons, ring->out_prod);
    notify();
    take(1);
    ck_assert_uint_eq(taken_bytes, 0);
}
END_TEST

START_TEST(wild_output_indices_print_nothing)
{
    static const uint32_t wild[] = {2049, 4096, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffff000};
    uint8_t before[1024], *beyond = (uint8_t *)machine_map(ring_mfn) + 3088;

    memcpy(before, beyond, PAGE_SIZE - 3088);
    for (unsigned i = 0; i < ARRAY_LEN(wild); i++) {
        uint32_t prod = ring->out_cons + wild[i];

        ring->out_prod = prod;
        notify();
        take(1);
        ck_assert_uint_eq(taken_bytes, 0);
        ck_assert_uint_eq(ring->out_cons, prod);
        guest_writes("ok", 2); /* and it goes on from there */
        expect_frame('o', "ok", 2);
    }
    ck_assert_mem_eq(before, beyond, PAGE_SIZE - 3088);
    take(0);
    ck_assert_ptr_nonnull(strstr((char *)taken, "EINVAL console-ring"));
    ck_assert_ptr_null(strstr(strstr((char *)taken, "console-ring") + 1, "console-ring"));
}
END_TEST

START_TEST(the_guests_out_cons_is_not_believed)
{
    guest_writes("abc", 3);
    expect_frame('o', "abc", 3);
    ring->out_cons = 0; /* "you have read nothing" */
    notify();
    take(1);
    ck_assert_uint_eq(taken_bytes, 0);
}
END_TEST

static unsigned pending(void)
{
    unsigned was = (d->shared_info->evtchn_pending[port / 64] >> port % 64) & 1;

    d->shared_info->evtchn_pending[port / 64] = 0;
    return was;
}

START_TEST(input_waits_for_the_guest_and_for_room)
{
    char text[1500];
    size_t length, at;

    memset(text, 'x', sizeof(text));
    host_sends('i', 1, text, sizeof(text));
    console_poll();
    take(1);
    ck_assert_uint_eq(taken_bytes, 0); /* the guest has not used its ring yet */
    notify();
    take(1);
    at = next_frame(0, 'a', 1, &length);
    ck_assert_uint_eq(taken[at] | taken[at + 1] << 8, 1024);
    ck_assert_uint_eq(ring->in_prod, 1024);
    ck_assert(pending());
    ring->in_cons += 100;
    notify();
    take(1);
    at = next_frame(0, 'a', 1, &length);
    ck_assert_uint_eq(taken[at] | taken[at + 1] << 8, 100);
    ring->in_cons = ring->in_prod;
    notify();
    take(1);
    at = next_frame(0, 'a', 1, &length);
    ck_assert_uint_eq(taken[at] | taken[at + 1] << 8, 376);
    ck_assert_uint_eq(ring->in_prod, 1500);
}
END_TEST

START_TEST(wild_input_indices_write_nothing)
{
    static const uint32_t wild[] = {1, 1024, 5000, 0x80000000, 0xfffff000};
    uint8_t before[PAGE_SIZE];

    notify();
    for (unsigned i = 0; i < ARRAY_LEN(wild); i++) {
        ring->in_cons = wild[i];
        memcpy(before, ring, PAGE_SIZE);
        host_sends('i', 1, "abc", 3);
        console_poll();
        ck_assert_mem_eq(before, ring, PAGE_SIZE);
    }
    ring->in_cons = 0;
    notify();
    ck_assert_uint_eq(ring->in_prod, 15);
    ck_assert_mem_eq(ring->in, "abcabcabcabcabc", 15);
}
END_TEST

START_TEST(too_much_input_is_dropped)
{
    char text[3000];

    memset(text, 'y', sizeof(text));
    host_sends('i', 1, text, sizeof(text));
    console_poll();
    take(0);
    ck_assert_ptr_nonnull(strstr((char *)taken, "dropped"));
    ck_assert_uint_eq(console_take_input(d, text, sizeof(text)), 2048);
    ck_assert_uint_eq(console_take_input(d, text, sizeof(text)), 0);
}
END_TEST

START_TEST(frames_may_come_in_any_pieces)
{
    static const char stream[] = "i\1\3\0abc"
                                 "z\1\2\0??" /* unknown type */
                                 "i\7\1\0q"  /* unknown domain */
                                 "i\1\0\0"   /* nothing */
                                 "i\1\2\0de";

    notify();
    for (size_t i = 0; i + 1 < sizeof(stream); i++) {
        serial_type(1, stream + i, 1);
        console_poll();
    }
    ck_assert_uint_eq(ring->in_prod, 5);
    ck_assert_mem_eq(ring->in, "abcde", 5);
}
END_TEST

START_TEST(any_stream_is_survived)
{
    srand(7);
    for (unsigned round = 0; round < 500; round++) {
        for (int n = rand() % 200; n > 0; n--) {
            uint8_t byte = (uint8_t)(rand() % 3 ? rand() % 8 : rand());

            byte = byte == 'q' || byte == 'k' ? 'i' : byte; /* those end the machine */
            serial_type(1, &byte, 1);
        }
        console_poll();
        ring->in_cons = (uint32_t)rand();
        ring->out_prod = (uint32_t)rand();
        notify();
        take(1);
        take(0);
        pass_time(10000000);
    }
}
END_TEST

START_TEST(a_long_stream_is_served_in_parts)
{
    char text[6000];

    memset(text, 'z', sizeof(text));
    host_sends('i', 9, text, sizeof(text));
    atomic_store(&this_cpu()->work, 0);
    console_poll();
    ck_assert_uint_ne(atomic_load(&this_cpu()->work) & PCPU_WORK_CONSOLE, 0);
    atomic_store(&this_cpu()->work, 0);
    console_poll();
    ck_assert_uint_eq(atomic_load(&this_cpu()->work) & PCPU_WORK_CONSOLE, 0);
}
END_TEST

START_TEST(q_ends_the_machine)
{
    host_sends('q', 0xff, "", 0);
    console_poll();
}
END_TEST

START_TEST(states_and_panic_are_frames)
{
    size_t length, at;

    console_state(d, "state=running name=%s", "x");
    expect_frame('s', "state=running name=x", 20);
    console_panic("why");
    console_end();
    take(1);
    at = next_frame(0, 'p', 0xff, &length);
    ck_assert_mem_eq(taken + at, "why", length);
    next_frame(at + length, 'e', 0xff, &length);
    ck_assert_uint_eq(length, 0);
}
END_TEST

START_TEST(a_ring_cannot_become_a_page_table)
{
    ck_assert_int_ne(pagetype_get(d->vcpu[0], d, ring_mfn, PT_L1), 0);
    ck_assert_int_eq(frame_give_back(d, ring_mfn), 0);
    guest_writes("still here", 10); /* the frame stays as long as the hypervisor writes to it */
    expect_frame('o', "still here", 10);
    console_destroy(d);
    ck_assert_uint_eq(d->page_count, 0);
}
END_TEST

START_TEST(a_destroyed_console_is_silent)
{
    console_destroy(d);
    console_destroy(d);
    console_output(d, "x", 1);
    console_input(d, "x", 1);
    ck_assert_uint_eq(console_take_input(d, (char *)taken, 1), 0);
    ring->out_prod += 5;
    notify();
    take(1);
    ck_assert_uint_eq(taken_bytes, 0);
}
END_TEST

START_TEST(debug_keys_answer_in_the_log)
{
    log_threshold = LOG_INFO;
    host_sends('k', 0xff, "h", 1);
    console_poll();
    take(0);
    ck_assert_ptr_nonnull(strstr((char *)taken, "run every audit"));
    host_sends('k', 0xff, "q", 1);
    host_sends('k', 0xff, "m", 1);
    host_sends('k', 0xff, "t", 1);
    host_sends('k', 0xff, "T", 1);
    host_sends('k', 0xff, "d", 1);
    host_sends('k', 0xff, "#", 1);
    console_poll();
    take(0);
    ck_assert_ptr_nonnull(strstr((char *)taken, "d1 guest: 1 of 64 pages, 1 vCPUs"));
    ck_assert_ptr_nonnull(strstr((char *)taken, "no debug key '#'"));
    serial_type(0, "a", 1);
    console_poll();
    take(0);
    ck_assert_ptr_nonnull(strstr((char *)taken, "events and grants: 0 differences"));
}
END_TEST

static void expect_com1(const char *text)
{
    take(0);
    ck_assert_str_eq((char *)taken, text);
}

START_TEST(lines_on_com1_are_tagged)
{
    struct domain *other = domain_create(2, "other", false, 16);

    log_threshold = LOG_ERROR;
    console_state(d, "state=running name=guest");
    console_state(other, "state=running name=other");
    take(0);
    console_output(d, "one\r\ntw", 7);
    expect_com1("(d1) one\r\n(d1) tw");
    console_output(other, "par", 3);
    expect_com1("");
    console_output(d, "o", 1);
    expect_com1("o");
    console_output(other, "t\x1b[31m\x07\r\nnext", 13);
    expect_com1("\r\n(d2) part[31m\r\n");
    console_output(d, "three\n", 6);
    expect_com1("(d1) three\r\n");
    console_output(d, "un", 2);
    log_error("line");
    take(0);
    ck_assert_ptr_nonnull(strstr((char *)taken, "(d1) un\r\n["));
    console_state(other, "state=shutdown reason=poweroff name=other");
    expect_com1("(d2) next\r\n");
    domain_abandon(other);
}
END_TEST

START_TEST(a_long_line_is_cut)
{
    struct domain *other = domain_create(2, "other", false, 16);
    char text[1000];

    console_state(d, "state=running name=guest");
    take(0);
    memset(text, 'w', sizeof(text));
    console_output(other, text, sizeof(text));
    take(0);
    ck_assert_uint_eq(taken_bytes, 6 * (160 + 5 + 2));
    domain_abandon(other);
}
END_TEST

START_TEST(three_times_control_a_moves_the_keys)
{
    char got[16];

    log_threshold = LOG_INFO;
    console_state(d, "state=running name=guest");
    serial_type(0, "a\1b\1\1c", 6);
    console_poll();
    ck_assert_uint_eq(console_take_input(d, got, sizeof(got)), 6);
    ck_assert_mem_eq(got, "a\1b\1\1c", 6);
    serial_type(0, "\1\1\1h", 4);
    console_poll();
    ck_assert_uint_eq(console_take_input(d, got, sizeof(got)), 0);
    take(0);
    ck_assert_ptr_nonnull(strstr((char *)taken, "show this list"));
    serial_type(0, "\1\1\1h", 4);
    console_poll();
    ck_assert_uint_eq(console_take_input(d, got, sizeof(got)), 1);
    take(0);
    ck_assert_ptr_nonnull(strstr((char *)taken, "keys go to d1 (guest)"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("console");
    TCase *mux = tcase_create("mux"), *com1 = tcase_create("com1");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, mux);
    tcase_add_checked_fixture(mux, setup, teardown);
    tcase_add_test(mux, ring_output_becomes_frames);
    tcase_add_test(mux, wild_output_indices_print_nothing);
    tcase_add_test(mux, the_guests_out_cons_is_not_believed);
    tcase_add_test(mux, input_waits_for_the_guest_and_for_room);
    tcase_add_test(mux, wild_input_indices_write_nothing);
    tcase_add_test(mux, too_much_input_is_dropped);
    tcase_add_test(mux, frames_may_come_in_any_pieces);
    tcase_add_test(mux, any_stream_is_survived);
    tcase_add_test(mux, a_long_stream_is_served_in_parts);
    tcase_add_exit_test(mux, q_ends_the_machine, 40 + MACHINE_POWEROFF);
    tcase_add_test(mux, states_and_panic_are_frames);
    tcase_add_test(mux, a_ring_cannot_become_a_page_table);
    tcase_add_test(mux, a_destroyed_console_is_silent);
    tcase_add_test(mux, debug_keys_answer_in_the_log);
    suite_add_tcase(suite, com1);
    tcase_add_checked_fixture(com1, setup_com1, teardown);
    tcase_add_test(com1, lines_on_com1_are_tagged);
    tcase_add_test(com1, a_long_line_is_cut);
    tcase_add_test(com1, three_times_control_a_moves_the_keys);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed != 0;
}
