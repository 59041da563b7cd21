/* SPDX-License-Identifier: MIT */
/*
 * CPUID as policy: which leaves a guest sees, and which bits of them pass. A leaf that has no rule
 * reads as zeros. Shown is what works in ring 3 without the hypervisor's help or with what it
 * emulates; hidden is what needs ring 0, a physical device, or state that is not switched between
 * vCPUs. Feature names are Xen's (xen/arch-x86/cpufeatureset.h); man page: paravane-abi(7), CPUID.
 */
#include <xen/arch-x86/cpufeatureset.h>
#include <xen/arch-x86/cpuid.h>

#include "trap.h"
#include "version.h"

#define F(name) (1u << (XEN_X86_FEATURE_##name % 32))
#define ANY_SUBLEAF ~0u
#define ALL ~0u

#define MAX_BASIC 0xdu
#define MAX_EXTENDED 0x80000008u
#define TSC_MODE_NEVER_EMULATE 2u

/* Leaf 1. Hidden for PV: VME PSE PGE MTRR PSE36 (page tables and memory types are the
 * hypervisor's), HTT, monitor, PCID, x2APIC, TSC deadline, debug stores. */
#define LEAF1_EDX                                                                                  \
    (F(FPU) | F(DE) | F(TSC) | F(MSR) | F(PAE) | F(MCE) | F(CX8) | F(APIC) | F(SEP) | F(MCA) |     \
     F(CMOV) | F(PAT) | F(CLFLUSH) | F(MMX) | F(FXSR) | F(SSE) | F(SSE2) | F(SS))
#define LEAF1_ECX                                                                                  \
    (F(SSE3) | F(PCLMULQDQ) | F(SSSE3) | F(FMA) | F(CX16) | F(SSE4_1) | F(SSE4_2) | F(MOVBE) |     \
     F(POPCNT) | F(AESNI) | F(AVX) | F(F16C) | F(RDRAND))

/* Leaf 7. Hidden: TSX, SMEP, SMAP, INVPCID, UMIP, PKU, LA57, CET, RDPID (TSC_AUX is not switched),
 * PT, SGX, and every speculation control that is an MSR. */
#define LEAF7_EBX                                                                                  \
    (F(FSGSBASE) | F(BMI1) | F(AVX2) | F(FDP_EXCP_ONLY) | F(BMI2) | F(ERMS) | F(NO_FPU_SEL) |      \
     F(AVX512F) | F(AVX512DQ) | F(RDSEED) | F(ADX) | F(AVX512_IFMA) | F(CLFLUSHOPT) | F(CLWB) |    \
     F(AVX512PF) | F(AVX512ER) | F(AVX512CD) | F(SHA) | F(AVX512BW) | F(AVX512VL))
#define LEAF7_ECX                                                                                  \
    (F(PREFETCHWT1) | F(AVX512_VBMI) | F(AVX512_VBMI2) | F(GFNI) | F(VAES) | F(VPCLMULQDQ) |       \
     F(AVX512_VNNI) | F(AVX512_BITALG) | F(AVX512_VPOPCNTDQ) | F(CLDEMOTE) | F(MOVDIRI))
#define LEAF7_EDX                                                                                  \
    (F(AVX512_4VNNIW) | F(AVX512_4FMAPS) | F(FSRM) | F(AVX512_VP2INTERSECT) | F(MD_CLEAR) |        \
     F(SERIALIZE) | F(AVX512_FP16))
#define LEAF7_1_EAX (F(AVX_VNNI) | F(AVX512_BF16) | F(FZRM) | F(FSRS) | F(FSRCS))

/* Leaf 0x80000001. AMD repeats leaf 1's low bits in EDX. RDTSCP needs TSC_AUX; 1 GiB pages, SVM,
 * topology extensions and IBS are hidden. */
#define AMD_COMMON_EDX (LEAF1_EDX & 0x0183f3ffu & ~(F(SEP)))
#define LEAF_E1_EDX                                                                                \
    (AMD_COMMON_EDX | F(SYSCALL) | F(NX) | F(MMXEXT) | F(LM) | F(3DNOWEXT) | F(3DNOW))
#define LEAF_E1_ECX                                                                                \
    (F(LAHF_LM) | F(ABM) | F(SSE4A) | F(MISALIGNSSE) | F(3DNOWPREFETCH) | F(XOP) | F(FMA4) | F(TBM))
#define LEAF_E8_EBX (F(CLZERO) | F(RSTR_FP_ERR_PTRS))

#define XSAVE_LEGACY_BYTES 576u /* FXSAVE image and XSAVE header */
#define XSAVE_COMPONENTS 63u
#define XSAVE_ALIGNED (1u << 1) /* ECX of a component: at a multiple of 64 in compacted form */

enum { EAX, EBX, ECX, EDX };

struct cpuid_rule {
    uint32_t leaf, subleaf;
    uint32_t mask[4]; /* of the machine's answer */
    void (*adjust)(struct vcpu *v, uint32_t subleaf, uint32_t out[4]);
};

