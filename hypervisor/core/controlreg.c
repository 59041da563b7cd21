/* SPDX-License-Identifier: MIT */
/*
 * Control registers as a guest kernel sees them. Hardware's are the hypervisor's alone: of CR0 a
 * guest has TS, of CR4 a copy with the bits it may believe it sets, CR3 is mmuext_op's new root,
 * XCR0 is its own within what the machine saves. Intel SDM vol. 3A, 2.5 and 2.6.
 */
#include "emulate.h"
#include "handlers.h"
#include "log.h"
#include "trap.h"

/* PE MP ET NE WP AM PG: what every PV guest runs with. */
#define CR0_GUEST 0x80050033ull
#define CR0_TS (1ull << 3)

/* PAE MCE OSFXSR OSXMMEXCPT are always on; OSXSAVE and FSGSBASE where the CPU shows them. */
#define CR4_ALWAYS 0x660ull
#define CR4_DE (1ull << 3)
#define CR4_FSGSBASE (1ull << 16)
#define CR4_OSXSAVE (1ull << 18)

#define CR3_RESERVED 0xfff0000000000000ull

#define XCR0_X87 (1ull << 0)
#define XCR0_SSE (1ull << 1)
#define XCR0_AVX (1ull << 2)
#define XCR0_MPX (3ull << 3)
#define XCR0_AVX512 (7ull << 5)

static uint64_t cr4_settable(struct vcpu *v)
{
    uint32_t leaf7[4], leaf1[4];

    cpuid_guest(v, 7, 0, leaf7);
    cpuid_guest(v, 1, 0, leaf1);
    return CR4_ALWAYS | CR4_DE | (leaf7[1] & 1 ? CR4_FSGSBASE : 0) |
           (leaf1[2] & (1u << 26) ? CR4_OSXSAVE : 0);
}

bool control_read(struct vcpu *v, unsigned cr, uint64_t *value)
{
    switch (cr) {
    case 0:
        *value = CR0_GUEST | (v->cr0_ts ? CR0_TS : 0);
        return true;
    case 2:
        *value = v->info->arch.cr2;
        return true;
    case 3:
        *value = xen_pfn_to_cr3(v->guest_table.n);
        return true;
    case 4:
        *value = v->cr4 | CR4_ALWAYS;
        return true;
    default:
        return false;
    }
}

static enum emulate_result write_cr0(struct vcpu *v, uint64_t value)
{
    if ((value ^ CR0_GUEST) & ~CR0_TS) {
        (void)refuse(v, XEN_EPERM, "cr0", "CR0 = %#lx: only TS may change", value);
        return EMULATE_REFUSED;
    }
    v->cr0_ts = value & CR0_TS;
    machine_ts_changed(v);
    return EMULATE_DONE;
}

static enum emulate_result write_cr3(struct vcpu *v, uint64_t value)
{
    struct mmuext_op op = {.cmd = MMUEXT_NEW_BASEPTR};
    long err;

    if (value & CR3_RESERVED) {
        return EMULATE_REFUSED;
    }
    op.arg1.mfn = xen_cr3_to_pfn(value);
    err = do_mmuext_new_baseptr(v, &op);
    if (err == -XEN_ERESTART) {
        return EMULATE_AGAIN; /* progress is kept in the frame */
    }
    return err ? EMULATE_REFUSED : EMULATE_DONE;
}

enum emulate_result control_write(struct vcpu *v, unsigned cr, uint64_t value)
{
    switch (cr) {
    case 0:
        return write_cr0(v, value);
    case 2:
        v->info->arch.cr2 = value;
        return EMULATE_DONE;
    case 3:
        return write_cr3(v, value);
    case 4:
        /* Bits outside the set are dropped, not refused: reading back tells the guest. */
        v->cr4 = (value & cr4_settable(v)) | CR4_ALWAYS;
        return EMULATE_DONE;
    default:
        return EMULATE_REFUSED;
    }
}

bool control_xsetbv(struct vcpu *v, uint32_t reg, uint64_t value)
{
    uint64_t mpx = value & XCR0_MPX, avx512 = value & XCR0_AVX512;

    if (reg != 0 || !(value & XCR0_X87) || (value & ~machine_xcr0_supported())) {
        return false;
    }
    if (((value & XCR0_AVX) && !(value & XCR0_SSE)) || (mpx && mpx != XCR0_MPX) ||
        (avx512 && (avx512 != XCR0_AVX512 || !(value & XCR0_AVX)))) {
        return false;
    }
    machine_set_xcr0(v, value);
    return true;
}
