/* SPDX-License-Identifier: MIT */
/* The emulator: each instruction it does, and every byte sequence it must survive. */
#include "emulate.h"
#include "trap_fixture.h"

static struct vcpu *v;

static void setup(void)
{
    v = trap_fixture();
    v->iopl = 1;
}

static void put(const void *bytes, size_t count)
{
    guest_put(v->regs.rip, bytes, count);
}

/* Put the instruction at rip and take #GP(0) there; true if rip moved just behind it. */
#define RUN(s) run(s, sizeof(s) - 1)

static bool run(const char *bytes, size_t count)
{
    uint64_t rip = v->regs.rip;

    put(bytes, count);
    v->regs.error_code = 0;
    trap_from_guest(v, VECTOR_GP, 0);
    if (v->regs.rip == rip + count) {
        return true;
    }
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_GP));
    v->regs.rip = rip;
    return false;
}

START_TEST(msr_instructions)
{
    v->gs_base_user = 0x1234567890ull;
    v->regs.rcx = 0xffffffffc0000102ull; /* the upper half is not looked at */
    ck_assert(RUN("\x0f\x32"));
    ck_assert_uint_eq(v->regs.rax, 0x34567890);
    ck_assert_uint_eq(v->regs.rdx, 0x12);
    v->regs.rcx = 0xc0000101;
    v->regs.rax = 0xdeadbeef00001000ull;
    v->regs.rdx = 0xffffffffffff8880ull;
    ck_assert(RUN("\x0f\x30"));
    ck_assert_uint_eq(v->gs_base_kernel, 0xffff888000001000ull);
    v->regs.rdx = 0x8000; /* not canonical */
    ck_assert(!RUN("\x0f\x30"));
    v->regs.rcx = 0x12345;
    ck_assert(!RUN("\x0f\x32"));
    ck_assert(!RUN("\x0f\x30"));
    enter_user(v);
    v->regs.rcx = 0xc0000102;
    ck_assert(!RUN("\x0f\x32"));
}
END_TEST

START_TEST(control_registers)
{
    ck_assert(RUN("\x0f\x20\xc3")); /* mov %cr0, %rbx */
    ck_assert_uint_eq(v->regs.rbx, 0x80050033);
    v->regs.rbx |= 8;
    ck_assert(RUN("\x0f\x22\xc3"));
    ck_assert(v->cr0_ts);
    ck_assert(machine_ts());
    ck_assert(RUN("\x41\x0f\x20\xc7")); /* mov %cr0, %r15 */
    ck_assert_uint_eq(v->regs.r15, 0x8005003b);
    ck_assert(RUN("\x0f\x06")); /* clts */
    ck_assert(!machine_ts());
    v->regs.rax = 0x80050032; /* protection off */
    ck_assert(!RUN("\x0f\x22\xc0"));
    v->info->arch.cr2 = 0x55;
    ck_assert(RUN("\x0f\x20\xd0"));
    ck_assert_uint_eq(v->regs.rax, 0x55);
    v->regs.rax = 0x66;
    ck_assert(RUN("\x0f\x22\xd0"));
    ck_assert_uint_eq(v->info->arch.cr2, 0x66);
    ck_assert(!RUN("\x44\x0f\x20\xc0")); /* cr8 */
    ck_assert(!RUN("\x44\x0f\x22\xc0"));
    ck_assert(!RUN("\x0f\x20\xc8")); /* cr1 */
    ck_assert(!RUN("\xf0\x0f\x20\xc0"));
}
END_TEST

START_TEST(cr3)
{
    ck_assert(RUN("\x0f\x20\xd8"));
    ck_assert_uint_eq(v->regs.rax, v->guest_table.n << 12);
    ck_assert(RUN("\x0f\x22\xd8")); /* the same root again */
    v->regs.rax = 1ull << 51;
    ck_assert(!RUN("\x0f\x22\xd8"));
    v->regs.rax = ~0ull;
    ck_assert(!RUN("\x0f\x22\xd8"));
}
END_TEST

