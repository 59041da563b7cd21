/* SPDX-License-Identifier: MIT */
/*
 * From boot modules to guests: command lines, guests built in a simulated machine with every audit
 * run afterwards, and images that must fail without losing a frame.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "build.h"
#include "console.h"
#include "console_fixture.h"
#include "elf_fixture.h"
#include "event.h"
#include "grant.h"
#include "log.h"
#include "pagetable.h"
#include "pagetype.h"
#include "sched.h"
#include "symbols.h"
#include "trace.h"

#define KEEP 2048 /* frames for boot modules */

static struct boot_info machine_info;
static uint64_t next_module; /* machine address */
static uint64_t frames_before;
static char text[1 << 17];

static void setup(void)
{
    next_module = machine_fixture(KEEP);
    memset(&machine_info, 0, sizeof(machine_info));
    console_init(CONSOLE_MUX);
    log_threshold = LOG_INFO;
    frames_before = frame_free_count();
}

static void add_module(const void *bytes, size_t count, const char *cmdline)
{
    struct boot_module *m = &machine_info.module[machine_info.module_count++];

    m->start = next_module;
    m->bytes = count;
    format(m->cmdline, sizeof(m->cmdline), "%s", cmdline);
    memcpy((uint8_t *)machine_map(MFN(0)) + next_module, bytes, count);
    next_module = (next_module + count + PAGE_SIZE - 1) & PAGE_MASK;
    frames_before += (count + PAGE_SIZE - 1) >> PAGE_SHIFT; /* all of it is free in the end */
}

static void add_kernel(const struct elf_recipe *recipe, const char *cmdline)
{
    struct elf_image image = elf_make(recipe);

    add_module(image.bytes, image.size, cmdline);
    elf_free(&image);
}

static void audit(void)
{
    unsigned bad = frame_audit() + pagetype_audit() + sched_audit();

    for (unsigned id = 0; id < DOMAIN_MAX; id++) {
        if (domain_table[id] != NULL) {
            bad += event_audit(domain_table[id]) + grant_audit(domain_table[id]);
        }
    }
    ck_assert_uint_eq(bad, 0);
}

/* After all guests are gone every frame must be free again. */
static void end_all(void)
{
    for (unsigned id = 0; id < DOMAIN_MAX; id++) {
        if (domain_table[id] != NULL) {
            domain_shutdown(domain_table[id], SHUTDOWN_poweroff);
        }
    }
    while (domain_reap()) {
    }
    audit();
    ck_assert_uint_eq(frame_free_count(), frames_before);
}

static const char *log_text(void)
{
    text[serial_take(0, text, sizeof(text) - 1)] = '\0';
    return text;
}

static bool mux_says(const char *words)
{
    size_t bytes = serial_take(1, text, sizeof(text));

    return memmem(text, bytes, words, strlen(words)) != NULL;
}

static uint64_t guest_word(const struct vcpu *v, uint64_t va)
{
    unsigned level;
    mfn_t table;
    pte_t pte = pagetable_walk(v->guest_table, va, &level, &table);

    ck_assert_uint_eq(level, 1);
    return *(uint64_t *)((uint8_t *)machine_map(pte_mfn(pte)) + va % PAGE_SIZE);
}