static bool vendor_is(const char *text)
{
    uint32_t out[4];

    machine_cpuid(0, 0, out);
    return out[EBX] == ((uint32_t)text[0] | (uint32_t)text[1] << 8 | (uint32_t)text[2] << 16 |
                        (uint32_t)text[3] << 24);
}

static void limit_basic(struct vcpu *v, uint32_t subleaf, uint32_t out[4])
{
    (void)v, (void)subleaf;
    out[EAX] = out[EAX] < MAX_BASIC ? out[EAX] : MAX_BASIC;
}

static void limit_extended(struct vcpu *v, uint32_t subleaf, uint32_t out[4])
{
    (void)v, (void)subleaf;
    out[EAX] = out[EAX] < MAX_EXTENDED ? out[EAX] : MAX_EXTENDED;
}

/* XSAVE is shown with OSXSAVE, which is on in hardware from the start; AVX and its kin only if the
 * machine saves their state. APIC id and logical processors stay 0: one package of one thread. */
static void adjust_leaf1(struct vcpu *v, uint32_t subleaf, uint32_t out[4])
{
    uint64_t xcr0 = machine_xcr0_supported();

    (void)v, (void)subleaf;
    out[ECX] |= F(HYPERVISOR);
    if (xcr0) {
        out[ECX] |= F(XSAVE) | F(OSXSAVE);
    }
    if (!(xcr0 & 4)) {
        out[ECX] &= ~(F(AVX) | F(FMA) | F(F16C));
    }
    if (vendor_is("Auth")) {
        out[EDX] &= ~F(SEP); /* AMD has no sysenter in long mode */
    }
}

static void adjust_leaf7(struct vcpu *v, uint32_t subleaf, uint32_t out[4])
{
    uint64_t xcr0 = machine_xcr0_supported();

    (void)v, (void)subleaf;
    out[EAX] = out[EAX] ? 1 : 0; /* subleaves */
    if (!(xcr0 & 4)) {
        out[EBX] &= ~F(AVX2);
        out[ECX] &= ~(F(VAES) | F(VPCLMULQDQ));
    }
    if ((xcr0 & 0xe0) != 0xe0) {
        out[EBX] &= ~(F(AVX512F) | F(AVX512DQ) | F(AVX512_IFMA) | F(AVX512PF) | F(AVX512ER) |
                      F(AVX512CD) | F(AVX512BW) | F(AVX512VL));
        out[ECX] &= ~(F(AVX512_VBMI) | F(AVX512_VBMI2) | F(AVX512_VNNI) | F(AVX512_BITALG) |
                      F(AVX512_VPOPCNTDQ));
        out[EDX] &=
            ~(F(AVX512_4VNNIW) | F(AVX512_4FMAPS) | F(AVX512_VP2INTERSECT) | F(AVX512_FP16));
    }
}

static void adjust_leaf7_1(struct vcpu *v, uint32_t subleaf, uint32_t out[4])
{
    uint64_t xcr0 = machine_xcr0_supported();

    (void)v, (void)subleaf;
    if (!(xcr0 & 4)) {
        out[EAX] &= ~F(AVX_VNNI);
    }
    if ((xcr0 & 0xe0) != 0xe0) {
        out[EAX] &= ~F(AVX512_BF16);
    }
}

/* Bytes of a save area for `components`, in standard or compacted form (SDM vol. 1, 13.4). */
static uint32_t xsave_bytes(uint64_t components, bool compacted)
{
    uint32_t end = XSAVE_LEGACY_BYTES;

    for (uint32_t i = 2; i < XSAVE_COMPONENTS; i++) {
        uint32_t out[4];

        if (!(components >> i & 1)) {
            continue;
        }
        machine_cpuid(0xd, i, out);
        if (compacted) {
            end = out[ECX] & XSAVE_ALIGNED ? (end + 63) & ~63u : end;
            end += out[EAX];
        } else if (out[EBX] + out[EAX] > end) {
            end = out[EBX] + out[EAX];
        }
    }
    return end;
}

static void adjust_xsave(struct vcpu *v, uint32_t subleaf, uint32_t out[4])
{
    uint64_t supported = machine_xcr0_supported();
    bool component = subleaf >= 2;

    if (!supported || (component && (subleaf >= XSAVE_COMPONENTS || !(supported >> subleaf & 1)))) {
        out[EAX] = out[EBX] = out[ECX] = out[EDX] = 0;
    } else if (subleaf == 0) {
        out[EAX] = (uint32_t)supported;
        out[EBX] = xsave_bytes(v->xcr0, false);
        out[ECX] = xsave_bytes(supported, false);
        out[EDX] = (uint32_t)(supported >> 32);
    } else if (subleaf == 1) {
        out[EBX] = out[EAX] & F(XSAVEC) ? xsave_bytes(v->xcr0, true) : 0;
    }
}

/* 48-bit linear addresses whatever the machine has; one core. */
static void adjust_address_sizes(struct vcpu *v, uint32_t subleaf, uint32_t out[4])
{
    (void)v, (void)subleaf;
    out[EAX] = (out[EAX] & 0xff) | 48u << 8;
}

