/* SPDX-License-Identifier: MIT */
/* What a guest is told: CPUID, MSRs, xen_version, and the calls that set its virtual privileges. */
#include "handlers.h"
#include "trap_fixture.h"
#include "version.h"

#define OSXSAVE (1u << 27)
#define XSAVE (1u << 26)

enum { EAX, EBX, ECX, EDX };

static struct vcpu *v;
static uint32_t out[4];

static void setup(void)
{
    v = trap_fixture();
    machine_give_xcr0(7);
}

static void cpuid(uint32_t leaf, uint32_t subleaf)
{
    cpuid_guest(v, leaf, subleaf, out);
}

/* A machine that has everything: what must not be seen is not. */
START_TEST(hidden_features)
{
    machine_give_cpuid(1, 0, 0x000306a9, ~0u, ~0u, ~0u);
    machine_give_cpuid(7, 0, 2, ~0u, ~0u, ~0u);
    machine_give_cpuid(0x80000001, 0, ~0u, ~0u, ~0u, ~0u);
    cpuid(1, 0);
    ck_assert_uint_eq(out[EAX], 0x000306a9);
    ck_assert_uint_eq(out[EBX] >> 16, 0);
    /* VME PSE PGE MTRR PSE36 DS HTT */
    ck_assert_uint_eq(
        out[EDX] & (1u << 1 | 1u << 3 | 1u << 13 | 1u << 12 | 1u << 17 | 1u << 21 | 1u << 28), 0);
    /* MONITOR VMX SMX PCID x2APIC TSC_DEADLINE */
    ck_assert_uint_eq(out[ECX] & (1u << 3 | 1u << 5 | 1u << 6 | 1u << 17 | 1u << 21 | 1u << 24), 0);
    ck_assert_uint_eq(out[ECX] >> 31, 1); /* hypervisor present */
    ck_assert_uint_eq(out[ECX] & (XSAVE | OSXSAVE), XSAVE | OSXSAVE);
    ck_assert_uint_eq(out[EDX] & 0x07000001, 0x07000001); /* FXSR SSE SSE2 FPU */
    cpuid(7, 0);
    ck_assert_uint_eq(out[EAX], 1);
    /* SMEP INVPCID RTM HLE SMAP PT; UMIP PKU OSPKE CET_SS LA57 RDPID; CET_IBT, speculation MSRs */
    ck_assert_uint_eq(out[EBX] & (1u << 7 | 1u << 10 | 1u << 11 | 1u << 4 | 1u << 20 | 1u << 25),
                      0);
    ck_assert_uint_eq(out[ECX] & (1u << 2 | 1u << 3 | 1u << 4 | 1u << 7 | 1u << 16 | 1u << 22), 0);
    ck_assert_uint_eq(out[EDX] & (1u << 20 | 0xfc000000), 0);
    ck_assert(out[EBX] & 1); /* FSGSBASE */
    cpuid(0x80000001, 0);
    /* 1 GiB pages, RDTSCP, FFXSR, MTRR, PSE, PGE; SVM, topology, IBS */
    ck_assert_uint_eq(out[EDX] & (1u << 26 | 1u << 27 | 1u << 25 | 1u << 12 | 1u << 3 | 1u << 13),
                      0);
    ck_assert_uint_eq(out[ECX] & (1u << 2 | 1u << 22 | 1u << 10), 0);
    ck_assert_uint_eq(out[EDX] & (1u << 11 | 1u << 20 | 1u << 29), 1u << 11 | 1u << 20 | 1u << 29);
}
END_TEST

START_TEST(nothing_is_invented)
{
    machine_give_cpuid(1, 0, 0, 0, 0, 0);
    machine_give_cpuid(7, 0, 0, 0, 0, 0);
    machine_give_cpuid(0x80000001, 0, 0, 0, 0, 0);
    machine_give_xcr0(0);
    cpuid(1, 0);
    ck_assert_uint_eq(out[ECX], 1u << 31);
    ck_assert_uint_eq(out[EDX], 0);
    cpuid(7, 0);
    ck_assert_uint_eq(out[EAX] | out[EBX] | out[ECX] | out[EDX], 0);
    cpuid(0x80000001, 0);
    ck_assert_uint_eq(out[ECX] | out[EDX], 0);
}
END_TEST