START_TEST(a_guest_is_built_and_ready)
{
    static const char ramdisk[5000] = "this is the ramdisk";
    struct elf_recipe recipe = elf_usual();
    const start_info_t *si;
    struct vcpu *v;

    recipe.align = _i ? 4096 : 16; /* adopted or copied */
    recipe.symbols = true;
    add_kernel(&recipe, "/tmp/k kernel name=one memory=8 vcpus=2 -- hello  world ");
    add_module(ramdisk, sizeof(ramdisk), "/tmp/r ramdisk");
    boot_domains(&machine_info);
    audit();
    ck_assert_ptr_nonnull(domain_table[1]);
    v = domain_table[1]->vcpu[0];
    ck_assert_str_eq(domain_table[1]->name, "one");
    ck_assert(v->initialised && v->is_up && v->kernel_mode);
    ck_assert(!domain_table[1]->vcpu[1]->is_up);
    ck_assert_uint_eq(v->regs.rip, ELF_BASE + 0x100000);
    ck_assert_uint_eq(v->regs.cs, 0xe033);
    ck_assert_uint_eq(guest_word(v, v->regs.rip) & 0xff, elf_byte(0));
    ck_assert_uint_eq(domain_table[1]->page_count, 8 << 8);
    ck_assert_uint_eq(frame_of(v->guest_table)->type & PT_PINNED, PT_PINNED);
    ck_assert_uint_eq(guest_word(v, v->regs.rsi + 32), 8 << 8);
    si = machine_map(
        pte_mfn(pagetable_walk(v->guest_table, v->regs.rsi, &(unsigned){0}, &(mfn_t){0})));
    ck_assert_str_eq((const char *)si->cmd_line, "hello  world ");
    ck_assert_uint_eq(si->mod_len, sizeof(ramdisk));
    ck_assert_uint_eq(si->shared_info, domain_table[1]->shared_info_mfn.n << PAGE_SHIFT);
    ck_assert_uint_ne(si->console.domU.evtchn, 0);
    ck_assert(mux_says("state=running name=one"));
    symbols_guest_name(domain_table[1], ELF_BASE + 0x100045, text, sizeof(text));
    ck_assert_str_eq(text, "beta+0x5");
    symbols_guest_name(domain_table[1], ELF_BASE, text, sizeof(text));
    ck_assert_str_eq(text, "?");
    this_cpu()->root = v->guest_table;
    guest_dump(v);
    ck_assert_ptr_nonnull(strstr(log_text(), "(one) at alpha+0"));
    this_cpu()->root = MFN_NONE;
    end_all();
}
END_TEST

START_TEST(several_guests_and_domain0)
{
    struct elf_recipe recipe = elf_usual();

    add_kernel(&recipe, "k kernel name=zero memory=4 domain0 --");
    add_kernel(&recipe, "kernel memory=4"); /* no path, no name */
    add_kernel(&recipe, "k kernel name=late memory=4 domain0");
    boot_domains(&machine_info);
    audit();
    ck_assert(domain_table[0]->privileged);
    ck_assert_str_eq(domain_table[1]->name, "d1");
    ck_assert(!domain_table[2]->privileged);
    ck_assert_uint_eq(domain_running(), 3);
    ck_assert_ptr_nonnull(strstr(log_text(), "only the first module can be domain0"));
    end_all();
}
END_TEST

static void fails(const char *why)
{
    log_text();
    boot_domains(&machine_info);
    ck_assert_msg(strstr(log_text(), why) != NULL, "the log lacks \"%s\": %s", why, text);
    ck_assert(mux_says("state=failed"));
    ck_assert_uint_eq(domain_running(), 0);
    end_all();
}

static const struct {
    const char *cmdline, *why;
} bad_lines[] = {
    {"k kernel memory=0", "memory=0"},
    {"k kernel memory=x", "memory=x"},
    {"k kernel memory=99999999999999999999", "memory=9999"},
    {"k kernel memory=4 vcpus=33", "from 1 to 32"},
    {"k kernel memroy=4", "unknown setting memroy=4"},
    {"k kernel name=", "unknown setting name="},
    {"k", "neither kernel nor ramdisk"},
    {"", "neither kernel nor ramdisk"},
    {"k kernel memory=1", "too small"},
    {"k kernel memory=60", "the machine has"},
};

START_TEST(bad_requests_are_named)
{
    struct elf_recipe recipe = elf_usual();

    add_kernel(&recipe, bad_lines[_i].cmdline);
    fails(bad_lines[_i].why);
}
END_TEST

START_TEST(a_ramdisk_alone_is_named)
{
    add_module("x", 1, "r ramdisk");
    boot_domains(&machine_info);
    ck_assert_ptr_nonnull(strstr(log_text(), "without a kernel"));
    end_all();
}
END_TEST