START_TEST(cr4_keeps_only_what_is_allowed)
{
    machine_give_cpuid(7, 0, 0, 1, 0, 0);
    ck_assert(RUN("\x0f\x20\xe0"));
    ck_assert_uint_eq(v->regs.rax, 0x660);
    v->regs.rax = 0x50660;
    ck_assert(RUN("\x0f\x22\xe0"));
    ck_assert(RUN("\x0f\x20\xe0"));
    ck_assert_uint_eq(v->regs.rax, 0x50660);
    v->regs.rax = ~0ull;
    ck_assert(RUN("\x0f\x22\xe0"));
    ck_assert(RUN("\x0f\x20\xe0"));
    ck_assert_uint_eq(v->regs.rax, 0x50668);
    v->regs.rax = 0;
    ck_assert(RUN("\x0f\x22\xe0"));
    ck_assert(RUN("\x0f\x20\xe0"));
    ck_assert_uint_eq(v->regs.rax, 0x660);
}
END_TEST

START_TEST(debug_registers)
{
    v->regs.rax = 0x400000;
    ck_assert(RUN("\x0f\x23\xc0")); /* mov %rax, %dr0 */
    ck_assert(RUN("\x0f\x21\xc1"));
    ck_assert_uint_eq(v->regs.rcx, 0x400000);
    v->regs.rax = 0xffff820000000000ull; /* a breakpoint on us */
    ck_assert(!RUN("\x0f\x23\xc0"));
    v->regs.rax = HYPERVISOR_RANGE_START - 4;
    ck_assert(!RUN("\x0f\x23\xc0"));
    v->regs.rax = 0x2400; /* DR7.GD */
    ck_assert(!RUN("\x0f\x23\xf8"));
    v->regs.rax = 0x20403; /* an I/O breakpoint */
    ck_assert(!RUN("\x0f\x23\xf8"));
    v->regs.rax = 0xd801;
    ck_assert(RUN("\x0f\x23\xf8"));
    ck_assert(RUN("\x0f\x21\xf8"));
    ck_assert_uint_eq(v->regs.rax, 0x401);
    ck_assert(!RUN("\x0f\x21\xe0")); /* dr4 */
    ck_assert(!RUN("\x44\x0f\x21\xc0"));
}
END_TEST

START_TEST(xsetbv)
{
    static const struct {
        uint64_t supported, value;
        bool good;
    } cases[] = {{7, 1, true},        {7, 3, true},        {7, 7, true},
                 {7, 0, false},       {7, 2, false},       {7, 5, false},
                 {7, 0xf, false},     {0, 1, false},       {3, 7, false},
                 {0xff, 0xe7, true},  {0xff, 0x27, false}, {0xff, 0xe3, false},
                 {0xff, 0x0f, false}, {0xff, 0x1f, true},  {7, 1ull << 63 | 1, false}};

    machine_give_xcr0(cases[_i].supported);
    v->xcr0 = 1;
    v->regs.rcx = 0;
    v->regs.rax = cases[_i].value & 0xffffffff;
    v->regs.rdx = cases[_i].value >> 32;
    ck_assert_int_eq(RUN("\x0f\x01\xd1"), cases[_i].good);
    ck_assert_uint_eq(v->xcr0, cases[_i].good ? cases[_i].value : 1);
    v->regs.rcx = 1;
    ck_assert(!RUN("\x0f\x01\xd1"));
    v->regs.rcx = 0;
    ck_assert(!RUN("\x66\x0f\x01\xd1"));
}
END_TEST

