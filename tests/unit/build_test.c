/* SPDX-License-Identifier: MIT */
/*
 * The domain builder against a pretended machine: frames scattered over the machine, made on
 * demand, so that even a domain of many GiB costs little. What was built is read back as the guest
 * and the hypervisor would: by walking its page tables.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "elf_fixture.h"

#define FRAMES (1u << 19) /* 2 GiB of machine */
#define PAGE 4096ull
#define PRESENT 1ull
#define RW 2ull
#define MFN_MASK 0x000ffffffffff000ull

static uint8_t *frame[FRAMES]; /* contents, made when first mapped */
static bool clean[FRAMES];     /* given out as zeroed */
static uint64_t m2p[FRAMES];   /* the pretended M2P, plus 1 so that 0 is none */
static bool foreign[FRAMES];   /* contents are not ours to free */
static uint64_t given, limit;
static unsigned scratches;
static bool may_adopt;

/* Neighbouring pfns never get neighbouring frames; frame 0 is nobody's. */
static uint64_t scatter(uint64_t n)
{
    return (n * 1103515245u + 12345u) % FRAMES;
}

static uint64_t pfn_of(uint64_t mfn)
{
    return m2p[mfn] - 1;
}

static uint64_t take_frame(uint64_t pfn)
{
    uint64_t mfn;

    do {
        mfn = scatter(given++);
    } while (mfn == 0);
    ck_assert_uint_eq(m2p[mfn], 0);
    m2p[mfn] = pfn + 1;
    return mfn;
}

static int populate(void *arg, uint64_t pfn, uint64_t count, bool zeroed, uint64_t *mfn)
{
    ck_assert_ptr_eq(arg, frame);
    for (uint64_t i = 0; i < count; i++) {
        if (limit-- == 0) {
            limit = 0;
            return -XEN_ENOMEM;
        }
        mfn[i] = take_frame(pfn + i);
        clean[mfn[i]] = zeroed;
    }
    return 0;
}

static void *map(void *arg, uint64_t mfn)
{
    (void)arg;
    ck_assert_uint_lt(mfn, FRAMES);
    ck_assert_uint_ne(mfn, 0);
    if (frame[mfn] == NULL) {
        frame[mfn] = malloc(PAGE);
        memset(frame[mfn], clean[mfn] ? 0 : 0xa5, PAGE);
    }
    return frame[mfn];
}

static uint64_t adopt(void *arg, uint64_t pfn, const void *source)
{
    uint64_t mfn;

    (void)arg;
    ck_assert_uint_eq((uintptr_t)source % PAGE, 0);
    if (!may_adopt) {
        return 0;
    }
    mfn = take_frame(pfn);
    frame[mfn] = (uint8_t *)(uintptr_t)source;
    foreign[mfn] = true;
    return mfn;
}

static void *scratch(void *arg, uint64_t bytes)
{
    (void)arg;
    scratches++;
    return calloc(1, bytes);
}

static void release(void *arg, void *memory, uint64_t bytes)
{
    (void)arg;
    (void)bytes;
    scratches--;
    free(memory);
}

static const struct pv_build_ops ops = {populate, map, NULL, adopt, scratch, release};

static struct elf_recipe recipe;
static struct elf_image elf;
static struct pv_image image;
static struct pv_build build;
static uint8_t *initrd;

static void setup(void)
{
    given = 1; /* the arrays start as zeros: each test is a process of its own */
    limit = FRAMES;
    may_adopt = false;
    recipe = elf_usual();
    initrd = NULL;
    build = (struct pv_build){.ops = &ops,
                              .arg = frame,
                              .image = &image,
                              .cmdline = "a=b quiet",
                              .pages = 12 << 8,
                              .shared_info = 0x12345000,
                              .console_port = 7};
}

static void teardown(void)
{
    pv_build_release(&build);
    ck_assert_uint_eq(scratches, 0);
    for (uint64_t n = 0; n < given; n++) {
        if (!foreign[scatter(n)]) {
            free(frame[scatter(n)]);
        }
    }
    elf_free(&elf);
    free(initrd);
}

static void give_initrd(uint64_t bytes)
{
    initrd = aligned_alloc(PAGE, (bytes + PAGE - 1) & ~(PAGE - 1));
    memset(initrd, 0xee, (bytes + PAGE - 1) & ~(PAGE - 1)); /* what follows it in the module */
    for (uint64_t i = 0; i < bytes; i++) {
        initrd[i] = elf_byte(i + 99);
    }
    build.initrd = initrd;
    build.initrd_bytes = bytes;
}