static const struct cpuid_rule rules[] = {
    {0x0, ANY_SUBLEAF, {ALL, ALL, ALL, ALL}, limit_basic},
    {0x1, ANY_SUBLEAF, {ALL, 0x0000ffff, LEAF1_ECX, LEAF1_EDX}, adjust_leaf1},
    {0x2, ANY_SUBLEAF, {ALL, ALL, ALL, ALL}, NULL},
    {0x4, ANY_SUBLEAF, {0x3ff, ALL, ALL, ALL}, NULL}, /* caches, shared by nobody */
    {0x7, 0, {ALL, LEAF7_EBX, LEAF7_ECX, LEAF7_EDX}, adjust_leaf7},
    {0x7, 1, {LEAF7_1_EAX, 0, 0, 0}, adjust_leaf7_1},
    {0xd, 0, {0, 0, 0, 0}, adjust_xsave},
    {0xd, 1, {F(XSAVEOPT) | F(XSAVEC) | F(XGETBV1), 0, 0, 0}, adjust_xsave},
    {0xd, ANY_SUBLEAF, {ALL, ALL, XSAVE_ALIGNED, 0}, adjust_xsave},
    {0x80000000, ANY_SUBLEAF, {ALL, ALL, ALL, ALL}, limit_extended},
    {0x80000001, ANY_SUBLEAF, {ALL, 0, LEAF_E1_ECX, LEAF_E1_EDX}, NULL},
    {0x80000002, ANY_SUBLEAF, {ALL, ALL, ALL, ALL}, NULL}, /* brand */
    {0x80000003, ANY_SUBLEAF, {ALL, ALL, ALL, ALL}, NULL},
    {0x80000004, ANY_SUBLEAF, {ALL, ALL, ALL, ALL}, NULL},
    {0x80000005, ANY_SUBLEAF, {ALL, ALL, ALL, ALL}, NULL}, /* caches and TLBs */
    {0x80000006, ANY_SUBLEAF, {ALL, ALL, ALL, ALL}, NULL},
    {0x80000008, ANY_SUBLEAF, {0xff, LEAF_E8_EBX, 0, 0}, adjust_address_sizes},
};

/* Bits of the highest machine address there can be: guests choose a grant table version by it. */
static uint32_t machine_address_bits(void)
{
    return 64 - (uint32_t)__builtin_clzll(frame_limit * PAGE_SIZE - 1);
}

static void hypervisor_tsc_leaf(uint32_t subleaf, uint32_t out[4])
{
    switch (subleaf) {
    case 0:
        out[EBX] = TSC_MODE_NEVER_EMULATE;
        out[ECX] = (uint32_t)machine_clock.tsc_khz;
        break;
    case 1:
        out[ECX] = machine_clock.tsc_to_system_mul;
        out[EDX] = (uint32_t)machine_clock.tsc_shift;
        break;
    case 2:
        out[EAX] = (uint32_t)machine_clock.tsc_khz;
        break;
    default:
        break;
    }
}

static void hypervisor_leaf(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    switch (leaf) {
    case XEN_CPUID_LEAF(0):
        out[EAX] = XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES);
        out[EBX] = XEN_CPUID_SIGNATURE_EBX;
        out[ECX] = XEN_CPUID_SIGNATURE_ECX;
        out[EDX] = XEN_CPUID_SIGNATURE_EDX;
        break;
    case XEN_CPUID_LEAF(1):
        out[EAX] = VERSION_MAJOR << 16 | VERSION_MINOR;
        break;
    case XEN_CPUID_LEAF(2):
        out[EAX] = 1; /* hypercall pages; a PV builder fills them, not an MSR */
        out[ECX] = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
        break;
    case XEN_CPUID_LEAF(3):
        hypervisor_tsc_leaf(subleaf, out);
        break;
    case XEN_CPUID_LEAF(5):
        out[EBX] = subleaf == 0 ? machine_address_bits() & XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK : 0;
        break;
    default:
        break;
    }
}

static bool machine_has_leaf(uint32_t leaf)
{
    uint32_t out[4];

    machine_cpuid(leaf & 0x80000000u, 0, out);
    return leaf <= out[EAX];
}

void cpuid_guest(struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    out[EAX] = out[EBX] = out[ECX] = out[EDX] = 0;
    if (leaf >= XEN_CPUID_FIRST_LEAF && leaf < XEN_CPUID_FIRST_LEAF + 0x10000) {
        hypervisor_leaf(leaf, subleaf, out);
        return;
    }
    for (const struct cpuid_rule *rule = rules; rule < rules + ARRAY_LEN(rules); rule++) {
        if (rule->leaf != leaf || (rule->subleaf != ANY_SUBLEAF && rule->subleaf != subleaf)) {
            continue;
        }
        if (!machine_has_leaf(leaf)) {
            return;
        }
        machine_cpuid(leaf, subleaf, out);
        for (unsigned i = 0; i < 4; i++) {
            out[i] &= rule->mask[i];
        }
        if (rule->adjust) {
            rule->adjust(v, subleaf, out);
        }
        return;
    }
}
