/* SPDX-License-Identifier: MIT */
/*
 * One instruction of a guest, read byte by byte from its memory: prefixes, opcode and what the
 * emulator asks for after them. Every byte is read once; a byte that cannot be read or a
 * sixteenth byte ends the decoding. Intel SDM vol. 2, 2.1 and 2.2.
 */
#ifndef PARAVANE_CORE_INSN_H
#define PARAVANE_CORE_INSN_H

#include "domain.h"

#define INSN_MAX 15

struct insn {
    uint64_t va; /* linear address of the first byte */
    uint8_t bytes[INSN_MAX + 1];
    uint8_t have; /* bytes fetched */
    uint8_t at;   /* bytes consumed */
    bool is_64;   /* 64-bit code segment; else 32-bit */
    bool operand16, address_small, lock, rep, repne;
    uint8_t rex;
    uint8_t segment; /* override prefix, 0 = none */
    uint8_t opcode;  /* first opcode byte */
};

/* Prefixes and the first opcode byte at regs.rip; false if they cannot be had. */
bool insn_start(struct vcpu *v, struct insn *insn);
/* The next byte, -1 if there is none. */
int insn_byte(struct vcpu *v, struct insn *insn);
/* Move rip behind what has been consumed. */
void insn_skip(struct vcpu *v, const struct insn *insn);
/* Linear address of regs.rip; false if its code segment cannot be found. */
bool insn_address(const struct vcpu *v, uint64_t *va, bool *is_64);
/* General register n of the encoding (0 = rax ... 15 = r15). */
uint64_t *insn_gpr(struct cpu_user_regs *regs, unsigned n);

#endif