START_TEST(done_and_refused)
{
    ck_assert(RUN("\xfa"));
    ck_assert(RUN("\xfb"));
    ck_assert_uint_eq(v->info->evtchn_upcall_mask, 0);
    ck_assert(RUN("\x0f\x08"));
    ck_assert(RUN("\x0f\x09"));
    ck_assert(RUN("\x0f\x31"));
    ck_assert_uint_eq(v->regs.rax >> 32, 0);
    ck_assert(RUN("\x0f\x01\xf9"));
    ck_assert_uint_eq(v->regs.rcx, 0);
    ck_assert(!RUN("\xf4"));         /* hlt */
    ck_assert(!RUN("\x0f\x01\x10")); /* lgdt */
    ck_assert(!RUN("\x0f\x01\x18")); /* lidt */
    ck_assert(!RUN("\x0f\x01\x38")); /* invlpg */
    ck_assert(!RUN("\x0f\x01\xf0")); /* lmsw */
    ck_assert(!RUN("\x0f\x01\xf8")); /* swapgs */
    ck_assert(!RUN("\x0f\x00\xd0")); /* lldt */
    ck_assert(!RUN("\x0f\x00\xd8")); /* ltr */
    ck_assert(!RUN("\x0f\x33"));     /* rdpmc */
    ck_assert(!RUN("\x48\x0f\x07")); /* sysret */
    ck_assert(!RUN("\xcf"));         /* iret */
    v->iopl = 0;
    ck_assert(!RUN("\xfa"));
    ck_assert(!RUN("\xfb"));
}
END_TEST

START_TEST(port_reads_and_writes)
{
    v->regs.rax = 0x1122334455667788ull;
    v->regs.rdx = 0x3f8;
    ck_assert(RUN("\xec")); /* in %dx, %al */
    ck_assert_uint_eq(v->regs.rax, 0x11223344556677ffull);
    ck_assert(RUN("\x66\xed"));
    ck_assert_uint_eq(v->regs.rax, 0x112233445566ffffull);
    ck_assert(RUN("\xed"));
    ck_assert_uint_eq(v->regs.rax, 0xffffffff);
    ck_assert(RUN("\xe4\x42")); /* the PIT counter */
    ck_assert_uint_eq(v->regs.rax, 0xffffff00);
    ck_assert(RUN("\xe4\x43"));
    ck_assert_uint_eq(v->regs.rax, 0xffffffff);
    ck_assert(RUN("\xe5\x80"));
    ck_assert(RUN("\xe6\x80"));
    ck_assert(RUN("\xe7\x80"));
    ck_assert(RUN("\xee"));
    ck_assert(RUN("\xef"));
    ck_assert(RUN("\x66\xef"));
    v->iopl = 0;
    ck_assert(!RUN("\xec"));
    ck_assert(!RUN("\xe7\x80"));
}
END_TEST

START_TEST(user_ports_by_iopl_and_bitmap)
{
    enter_user(v);
    v->regs.rdx = 0x10;
    ck_assert(!RUN("\xec"));
    enter_user(v);
    v->iopl = 3;
    ck_assert(RUN("\xec"));
    ck_assert(RUN("\xfa"));
    ck_assert(!RUN("\x0f\x06"));
    enter_user(v);
    v->iopl = 0;
    v->iobitmap = KERNEL_DATA + 0x800; /* not in the user root */
    v->iobitmap_ports = 0x20;
    guest_put(v->iobitmap, "\xff\xff\x3e\xff", 4); /* ports 0x10, 0x16 and 0x17 are open */
    ck_assert(RUN("\xec"));
    ck_assert(!RUN("\xed"));
    enter_user(v);
    ck_assert(!RUN("\x66\xed"));
    enter_user(v);
    v->regs.rdx = 0x16;
    ck_assert(RUN("\x66\xed"));
    v->regs.rdx = 0x17; /* two ports over a byte's edge, the second closed */
    ck_assert(!RUN("\x66\xed"));
    enter_user(v);
    v->regs.rdx = 0x1f;
    ck_assert(!RUN("\x66\xed")); /* reaches beyond the end */
    enter_user(v);
    v->regs.rdx = 0xffff;
    ck_assert(!RUN("\xed"));
    enter_user(v);
    v->iobitmap = HOLE;
    v->regs.rdx = 0x10;
    ck_assert(!RUN("\xec"));
}
END_TEST