START_TEST(sysenter_is_not_amds)
{
    machine_give_cpuid(1, 0, 0, 0, 0, 1u << 11);
    cpuid(1, 0);
    ck_assert(out[EDX] & 1u << 11);
    machine_give_cpuid(0, 0, 0xd, 0x68747541, 0x444d4163, 0x69746e65);
    cpuid(1, 0);
    ck_assert(!(out[EDX] & 1u << 11));
}
END_TEST

START_TEST(limits)
{
    machine_give_cpuid(0, 0, 0x1f, 1, 2, 3);
    machine_give_cpuid(0x80000000, 0, 0x80000021, 0, 0, 0);
    cpuid(0, 0);
    ck_assert_uint_eq(out[EAX], 0xd);
    ck_assert_uint_eq(out[EDX], 3);
    cpuid(0x80000000, 0);
    ck_assert_uint_eq(out[EAX], 0x80000008);
    machine_give_cpuid(0, 0, 5, 1, 2, 3); /* an old machine answers the last leaf instead */
    cpuid(0, 0);
    ck_assert_uint_eq(out[EAX], 5);
    cpuid(7, 0);
    ck_assert_uint_eq(out[EAX] | out[EBX] | out[ECX] | out[EDX], 0);
    cpuid(0x80000008, 0);
    ck_assert_uint_eq(out[EAX] >> 8, 48);
}
END_TEST

START_TEST(leaves_without_a_rule_are_zero)
{
    static const uint32_t leaves[] = {3,          5,          6,          9,          0xa,
                                      0xb,        0xf,        0x14,       0x15,       0x1f,
                                      0x40000004, 0x40000006, 0x40000100, 0x4000ff00, 0x80000007,
                                      0x8000000a, 0x8000001d, 0x8000001e, 0xc0000000, 0xffffffff};

    cpuid(leaves[_i], 0);
    ck_assert_uint_eq(out[EAX] | out[EBX] | out[ECX] | out[EDX], 0);
}
END_TEST

START_TEST(xsave_sizes)
{
    machine_give_xcr0(0xe7);
    machine_give_cpuid(0xd, 2, 256, 576, 0, 0);
    machine_give_cpuid(0xd, 5, 64, 1088, 0, 0);
    machine_give_cpuid(0xd, 6, 512, 1152, 2, 0);
    machine_give_cpuid(0xd, 7, 1024, 1664, 2, 0);
    machine_give_cpuid(0xd, 1, ~0u, ~0u, ~0u, ~0u);
    v->xcr0 = 7;
    cpuid(0xd, 0);
    ck_assert_uint_eq(out[EAX], 0xe7);
    ck_assert_uint_eq(out[EBX], 832);
    ck_assert_uint_eq(out[ECX], 2688);
    ck_assert_uint_eq(out[EDX], 0);
    cpuid(0xd, 1);
    ck_assert_uint_eq(out[EAX], 7); /* no XSAVES */
    ck_assert_uint_eq(out[EBX], 832);
    v->xcr0 = 0xe7;
    cpuid(0xd, 1);
    ck_assert_uint_eq(out[EBX], 576 + 256 + 64 + 512 + 1024);
    cpuid(0xd, 6);
    ck_assert_uint_eq(out[EAX], 512);
    ck_assert_uint_eq(out[EBX], 1152);
    ck_assert_uint_eq(out[ECX], 2);
    cpuid(0xd, 9);
    ck_assert_uint_eq(out[EAX] | out[EBX] | out[ECX] | out[EDX], 0);
    cpuid(0xd, ~0u);
    ck_assert_uint_eq(out[EAX] | out[EBX] | out[ECX] | out[EDX], 0);
    machine_give_xcr0(0);
    cpuid(0xd, 0);
    ck_assert_uint_eq(out[EAX] | out[EBX] | out[ECX] | out[EDX], 0);
}
END_TEST

START_TEST(hypervisor_leaves)
{
    cpuid(0x40000000, 0);
    ck_assert_uint_ge(out[EAX], 0x40000002);
    ck_assert_mem_eq(&out[EBX], "XenVMMXenVMM", 12);
    cpuid(0x40000001, 0);
    ck_assert_uint_eq(out[EAX], 0x00040011);
    cpuid(0x40000002, 0);
    ck_assert_uint_eq(out[ECX], 1);
    cpuid(0x40000003, 0);
    ck_assert_uint_eq(out[ECX], (uint32_t)machine_clock.tsc_khz);
    cpuid(0x40000005, 0);
    ck_assert_uint_ge(out[EBX], 12);
    ck_assert_uint_le(out[EBX], 52);
}
END_TEST