static bool try_layout(void)
{
    elf = elf_make(&recipe);
    ck_assert_msg(pv_image_parse(&image, elf.bytes, elf.size), "%s", image.error);
    return pv_build_layout(&build);
}

static void make(void)
{
    ck_assert_msg(try_layout(), "%s", build.error);
    ck_assert_msg(pv_build_memory(&build), "%s", build.error);
    ck_assert(pv_build_start_info(&build));
}

/* The leaf entry for va, 0 if there is none; every table on the way must be the guest's. */
static uint64_t walk(uint64_t va)
{
    uint64_t mfn = build.l4_mfn;

    for (unsigned level = 4; level >= 1; level--) {
        uint64_t entry = ((uint64_t *)map(frame, mfn))[(va >> (3 + 9 * level)) & 511];

        if (!(entry & PRESENT) || level == 1) {
            return entry & PRESENT ? entry : 0;
        }
        ck_assert(entry & RW);
        mfn = (entry & MFN_MASK) >> 12;
        ck_assert_uint_ne(pfn_of(mfn), PV_UNSET);
    }
    return 0;
}

static const uint8_t *at(uint64_t va)
{
    uint64_t entry = walk(va);

    ck_assert_msg(entry != 0, "%#llx is not mapped", (unsigned long long)va);
    return (const uint8_t *)map(frame, (entry & MFN_MASK) >> 12) + va % PAGE;
}

static bool is_table(uint64_t pfn)
{
    return pfn - build.tables.pfn < build.tables.count ||
           pfn - build.p2m_tables.pfn < build.p2m_tables.count;
}

static const start_info_t *start_info(void)
{
    return (const start_info_t *)at(ELF_BASE + build.start_info.pfn * PAGE);
}

/* Everything a guest may rely on, whatever the recipe was. */
static void check_domain(void)
{
    const start_info_t *info = start_info();
    const uint64_t *list = NULL;
    const uint8_t *page = NULL;

    for (uint64_t pfn = 0; pfn < build.mapped; pfn++) {
        uint64_t entry = walk(recipe.base + pfn * PAGE);

        ck_assert_uint_eq((entry & MFN_MASK) >> 12, pv_build_mfn(&build, pfn));
        ck_assert_uint_eq((entry & RW) != 0, !is_table(pfn));
        ck_assert_uint_eq(entry >> 63, 0);
    }
    ck_assert_uint_eq(walk(recipe.base + build.mapped * PAGE), 0);
    for (uint64_t pfn = 0; pfn < build.pages || pfn % 512 != 0; pfn++) {
        if (pfn % 512 == 0) {
            list = (const uint64_t *)at(build.p2m_va + pfn * 8);
        }
        if (pfn < build.pages) {
            ck_assert_uint_eq(list[pfn % 512], pv_build_mfn(&build, pfn));
            ck_assert_uint_eq(pfn_of(list[pfn % 512]), pfn);
        } else {
            ck_assert_uint_eq(list[pfn % 512], PV_UNSET);
        }
    }
    for (uint64_t i = 0; i < recipe.memory_bytes; i++) {
        uint64_t address = recipe.base + recipe.paddr + i;

        if (i % PAGE == 0) {
            page = at(address);
        }
        if (address - recipe.hypercall_page >= PAGE &&
            page[i % PAGE] != (i < recipe.file_bytes ? elf_byte(i) : 0)) {
            ck_abort_msg("byte %#llx of the kernel is wrong", (unsigned long long)i);
        }
    }
    ck_assert_str_eq(info->magic, "xen-3.0-x86_64");
    ck_assert_uint_eq(info->nr_pages, build.pages);
    ck_assert_uint_eq(info->shared_info, 0x12345000);
    ck_assert_uint_eq(info->pt_base, recipe.base + build.tables.pfn * PAGE);
    ck_assert_uint_eq(info->nr_pt_frames, build.tables.count);
    ck_assert_uint_eq(info->mfn_list, build.p2m_va);
    ck_assert_str_eq((const char *)info->cmd_line, build.cmdline);
    ck_assert_uint_eq((walk(info->pt_base) & MFN_MASK) >> 12, build.l4_mfn);
}

static void check_initrd(uint64_t va)
{
    uint64_t end = (build.initrd_bytes + PAGE - 1) & ~(PAGE - 1);

    for (uint64_t i = 0; i < end; i++) {
        uint64_t mfn = pv_build_mfn(&build, build.module.pfn + i / PAGE);
        uint8_t byte = ((const uint8_t *)map(frame, mfn))[i % PAGE];

        ck_assert_uint_eq(byte, i < build.initrd_bytes ? elf_byte(i + 99) : 0);
        if (va != 0) {
            ck_assert_uint_eq(*at(va + i), byte);
        }
    }
}