START_TEST(string_io)
{
    v->regs.rdi = KERNEL_DATA + PAGE_SIZE - 2;
    v->regs.rcx = 3;
    guest_put(KERNEL_DATA + PAGE_SIZE - 8, "abcdefghijklmnop", 16);
    ck_assert(RUN("\xf3\x66\x6d")); /* rep insw, over a page's edge */
    ck_assert_uint_eq(v->regs.rcx, 0);
    ck_assert_uint_eq(v->regs.rdi, KERNEL_DATA + PAGE_SIZE + 4);
    ck_assert_uint_eq(guest_word(KERNEL_DATA + PAGE_SIZE - 2), 0x6e6dffffffffffffull);
    v->regs.rsi = KERNEL_DATA + 8;
    ck_assert(RUN("\x6f")); /* outsl */
    ck_assert_uint_eq(v->regs.rsi, KERNEL_DATA + 12);
    v->regs.rflags |= RFLAGS_DF;
    v->fs_base = KERNEL_DATA;
    v->regs.rsi = 8;
    ck_assert(RUN("\x64\x6e")); /* outsb from %fs:8, downwards */
    ck_assert_uint_eq(v->regs.rsi, 7);
}
END_TEST

START_TEST(string_io_faults_in_the_guest)
{
    uint64_t rip = v->regs.rip;

    put("\xf3\x6c", 2);
    v->regs.error_code = 0;
    v->regs.rdi = KERNEL_DATA + 2 * PAGE_SIZE - 4;
    v->regs.rcx = 100;
    trap_from_guest(v, VECTOR_GP, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_PF));
    ck_assert_uint_eq(v->info->arch.cr2, KERNEL_DATA + 2 * PAGE_SIZE);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 16), PF_WRITE);
    ck_assert_uint_eq(guest_word(v->regs.rsp + 24), rip);
    ck_assert_uint_eq(v->regs.rcx, 96);
    ck_assert_uint_eq(v->regs.rdi, KERNEL_DATA + 2 * PAGE_SIZE);
    v->regs.rip = rip;
    v->regs.rdi = HYPERVISOR_RANGE_START;
    trap_from_guest(v, VECTOR_GP, 0);
    ck_assert_uint_eq(v->info->arch.cr2, HYPERVISOR_RANGE_START);
    ck_assert_uint_eq(v->regs.rcx, 96);
}
END_TEST

/* A huge count never keeps ring 0 busy: the instruction comes back to itself. */
START_TEST(string_io_is_bounded)
{
    uint64_t rip = v->regs.rip;

    put("\xf3\x6e", 2);
    v->regs.rsi = KERNEL_DATA;
    v->regs.rcx = 1000;
    for (unsigned i = 0; v->regs.rip == rip; i++) {
        v->regs.error_code = 0;
        trap_from_guest(v, VECTOR_GP, 0);
        ck_assert_uint_lt(i, 8);
    }
    ck_assert_uint_eq(v->regs.rip, rip + 2);
    ck_assert_uint_eq(v->regs.rcx, 0);
    ck_assert_uint_eq(v->regs.rsi, KERNEL_DATA + 1000);
}
END_TEST

START_TEST(single_step_after_emulation)
{
    uint64_t dr6;

    v->regs.rflags |= RFLAGS_TF;
    put("\xfa", 1);
    v->regs.error_code = 0;
    trap_from_guest(v, VECTOR_GP, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_DB));
    ck_assert_uint_eq(guest_word(v->regs.rsp + 16), KERNEL_CODE + 0x1801);
    ck_assert_int_eq(debugreg_get(v, 6, &dr6), 0);
    ck_assert(dr6 & 1u << 14);
}
END_TEST