START_TEST(msr_bases)
{
    uint64_t value;

    ck_assert_int_eq(msr_guest_write(v, 0xc0000100, 0x1000), 0);
    ck_assert_int_eq(msr_guest_write(v, 0xc0000101, 0x2000), 0);
    ck_assert_int_eq(msr_guest_write(v, 0xc0000102, 0x3000), 0);
    ck_assert_int_eq(msr_guest_read(v, 0xc0000100, &value), 0);
    ck_assert_uint_eq(value, 0x1000);
    ck_assert_int_eq(msr_guest_read(v, 0xc0000101, &value), 0);
    ck_assert_uint_eq(value, 0x2000);
    ck_assert_int_eq(msr_guest_read(v, 0xc0000102, &value), 0);
    ck_assert_uint_eq(value, 0x3000);
    for (uint32_t msr = 0xc0000100; msr <= 0xc0000102; msr++) {
        ck_assert_int_eq(msr_guest_write(v, msr, 0x0000800000000000ull), -XEN_EPERM);
    }
}
END_TEST

START_TEST(msr_policy)
{
    uint64_t value;

    ck_assert_int_eq(msr_guest_read(v, 0x277, &value), 0);
    ck_assert_uint_eq(value, 0x050100070406ull);
    ck_assert_int_eq(msr_guest_write(v, 0x277, value), 0);
    ck_assert_int_eq(msr_guest_write(v, 0x277, 0), -XEN_EPERM);
    ck_assert_int_eq(msr_guest_read(v, 0x1b, &value), 0);
    ck_assert_uint_eq(value, 0xfee00900);
    ck_assert_int_eq(msr_guest_read(v, 0x179, &value), 0);
    ck_assert_uint_eq(value, 0);
    ck_assert_int_eq(msr_guest_read(v, 0xc0000080, &value), 0);
    ck_assert_uint_eq(value & ~0xd01ull, 0);
    ck_assert_int_eq(msr_guest_write(v, 0xc0000080, value ^ 1), -XEN_EPERM);
    ck_assert_int_eq(msr_guest_write(v, 0x8b, 1), 0);
    ck_assert_int_eq(msr_guest_read(v, 0xc0000082, &value), -XEN_EPERM); /* our syscall entry */
    ck_assert_int_eq(msr_guest_write(v, 0xc0000082, 0), -XEN_EPERM);
    ck_assert_int_eq(msr_guest_read(v, 0x12345, &value), -XEN_EPERM);
    ck_assert_int_eq(msr_guest_write(v, 0x12345, 0), -XEN_EPERM);
}
END_TEST

/* No register outside the policy gets through in either direction. */
START_TEST(msr_sweep)
{
    static const uint32_t starts[] = {0, 0x40000000, 0xc0000000, 0xc0010000};
    unsigned readable = 0;

    for (uint32_t msr = starts[_i]; msr < starts[_i] + 0x2000; msr++) {
        uint64_t value = 0;
        int err = msr_guest_read(v, msr, &value);

        ck_assert(err == 0 || err == -XEN_EPERM);
        readable += err == 0;
        if (err == 0) {
            err = msr_guest_write(v, msr, value);
            ck_assert(err == 0 || err == -XEN_EPERM);
        }
    }
    ck_assert_uint_lt(readable, 32);
}
END_TEST