START_TEST(a_domain_as_linux_wants_it)
{
    may_adopt = _i & 1;
    recipe.align = _i & 2 ? 4096 : 16;
    give_initrd(3 * PAGE + 17);
    make();
    check_domain();
    check_initrd(0);
    ck_assert_uint_eq(start_info()->flags, SIF_MOD_START_PFN | SIF_VIRT_P2M_4TOOLS);
    ck_assert_uint_eq(start_info()->mod_start, build.module.pfn);
    ck_assert_uint_eq(start_info()->mod_len, 3 * PAGE + 17);
    ck_assert_uint_eq(start_info()->first_p2m_pfn, build.p2m.pfn);
    ck_assert_uint_eq(start_info()->nr_p2m_frames, build.p2m.count + build.p2m_tables.count);
    ck_assert_uint_eq(build.p2m_tables.pfn, build.p2m.pfn + build.p2m.count);
    ck_assert_uint_eq(start_info()->mfn_list, 0x8000000000ull);
    ck_assert_uint_eq(start_info()->console.domU.mfn, build.console_mfn);
    ck_assert_uint_eq(start_info()->console.domU.evtchn, 7);
    ck_assert_uint_eq(start_info()->store_evtchn, 0);
    ck_assert_uint_eq(pfn_of(start_info()->store_mfn), build.store.pfn);
    ck_assert_uint_eq(given - 1, build.pages + (scatter(0) == 0));
}
END_TEST

START_TEST(a_domain_without_notes_for_p2m_and_initrd)
{
    recipe.init_p2m = 0;
    recipe.mod_start_pfn = false;
    recipe.hypercall_page = 0;
    give_initrd(5 * PAGE);
    may_adopt = _i;
    make();
    check_domain();
    check_initrd(start_info()->mod_start);
    ck_assert_uint_eq(start_info()->mod_start, ELF_BASE + build.module.pfn * PAGE);
    ck_assert_uint_eq(start_info()->flags, SIF_VIRT_P2M_4TOOLS);
    ck_assert_uint_eq(start_info()->first_p2m_pfn, 0);
    ck_assert_uint_eq(build.p2m_tables.count, 0);
    ck_assert_uint_lt(build.p2m.pfn, build.start_info.pfn);
}
END_TEST

START_TEST(the_initial_domain)
{
    build.initial_domain = true;
    make();
    check_domain();
    ck_assert_uint_eq(start_info()->flags, SIF_PRIVILEGED | SIF_INITDOMAIN | SIF_VIRT_P2M_4TOOLS);
    ck_assert_uint_eq(start_info()->store_mfn, 0);
    ck_assert_uint_eq(start_info()->console.dom0.info_size, 0);
}
END_TEST

START_TEST(only_a_kernel_that_can_is_the_initial_domain)
{
    build.initial_domain = true;
    recipe.supported = 1;
    ck_assert(!try_layout());
    ck_assert_ptr_nonnull(strstr(build.error, "initial domain"));
}
END_TEST

START_TEST(a_kernel_at_address_zero)
{
    recipe.base = 0;
    recipe.entry = 0x100000;
    recipe.hypercall_page = 0;
    recipe.init_p2m = 0;
    elf = elf_make(&recipe);
    ck_assert_msg(pv_image_parse(&image, elf.bytes, elf.size), "%s", image.error);
    ck_assert_msg(pv_build_layout(&build), "%s", build.error);
    ck_assert(pv_build_memory(&build));
    ck_assert_uint_eq((walk(0x100000) & MFN_MASK) >> 12, pv_build_mfn(&build, 0x100));
}
END_TEST

START_TEST(memory_just_large_enough)
{
    uint64_t least = 0;

    give_initrd(100 * PAGE);
    for (build.pages = 256; build.pages < 4096 && least == 0; build.pages += 8) {
        if (try_layout()) {
            least = build.pages;
        } else {
            ck_assert_ptr_nonnull(strstr(build.error, "too small"));
            elf_free(&elf);
        }
    }
    ck_assert_uint_lt(least, 600);
    build.pages = least;
    elf_free(&elf);
    make();
    check_domain();
    check_initrd(0);
}
END_TEST

START_TEST(many_gibibytes)
{
    build.pages = 3ull << 17; /* 1.5 GiB */
    make();
    ck_assert_uint_eq(build.p2m.count, 768);
    ck_assert_uint_eq(build.p2m_tables.count, 1 + 1 + 2);
    for (uint64_t pfn = 0; pfn < build.pages; pfn += 511) {
        ck_assert_uint_eq(*(const uint64_t *)at(build.p2m_va + pfn * 8), pv_build_mfn(&build, pfn));
    }
}
END_TEST