START_TEST(no_modules_at_all)
{
    boot_domains(&machine_info);
    ck_assert_ptr_nonnull(strstr(log_text(), "no boot modules"));
}
END_TEST

START_TEST(a_bad_guest_does_not_stop_the_next)
{
    struct elf_recipe recipe = elf_usual();

    add_module("garbage", 7, "k kernel name=bad");
    add_kernel(&recipe, "k kernel name=good memory=4");
    boot_domains(&machine_info);
    ck_assert_uint_eq(domain_running(), 1);
    ck_assert_str_eq(domain_table[2]->name, "good");
    audit();
    end_all();
}
END_TEST

START_TEST(memory_that_runs_out_is_given_back)
{
    struct elf_recipe recipe = elf_usual();

    /* Enough by the count, not for vCPUs, tables and all. */
    add_kernel(&recipe, "k kernel memory=4 vcpus=32");
    while (frame_free_count() > 1024 - 34 + (uint64_t)_i * 20) {
        mfn_t mfn = frame_alloc_hypervisor();

        ck_assert(!mfn_equal(mfn, MFN_INVALID));
        frames_before--;
    }
    fails("memory");
}
END_TEST

START_TEST(modules_may_share_frames)
{
    struct elf_recipe recipe = elf_usual();
    struct elf_image image = elf_make(&recipe);
    static const char ramdisk[100] = "packed";

    /* As a boot loader that does not align: the ramdisk begins in the kernel's last frame. */
    next_module += 64;
    add_module(image.bytes, image.size, "k kernel memory=4");
    next_module = machine_info.module[0].start + machine_info.module[0].bytes;
    add_module(ramdisk, sizeof(ramdisk), "r ramdisk");
    elf_free(&image);
    boot_domains(&machine_info);
    audit();
    ck_assert_uint_eq(domain_running(), 1);
    frames_before = frame_free_count() + domain_table[1]->page_count; /* one frame stays unused */
    domain_shutdown(domain_table[1], SHUTDOWN_poweroff);
    while (domain_reap()) {
    }
    audit();
    ck_assert_uint_ge(frame_free_count(), frames_before);
}
END_TEST

START_TEST(damaged_images_lose_nothing)
{
    struct elf_recipe recipe = elf_usual();
    struct elf_image image;

    recipe.align = 4096;
    recipe.file_bytes = 0x3000;
    recipe.memory_bytes = 0x5000;
    recipe.hypercall_page = ELF_BASE + 0x102000;
    recipe.symbols = true;
    image = elf_make(&recipe);
    srand((unsigned)_i);
    log_threshold = LOG_ERROR;
    for (unsigned round = 0; round < 100; round++) {
        machine_info.module_count = 0;
        for (int n = rand() % 4; n >= 0; n--) {
            size_t at = (size_t)rand() % (rand() % 4 ? 512 : image.size);

            image.bytes[at < image.text ? at : image.shdrs + at % (image.size - image.shdrs)] =
                (uint8_t)rand();
        }
        add_module(image.bytes, image.size, "k kernel memory=4");
        boot_domains(&machine_info);
        audit();
        end_all();
        log_text();
        serial_take(1, text, sizeof(text));
        elf_free(&image);
        image = elf_make(&recipe);
    }
    elf_free(&image);
}
END_TEST

