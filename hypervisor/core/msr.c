/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers as policy. The segment bases are real and go through the machine; the
 * rest is a table: the machine's value masked, a fixed value, or a quiet #GP for registers that
 * guests are known to probe. A register without a row is #GP and a line in the log.
 * Numbers: Intel SDM vol. 4; AMD64 APM vol. 2, appendix A. Man page: paravane-abi(7), MSRS.
 */
#include "log.h"
#include "trap.h"

#define MSR_TSC 0x10
#define MSR_APIC_BASE 0x1b
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define APIC_BASE_ENABLED 0xfee00800ull
#define APIC_BASE_BSP 0x100ull

#define EFER_GUEST 0xd01ull /* SCE LME LMA NXE */

enum msr_kind {
    MSR_PASS,   /* the machine's value & `value`; #GP if the machine has no such register */
    MSR_FIXED,  /* always `value` */
    MSR_REFUSE, /* #GP without a word */
};

enum msr_write {
    W_REFUSE, /* #GP */
    W_DROP,   /* accepted, no effect */
    W_SAME,   /* accepted if it is what a read gives */
};

struct msr_rule {
    uint32_t msr, count; /* registers msr .. msr + count - 1 */
    enum msr_kind kind;
    uint64_t value;
    enum msr_write write;
};

static const struct msr_rule rules[] = {
    {0x00000017, 1, MSR_REFUSE, 0, W_REFUSE},       /* PLATFORM_ID */
    {0x00000033, 2, MSR_REFUSE, 0, W_REFUSE},       /* TEST_CTRL, SMI_COUNT */
    {0x0000003a, 1, MSR_REFUSE, 0, W_REFUSE},       /* FEATURE_CONTROL: no VMX, no SGX */
    {0x00000048, 2, MSR_REFUSE, 0, W_REFUSE},       /* SPEC_CTRL, PRED_CMD: not shown in CPUID */
    {0x0000008b, 1, MSR_FIXED, 0, W_DROP},          /* microcode revision */
    {0x000000ce, 1, MSR_REFUSE, 0, W_REFUSE},       /* PLATFORM_INFO */
    {0x000000e7, 2, MSR_REFUSE, 0, W_REFUSE},       /* MPERF, APERF */
    {0x0000010a, 1, MSR_REFUSE, 0, W_REFUSE},       /* ARCH_CAPABILITIES */
    {0x00000122, 2, MSR_REFUSE, 0, W_REFUSE},       /* TSX_CTRL, MCU_OPT_CTRL */
    {0x00000140, 1, MSR_REFUSE, 0, W_REFUSE},       /* MISC_FEATURE_ENABLES */
    {0x00000179, 1, MSR_FIXED, 0, W_DROP},          /* MCG_CAP: no banks */
    {0x0000017a, 1, MSR_FIXED, 0, W_DROP},          /* MCG_STATUS */
    {0x000001a0, 1, MSR_PASS, 1, W_DROP},           /* MISC_ENABLE: fast strings, if there */
    {0x000001d9, 1, MSR_FIXED, 0, W_SAME},          /* DEBUGCTL */
    {0x00000277, 1, MSR_PASS, ~0ull, W_SAME},       /* PAT */
    {0x00000400, 32, MSR_REFUSE, 0, W_REFUSE},      /* machine check banks */
    {0x00000606, 1, MSR_REFUSE, 0, W_REFUSE},       /* RAPL_POWER_UNIT */
    {0xc0000080, 1, MSR_PASS, EFER_GUEST, W_SAME},  /* EFER */
    {0xc0000081, 4, MSR_REFUSE, 0, W_REFUSE},       /* STAR LSTAR CSTAR FMASK: callback_op */
    {0xc0000103, 1, MSR_REFUSE, 0, W_REFUSE},       /* TSC_AUX: RDTSCP is not shown */
    {0xc0010000, 8, MSR_REFUSE, 0, W_REFUSE},       /* AMD performance counters */
    {0xc0010010, 1, MSR_FIXED, 0, W_SAME},          /* SYSCFG */
    {0xc0010015, 1, MSR_FIXED, 1ull << 24, W_DROP}, /* HWCR: TSC counts at P0 frequency */
    {0xc001001f, 1, MSR_REFUSE, 0, W_REFUSE},       /* NB_CFG */
    {0xc0010055, 1, MSR_FIXED, 0, W_SAME},          /* INT_PENDING */
    {0xc0010064, 8, MSR_REFUSE, 0, W_REFUSE},       /* P-states */
    {0xc0010140, 2, MSR_REFUSE, 0, W_REFUSE},       /* OSVW */
    {0xc0011020, 9, MSR_FIXED, 0, W_DROP},          /* LS_CFG and other chicken bits */
    {0xc0011029, 1, MSR_FIXED, 2, W_DROP},          /* DE_CFG: lfence serializes */
    {0xc001102a, 6, MSR_FIXED, 0, W_DROP},          /* BU_CFG2 and the like */
};