START_TEST(p2m_and_kernel_need_slots_of_their_own)
{
    recipe.init_p2m = 0xffffffff00000000ull;
    ck_assert(!try_layout());
    ck_assert_ptr_nonnull(strstr(build.error, "within 512 GiB"));
}
END_TEST

START_TEST(p2m_must_not_run_into_the_hypervisor)
{
    recipe.init_p2m = 0x7ffffffff000ull;
    build.pages = 1 << 18;
    ck_assert(!try_layout());
    ck_assert_ptr_nonnull(strstr(build.error, "leaves no room"));
}
END_TEST

START_TEST(a_mapping_must_not_wrap)
{
    recipe.base = 0xffffffffffee0000ull; /* the kernel ends where addresses do */
    recipe.entry = recipe.base + 0x100000;
    recipe.hypercall_page = 0;
    ck_assert(!try_layout());
    ck_assert_ptr_nonnull(strstr(build.error, "VIRT_BASE"));
}
END_TEST

START_TEST(running_out_of_memory_leaves_nothing_behind)
{
    limit = (uint64_t)_i * 760;
    ck_assert(try_layout());
    ck_assert(!pv_build_memory(&build));
    ck_assert_ptr_nonnull(strstr(build.error, "not enough free memory"));
    pv_build_release(&build);
    pv_build_release(&build);
    ck_assert_uint_eq(scratches, 0);
}
END_TEST

START_TEST(the_command_line_has_a_limit)
{
    char *line = malloc(1025);

    memset(line, 'x', 1024);
    line[1023] = '\0';
    build.cmdline = line;
    make();
    ck_assert_str_eq((const char *)start_info()->cmd_line, line);
    line[1023] = 'x';
    line[1024] = '\0';
    ck_assert(!pv_build_layout(&build));
    ck_assert_ptr_nonnull(strstr(build.error, "1023"));
    free(line);
}
END_TEST

START_TEST(hypercall_slots)
{
    static const uint8_t call[] = {0x51, 0x41, 0x53, 0xb8, 29,   0,    0,
                                   0,    0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3};
    static const uint8_t iret[] = {0x51, 0x41, 0x53, 0x50, 0xb8, 23, 0, 0, 0, 0x0f, 0x05};

    make();
    ck_assert_mem_eq(at(recipe.hypercall_page) + 29 * 32, call, sizeof(call));
    ck_assert_mem_eq(at(recipe.hypercall_page) + 23 * 32, iret, sizeof(iret));
}
END_TEST

START_TEST(first_registers)
{
    vcpu_guest_context_t *ctx = malloc(sizeof(*ctx));

    make();
    pv_build_context(&build, ctx);
    ck_assert_uint_eq(ctx->user_regs.rip, recipe.entry);
    ck_assert_uint_eq(ctx->user_regs.rsi, ELF_BASE + build.start_info.pfn * PAGE);
    ck_assert_uint_eq(ctx->user_regs.rsp, ELF_BASE + (build.stack.pfn + 1) * PAGE);
    ck_assert(walk(ctx->user_regs.rsp - 8) & RW);
    ck_assert_uint_eq(ctx->user_regs.cs, 0xe033);
    ck_assert_uint_eq(ctx->user_regs.ss, 0xe02b);
    ck_assert_uint_eq(ctx->user_regs.rflags, 0x200);
    ck_assert_uint_eq(ctx->ctrlreg[3], build.l4_mfn << 12);
    ck_assert_uint_eq(ctx->flags, VGCF_in_kernel | VGCF_online);
    free(ctx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("build");
    TCase *tc = tcase_create("build");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_domain_as_linux_wants_it, 0, 4);
    tcase_add_loop_test(tc, a_domain_without_notes_for_p2m_and_initrd, 0, 2);
    tcase_add_test(tc, the_initial_domain);
    tcase_add_test(tc, only_a_kernel_that_can_is_the_initial_domain);
    tcase_add_test(tc, a_kernel_at_address_zero);
    tcase_add_test(tc, memory_just_large_enough);
    tcase_add_test(tc, many_gibibytes);
    tcase_add_test(tc, p2m_and_kernel_need_slots_of_their_own);
    tcase_add_test(tc, p2m_must_not_run_into_the_hypervisor);
    tcase_add_test(tc, a_mapping_must_not_wrap);
    tcase_add_loop_test(tc, running_out_of_memory_leaves_nothing_behind, 0, 4);
    tcase_add_test(tc, the_command_line_has_a_limit);
    tcase_add_test(tc, hypercall_slots);
    tcase_add_test(tc, first_registers);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed != 0;
}
