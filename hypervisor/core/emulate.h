/* SPDX-License-Identifier: MIT */
/*
 * Parts of the emulator of privileged instructions. Each takes a decoded opcode, has the effect on
 * v and says whether it did; the caller (emulate.c) moves rip. Where an instruction must be run
 * again or has already faulted into the guest, it says EMULATE_AGAIN.
 */
#ifndef PARAVANE_CORE_EMULATE_H
#define PARAVANE_CORE_EMULATE_H

#include "insn.h"

enum emulate_result {
    EMULATE_REFUSED, /* not this one: #GP to the guest */
    EMULATE_DONE,
    EMULATE_AGAIN, /* rip stays, or the guest has been sent elsewhere already */
};

/* in, out, ins, outs (emulate_io.c). */
enum emulate_result emulate_io(struct vcpu *v, struct insn *insn);

/* Control registers (controlreg.c). */
bool control_read(struct vcpu *v, unsigned cr, uint64_t *value);
enum emulate_result control_write(struct vcpu *v, unsigned cr, uint64_t value);
/* XCR0 := value; false if it is no valid combination of what this machine saves. */
bool control_xsetbv(struct vcpu *v, uint32_t reg, uint64_t value);

#endif