START_TEST(versions)
{
    xen_feature_info_t features = {.submap_idx = 0};
    xen_capabilities_info_t capabilities;
    xen_extraversion_t extra;
    xen_platform_parameters_t platform;
    xen_commandline_t line;
    xen_compile_info_t compile;

    ck_assert_int_eq(do_xenver_version(v), 0x00040011);
    ck_assert_int_eq(do_xenver_get_features(v, &features), 0);
    ck_assert_uint_eq(features.submap, 0xb0);
    v->domain->privileged = true;
    ck_assert_int_eq(do_xenver_get_features(v, &features), 0);
    ck_assert_uint_eq(features.submap, 0xb0 | 1u << 11);
    features.submap_idx = 1;
    ck_assert_int_eq(do_xenver_get_features(v, &features), -XEN_EINVAL);
    ck_assert_int_eq(do_xenver_capabilities(v, &capabilities), 0);
    ck_assert_ptr_nonnull(strstr(capabilities, "xen-3.0-x86_64"));
    ck_assert_int_eq(do_xenver_extraversion(v, &extra), 0);
    ck_assert_str_eq(extra, ".paravane");
    ck_assert_int_eq(do_xenver_platform_parameters(v, &platform), 0);
    ck_assert_uint_eq(platform.virt_start, HYPERVISOR_RANGE_START);
    ck_assert_int_eq(do_xenver_pagesize(v), 4096);
    version_set_commandline("loglvl=debug");
    ck_assert_int_eq(do_xenver_commandline(v, &line), 0);
    ck_assert_str_eq(line, "loglvl=debug");
    v->domain->privileged = false;
    ck_assert_int_eq(do_xenver_commandline(v, &line), 0);
    ck_assert_str_eq(line, "<denied>");
    memset(&compile, 0xff, sizeof(compile));
    ck_assert_int_eq(do_xenver_compile_info(v, &compile), 0);
    ck_assert_int_eq(compile.compiler[sizeof(compile.compiler) - 1], 0);
}
END_TEST

START_TEST(vm_assists)
{
    static const unsigned accepted[] = {0, 1, 2, 3, 4, 5};

    for (unsigned i = 0; i < ARRAY_LEN(accepted); i++) {
        ck_assert_int_eq(do_vmasst_cmd_enable(v, accepted[i]), 0);
    }
    ck_assert_uint_eq(v->domain->vm_assist, 0x3f);
    ck_assert_int_eq(do_vmasst_cmd_disable(v, 5), 0);
    ck_assert_uint_eq(v->domain->vm_assist, 0x1f);
    ck_assert_int_eq(do_vmasst_cmd_enable(v, 6), -XEN_EINVAL);
    ck_assert_int_eq(do_vmasst_cmd_enable(v, 32), -XEN_EINVAL);
    ck_assert_int_eq(do_vmasst_cmd_enable(v, 1ull << 32), -XEN_EINVAL);
    ck_assert_int_eq(do_vmasst_cmd_disable(v, ~0ull), -XEN_EINVAL);
}
END_TEST

START_TEST(io_privilege)
{
    physdev_set_iopl_t iopl = {.iopl = 1};
    physdev_set_iobitmap_t bitmap = {.nr_ports = 65537};

    ck_assert(!trap_iopl_allows(v));
    ck_assert_int_eq(do_physdevop_set_iopl(v, &iopl), 0);
    ck_assert(trap_iopl_allows(v));
    iopl.iopl = 4;
    ck_assert_int_eq(do_physdevop_set_iopl(v, &iopl), -XEN_EINVAL);
    ck_assert_uint_eq(v->iopl, 1);
    enter_user(v);
    ck_assert(!trap_iopl_allows(v));
    ck_assert_int_eq(do_physdevop_set_iobitmap(v, &bitmap), -XEN_EINVAL);
    bitmap.nr_ports = 65536;
    set_xen_guest_handle(bitmap.bitmap, (uint8_t *)HYPERVISOR_RANGE_START);
    ck_assert_int_eq(do_physdevop_set_iobitmap(v, &bitmap), -XEN_EINVAL);
    set_xen_guest_handle(bitmap.bitmap, (uint8_t *)USER_CODE);
    ck_assert_int_eq(do_physdevop_set_iobitmap(v, &bitmap), 0);
    v->kernel_mode = true;
    v->iopl = 0;
    v->domain->vm_assist = 1u << VMASST_TYPE_architectural_iopl;
    ck_assert(trap_iopl_allows(v)); /* ring 0 for the purpose */
}
END_TEST

