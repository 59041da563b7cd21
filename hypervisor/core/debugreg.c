/* SPDX-License-Identifier: MIT */
/*
 * Debug registers of a vCPU: what a guest may put there, and set_debugreg/get_debugreg.
 * A breakpoint must not be able to hit hypervisor code or data (it would trap in ring 0), and
 * the bits that change how the CPU itself treats the registers stay the hypervisor's.
 * Formats: Intel SDM vol. 3B, 17.2. Man page: set_debugreg(2).
 */
#include "handlers.h"
#include "log.h"
#include "trap.h"

#define DR6_FIXED 0xffff0ff0ull /* read as one */
#define DR6_GUEST 0x0000e00full /* B0-B3, BD, BS, BT */
#define DR6_SINGLE_STEP (1ull << 14)
#define DR7_FIXED 0x400ull
#define DR7_RESERVED 0xd800ull /* 11, 12 (RTM needs more than this), 14, 15 */
#define DR7_GD (1ull << 13)
#define DR7_RW_IO 2u
#define BREAKPOINT_MAX_BYTES 8

static int set_dr7(struct vcpu *v, uint64_t value)
{
    if (value >> 32 || (value & DR7_GD)) {
        return -XEN_EPERM;
    }
    value = (value & ~DR7_RESERVED) | DR7_FIXED;
    for (unsigned i = 0; i < 4; i++) {
        bool enabled = value >> (2 * i) & 3;

        /* I/O breakpoints: no guest does I/O natively, and they need CR4.DE. */
        if (enabled && (value >> (16 + 4 * i) & 3) == DR7_RW_IO) {
            return -XEN_EPERM;
        }
    }
    machine_set_debugreg(v, 7, value);
    return 0;
}

int debugreg_set(struct vcpu *v, unsigned reg, uint64_t value)
{
    switch (reg) {
    case 0:
    case 1:
    case 2:
    case 3:
        if (!va_range_is_guest(value, BREAKPOINT_MAX_BYTES)) {
            return -XEN_EPERM;
        }
        machine_set_debugreg(v, reg, value);
        return 0;
    case 6:
        if (value >> 32) {
            return -XEN_EPERM;
        }
        machine_set_debugreg(v, 6, (value & DR6_GUEST) | DR6_FIXED);
        return 0;
    case 7:
        return set_dr7(v, value);
    default:
        return -XEN_EINVAL; /* 4 and 5 are 6 and 7 only without CR4.DE */
    }
}

int debugreg_get(struct vcpu *v, unsigned reg, uint64_t *value)
{
    if (reg > 7 || reg == 4 || reg == 5) {
        return -XEN_EINVAL;
    }
    *value = v->debugreg[reg];
    return 0;
}

void trap_inject_single_step(struct vcpu *v)
{
    machine_set_debugreg(v, 6, v->debugreg[6] | DR6_SINGLE_STEP | DR6_FIXED);
    trap_inject(v, VECTOR_DB, 0);
}

long do_set_debugreg(struct vcpu *v, uint64_t reg, uint64_t value)
{
    int err = reg > 7 ? -XEN_EINVAL : debugreg_set(v, (unsigned)reg, value);

    if (err == -XEN_EPERM) {
        return refuse(v, XEN_EPERM, "debugreg", "DR%lu = %#lx reaches the hypervisor", reg, value);
    }
    return err;
}

/* The result is the register: a value that looks like an errno is the guest's own doing. */
long do_get_debugreg(struct vcpu *v, uint64_t reg)
{
    uint64_t value;

    if (reg > 7 || debugreg_get(v, (unsigned)reg, &value)) {
        return -XEN_EINVAL;
    }
    return (long)value;
}