static const struct msr_rule *rule_of(uint32_t msr)
{
    for (const struct msr_rule *rule = rules; rule < rules + ARRAY_LEN(rules); rule++) {
        if (msr - rule->msr < rule->count) {
            return rule;
        }
    }
    return NULL;
}

static int rule_read(const struct msr_rule *rule, uint32_t msr, uint64_t *value)
{
    switch (rule->kind) {
    case MSR_PASS:
        if (!machine_rdmsr(msr, value)) {
            return -XEN_EPERM;
        }
        *value &= rule->value;
        return 0;
    case MSR_FIXED:
        *value = rule->value;
        return 0;
    default:
        return -XEN_EPERM;
    }
}

int msr_guest_read(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    const struct msr_rule *rule;

    switch (msr) {
    case MSR_KERNEL_GS_BASE: /* at every context switch of a guest that uses FSGSBASE */
        *value = machine_get_segment_base(v, SEGMENT_GS_USER);
        return 0;
    case MSR_FS_BASE:
        *value = machine_get_segment_base(v, SEGMENT_FS);
        return 0;
    case MSR_GS_BASE:
        *value = machine_get_segment_base(v, SEGMENT_GS_KERNEL);
        return 0;
    case MSR_TSC:
        *value = machine_tsc();
        return 0;
    case MSR_APIC_BASE:
        *value = APIC_BASE_ENABLED | (v->id == 0 ? APIC_BASE_BSP : 0);
        return 0;
    default:
        rule = rule_of(msr);
        if (!rule) {
            return refuse(v, XEN_EPERM, "msr", "rdmsr %#x at rip %#lx", msr, v->regs.rip);
        }
        return rule_read(rule, msr, value);
    }
}

static int write_base(struct vcpu *v, enum segment_base which, uint64_t value)
{
    if (!va_is_canonical(value)) {
        return -XEN_EPERM;
    }
    machine_set_segment_base(v, which, value);
    return 0;
}

int msr_guest_write(struct vcpu *v, uint32_t msr, uint64_t value)
{
    const struct msr_rule *rule;
    uint64_t now;

    switch (msr) {
    case MSR_FS_BASE:
        return write_base(v, SEGMENT_FS, value);
    case MSR_GS_BASE:
        return write_base(v, SEGMENT_GS_KERNEL, value);
    case MSR_KERNEL_GS_BASE:
        return write_base(v, SEGMENT_GS_USER, value);
    case MSR_APIC_BASE:
        return -XEN_EPERM;
    default:
        rule = rule_of(msr);
        if (!rule) {
            return refuse(v, XEN_EPERM, "msr", "wrmsr %#x = %#lx at rip %#lx", msr, value,
                          v->regs.rip);
        }
        if (rule->write == W_SAME && (rule_read(rule, msr, &now) || now != value)) {
            return -XEN_EPERM;
        }
        return rule->write == W_REFUSE ? -XEN_EPERM : 0;
    }
}