START_TEST(forced_cpuid)
{
    static const char insn[] = "\x0f\x0b"
                               "xen"
                               "\x0f\xa2";
    bool user = _i;
    uint64_t rip;

    if (user) {
        enter_user(v);
    }
    rip = v->regs.rip;
    put(insn, 7);
    v->regs.rax = 0xffffffff40000000ull;
    v->regs.rcx = 0;
    trap_from_guest(v, VECTOR_UD, 0);
    ck_assert_uint_eq(v->regs.rip, rip + 7);
    ck_assert_uint_eq(v->regs.rbx, 0x566e6558);
    ck_assert_uint_eq(v->regs.rcx, 0x65584d4d);
    ck_assert_uint_eq(v->regs.rdx, 0x4d4d566e);
    ck_assert_uint_eq(v->regs.rax, 0x40000005);
}
END_TEST

/* Every shorter or other prefix is #UD, also where the code ends with the page. */
START_TEST(not_forced_cpuid)
{
    static const char insn[] = "\x0f\x0b"
                               "xen"
                               "\x0f\xa2";

    for (unsigned i = 0; i < 7; i++) {
        char other[7];

        v = trap_fixture();
        memcpy(other, insn, 7);
        other[i] ^= 1;
        put(other, 7);
        trap_from_guest(v, VECTOR_UD, 0);
        ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_UD));
        v = trap_fixture();
        v->regs.rip = CODE_END - i;
        put(insn, i);
        trap_from_guest(v, VECTOR_UD, 0);
        ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_UD));
    }
}
END_TEST

/* Instruction bytes over a page boundary, and code that ends in a hole. */
START_TEST(fetch_crosses_pages)
{
    v->regs.rip = KERNEL_CODE + PAGE_SIZE - 1;
    v->regs.rcx = 0xc0000100;
    ck_assert(RUN("\x0f\x32"));
    v->regs.rip = KERNEL_CODE + PAGE_SIZE - 2;
    ck_assert(RUN("\x41\x0f\x20\xc0"));
    v->regs.rip = CODE_END - 1;
    put("\xfa", 1); /* nothing behind it is needed */
    v->regs.error_code = 0;
    trap_from_guest(v, VECTOR_GP, 0);
    ck_assert_uint_eq(v->regs.rip, CODE_END);
    v->regs.rip = CODE_END - 1;
    put("\x0f", 1);
    trap_from_guest(v, VECTOR_GP, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_GP));
}
END_TEST

START_TEST(rip_that_cannot_be_read)
{
    static const uint64_t places[] = {
        0, HOLE, HYPERVISOR_RANGE_START, HYPERVISOR_RANGE_END - 1, 0x0000800000000000ull, ~0ull};

    v->regs.rip = places[_i];
    v->regs.error_code = 0;
    trap_from_guest(v, VECTOR_GP, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_GP));
    v->regs.rip = places[_i];
    trap_from_guest(v, VECTOR_UD, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_UD));
}
END_TEST

START_TEST(code_segments)
{
    enter_user(v);
    v->iopl = 3;
    v->regs.cs = USER_CS32;
    guest_put(USER_CODE + 0x10, "\xec", 1);
    v->regs.error_code = 0;
    trap_from_guest(v, VECTOR_GP, 0);
    ck_assert_uint_eq(v->regs.rip, USER_CODE + 0x11);
    v->regs.cs = USER_CS32_BASED;
    v->regs.rip = USER_CODE + 0x10 - 0x10000;
    trap_from_guest(v, VECTOR_GP, 0);
    ck_assert_uint_eq(v->regs.rip, USER_CODE + 0x11 - 0x10000);
    v->regs.cs = 0x1fb; /* beyond the table */
    v->regs.rip = USER_CODE + 0x10;
    trap_from_guest(v, VECTOR_GP, 0);
    ck_assert_uint_eq(v->regs.rip, HANDLER(VECTOR_GP));
}
END_TEST