START_TEST(module_strings)
{
    struct boot_request r;
    char error[BOOT_ERROR_MAX];

    ck_assert(boot_request_parse(&r, "/a/b kernel name=web memory=0x40 vcpus=4 domain0 -- a -- b",
                                 error));
    ck_assert_int_eq(r.kind, BOOT_KERNEL);
    ck_assert_str_eq(r.name, "web");
    ck_assert_uint_eq(r.memory_mib, 64);
    ck_assert_uint_eq(r.vcpus, 4);
    ck_assert(r.domain0);
    ck_assert_str_eq(r.cmdline, "a -- b");
    ck_assert(boot_request_parse(&r, "kernel", error));
    ck_assert_uint_eq(r.memory_mib, 256);
    ck_assert_str_eq(r.cmdline, "");
    ck_assert(boot_request_parse(&r, "  x\tramdisk and=more words", error));
    ck_assert_int_eq(r.kind, BOOT_RAMDISK);
    ck_assert(boot_request_parse(&r, "kernel name=abcdefghijklmnopqrstuvwxyz0123456789", error));
    ck_assert_uint_eq(strlen(r.name), sizeof(r.name) - 1);
}
END_TEST

START_TEST(hypervisor_options)
{
    format(machine_info.cmdline, sizeof(machine_info.cmdline),
           "/boot/hv loglvl=debug debug-exit=0xf4 bootscrub=no console=bus colour=blue");
    boot_options(&machine_info);
    log_text();
    ck_assert_int_eq(log_threshold, LOG_DEBUG);
    ck_assert_uint_eq(machine_debug_exit_port, 0xf4);
    ck_assert(!frame_boot_scrub);
    ck_assert_ptr_nonnull(strstr(text, "console=bus: the value must be com1 or mux"));
    ck_assert_ptr_nonnull(strstr(text, "unknown option colour=blue"));
    ck_assert_ptr_null(strstr(text, "/boot/hv"));
    format(machine_info.cmdline, sizeof(machine_info.cmdline),
           "loglvl=loud debug-exit=0x10000 bootscrub=yes");
    boot_options(&machine_info);
    log_text();
    ck_assert_ptr_nonnull(strstr(text, "loglvl=loud"));
    ck_assert_ptr_nonnull(strstr(text, "debug-exit=0x10000"));
    ck_assert(frame_boot_scrub);
    ck_assert_uint_eq(machine_debug_exit_port, 0xf4);
}
END_TEST

/* With bootscrub=no a guest may see fresh memory, never what held a module or another guest. */
START_TEST(secrets_are_scrubbed)
{
    static char secret[64 * PAGE_SIZE];
    struct elf_recipe recipe = elf_usual();
    uint64_t seen = 0;

    memset(secret, 0x77, sizeof(secret));
    frame_boot_scrub = false;
    add_kernel(&recipe, "k kernel memory=4");
    add_module(secret, sizeof(secret), "r ramdisk");
    boot_domains(&machine_info);
    domain_shutdown(domain_table[1], SHUTDOWN_poweroff);
    while (domain_reap()) {
    }
    machine_info.module_count = 0;
    add_kernel(&recipe, "k kernel memory=54");
    boot_domains(&machine_info);
    ck_assert_uint_eq(domain_running(), 1);
    for (uint32_t at = domain_table[1]->page_list; at; at = frame_of(MFN(at))->next) {
        seen += ((uint8_t *)machine_map(MFN(at)))[100] == 0x77;
    }
    ck_assert_uint_eq(seen, 0);
    frame_boot_scrub = true;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("boot");
    TCase *tc = tcase_create("boot");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, a_guest_is_built_and_ready, 0, 2);
    tcase_add_test(tc, several_guests_and_domain0);
    tcase_add_loop_test(tc, bad_requests_are_named, 0, ARRAY_LEN(bad_lines));
    tcase_add_test(tc, a_ramdisk_alone_is_named);
    tcase_add_test(tc, no_modules_at_all);
    tcase_add_test(tc, a_bad_guest_does_not_stop_the_next);
    tcase_add_loop_test(tc, memory_that_runs_out_is_given_back, 0, 4);
    tcase_add_test(tc, modules_may_share_frames);
    tcase_add_loop_test(tc, damaged_images_lose_nothing, 0, 4);
    tcase_add_test(tc, module_strings);
    tcase_add_test(tc, hypervisor_options);
    tcase_add_test(tc, secrets_are_scrubbed);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed != 0;
}