START_TEST(callbacks)
{
    callback_register_t reg = {.type = CALLBACKTYPE_event, .address = 0xffffffff81234560ull};
    callback_unregister_t unreg = {.type = CALLBACKTYPE_event};

    ck_assert_int_eq(do_callbackop_register(v, &reg), 0);
    ck_assert_uint_eq(v->event_callback.address, 0xffffffff81234560ull);
    reg.type = CALLBACKTYPE_failsafe;
    reg.flags = CALLBACKF_mask_events;
    ck_assert_int_eq(do_callbackop_register(v, &reg), 0);
    ck_assert(v->failsafe_callback.mask_events);
    reg.type = CALLBACKTYPE_syscall;
    ck_assert_int_eq(do_callbackop_register(v, &reg), 0);
    ck_assert(v->syscall_callback.mask_events);
    reg.type = CALLBACKTYPE_syscall32;
    ck_assert_int_eq(do_callbackop_register(v, &reg), 0);
    reg.type = CALLBACKTYPE_syscall;
    reg.address = 0x0000800000000000ull;
    ck_assert_int_eq(do_callbackop_register(v, &reg), -XEN_EINVAL);
    ck_assert_uint_eq(v->syscall_callback.address, 0xffffffff81234560ull);
    reg.address = 0x1000;
    for (unsigned type = CALLBACKTYPE_sysenter; type < 0x10000; type += 977) {
        reg.type = (uint16_t)type;
        ck_assert_int_eq(do_callbackop_register(v, &reg), -XEN_ENOSYS);
        unreg.type = (uint16_t)type;
        ck_assert_int_eq(do_callbackop_unregister(v, &unreg), -XEN_ENOSYS);
    }
    for (unsigned type = 0; type < 3; type++) {
        unreg.type = (uint16_t)type;
        ck_assert_int_eq(do_callbackop_unregister(v, &unreg), -XEN_EINVAL);
    }
    unreg.type = CALLBACKTYPE_nmi;
    ck_assert_int_eq(do_callbackop_unregister(v, &unreg), 0);
}
END_TEST

START_TEST(debug_register_calls)
{
    for (unsigned reg = 0; reg < 4; reg++) {
        ck_assert_int_eq(do_set_debugreg(v, reg, 0x400000 + reg), 0);
        ck_assert_int_eq(do_get_debugreg(v, reg), 0x400000 + reg);
        ck_assert_int_eq(do_set_debugreg(v, reg, HYPERVISOR_RANGE_START), -XEN_EPERM);
        ck_assert_int_eq(do_set_debugreg(v, reg, HYPERVISOR_RANGE_END - 1), -XEN_EPERM);
        ck_assert_int_eq(do_set_debugreg(v, reg, 0x0000800000000000ull), -XEN_EPERM);
    }
    ck_assert_int_eq(do_set_debugreg(v, 6, ~0u), 0);
    ck_assert_int_eq(do_get_debugreg(v, 6), 0xffffeffful);
    ck_assert_int_eq(do_set_debugreg(v, 6, 1ull << 32), -XEN_EPERM);
    ck_assert_int_eq(do_set_debugreg(v, 7, 1ull << 13), -XEN_EPERM);
    ck_assert_int_eq(do_set_debugreg(v, 7, 1ull << 32), -XEN_EPERM);
    ck_assert_int_eq(do_set_debugreg(v, 4, 0), -XEN_EINVAL);
    ck_assert_int_eq(do_set_debugreg(v, 8, 0), -XEN_EINVAL);
    ck_assert_int_eq(do_set_debugreg(v, 1ull << 32, 0), -XEN_EINVAL);
    ck_assert_int_eq(do_get_debugreg(v, 5), -XEN_EINVAL);
    ck_assert_int_eq(do_get_debugreg(v, ~0ull), -XEN_EINVAL);
}
END_TEST

static void add_tests(TCase *c)
{
    tcase_add_test(c, hidden_features);
    tcase_add_test(c, nothing_is_invented);
    tcase_add_test(c, sysenter_is_not_amds);
    tcase_add_test(c, limits);
    tcase_add_loop_test(c, leaves_without_a_rule_are_zero, 0, 20);
    tcase_add_test(c, xsave_sizes);
    tcase_add_test(c, hypervisor_leaves);
    tcase_add_test(c, msr_bases);
    tcase_add_test(c, msr_policy);
    tcase_add_loop_test(c, msr_sweep, 0, 4);
    tcase_add_test(c, versions);
    tcase_add_test(c, vm_assists);
    tcase_add_test(c, io_privilege);
    tcase_add_test(c, callbacks);
    tcase_add_test(c, debug_register_calls);
}

int main(void)
{
    Suite *s = suite_create("policy");
    TCase *c = tcase_create("policy");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, trap_fixture_end);
    add_tests(c);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