static uint64_t random_state = 88172645463325252ull;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Whatever stands at rip: refused with nothing but the #GP frame, or done within 15 bytes. */
static void survive(const uint8_t *bytes, size_t count, bool user)
{
    struct cpu_user_regs old;

    if (user) {
        enter_user(v);
    } else {
        v->kernel_mode = true;
        v->regs.rip = KERNEL_CODE + 0x1800;
        v->regs.rsp = KERNEL_STACK + 0x808;
        v->regs.cs = SEL_CODE64;
        v->regs.ss = SEL_DATA;
    }
    put(bytes, count);
    v->regs.rflags = 0x202;
    v->regs.error_code = 0;
    old = v->regs;
    if (!emulate_privileged(v)) {
        ck_assert_mem_eq(&old, &v->regs, sizeof(old));
    } else if (v->regs.rip != HANDLER(VECTOR_PF)) {
        ck_assert_uint_le(v->regs.rip - old.rip, 15);
        ck_assert_uint_eq(v->regs.rsp, old.rsp);
    }
    ck_assert_uint_eq(v->regs.rflags, 0x202);
    ck_assert(!v->domain->crashed);
}

START_TEST(every_opcode)
{
    static const uint8_t prefixes[] = {0x90, 0x66, 0xf3, 0xf2, 0xf0, 0x48, 0x41, 0x67, 0x64};

    for (unsigned p = 0; p < ARRAY_LEN(prefixes); p++) {
        /* Without prefix every second byte, with one a sample of them. */
        for (unsigned op = 0; op < 0x20000; op += p ? 23 : 1) {
            uint8_t bytes[16];
            size_t n = 0;

            if (p > 0) {
                bytes[n++] = prefixes[p];
            }
            if (op & 0x10000) {
                bytes[n++] = 0x0f;
            }
            bytes[n++] = (uint8_t)op;
            bytes[n++] = (uint8_t)(op >> 8);
            memset(bytes + n, 0, sizeof(bytes) - n);
            survive(bytes, sizeof(bytes), op & 1);
        }
    }
}
END_TEST

START_TEST(random_bytes)
{
    for (unsigned round = 0; round < 50000; round++) {
        uint64_t bytes[2] = {next_random(), next_random()};

        v->iopl = (uint8_t)(next_random() & 3);
        survive((uint8_t *)bytes, sizeof(bytes), round & 1);
    }
}
END_TEST

START_TEST(nothing_but_prefixes)
{
    uint8_t bytes[32];

    memset(bytes, 0x66, sizeof(bytes));
    survive(bytes, sizeof(bytes), false);
    memset(bytes, 0x48, sizeof(bytes));
    survive(bytes, sizeof(bytes), false);
    memset(bytes, 0x66, 14);
    bytes[14] = 0xfa; /* the fifteenth byte still counts */
    put(bytes, 15);
    ck_assert(emulate_privileged(v));
    v->regs.rip = KERNEL_CODE + 0x1800;
    bytes[14] = 0x66;
    bytes[15] = 0xfa;
    put(bytes, 16);
    ck_assert(!emulate_privileged(v));
}
END_TEST

static void add_tests(TCase *c)
{
    tcase_add_test(c, msr_instructions);
    tcase_add_test(c, control_registers);
    tcase_add_test(c, cr3);
    tcase_add_test(c, cr4_keeps_only_what_is_allowed);
    tcase_add_test(c, debug_registers);
    tcase_add_loop_test(c, xsetbv, 0, 15);
    tcase_add_test(c, done_and_refused);
    tcase_add_test(c, port_reads_and_writes);
    tcase_add_test(c, user_ports_by_iopl_and_bitmap);
    tcase_add_test(c, string_io);
    tcase_add_test(c, string_io_faults_in_the_guest);
    tcase_add_test(c, string_io_is_bounded);
    tcase_add_test(c, single_step_after_emulation);
    tcase_add_loop_test(c, forced_cpuid, 0, 2);
    tcase_add_test(c, not_forced_cpuid);
    tcase_add_test(c, fetch_crosses_pages);
    tcase_add_loop_test(c, rip_that_cannot_be_read, 0, 6);
    tcase_add_test(c, code_segments);
    tcase_add_test(c, every_opcode);
    tcase_add_test(c, random_bytes);
    tcase_add_test(c, nothing_but_prefixes);
}

int main(void)
{
    Suite *s = suite_create("emulate");
    TCase *c = tcase_create("emulate");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, trap_fixture_end);
    add_tests(c);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
