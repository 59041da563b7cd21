/* SPDX-License-Identifier: MIT */
/* Fetching and the common part of decoding: see insn.h. Formats: Intel SDM vol. 2, chapter 2. */
#include "insn.h"

#include "descriptor.h"
#include "guest.h"
#include "trap.h"

#define FETCH_BYTES 8 /* most of what is decoded here is shorter: one aligned-size copy */
#define DESC_LONG (1ull << 53)

static uint64_t descriptor_base(uint64_t desc)
{
    return (desc >> 16 & 0xffffff) | (desc >> 56 & 0xff) << 24;
}

bool insn_address(const struct vcpu *v, uint64_t *va, bool *is_64)
{
    uint64_t desc, base = 0;

    *is_64 = true;
    if (v->regs.cs != SEL_CODE64 && v->regs.cs != SEL_CODE32) {
        if (!descriptor_read(v, v->regs.cs, &desc)) {
            return false;
        }
        *is_64 = desc & DESC_LONG;
        base = descriptor_base(desc);
    } else if (v->regs.cs == SEL_CODE32) {
        *is_64 = false;
    }
    *va = *is_64 ? v->regs.rip : (uint32_t)(base + v->regs.rip);
    return true;
}

/* Fetch up to FETCH_BYTES more, never reading beyond the page that the next byte is in. */
static bool fetch(struct vcpu *v, struct insn *insn)
{
    uint64_t va = insn->va + insn->have;
    unsigned room = INSN_MAX - insn->have;
    unsigned in_page = (unsigned)(PAGE_SIZE - (va & ~PAGE_MASK));
    unsigned bytes = room < FETCH_BYTES ? room : FETCH_BYTES;

    bytes = bytes < in_page ? bytes : in_page;
    if (bytes == 0 || guest_copy_in(insn->bytes + insn->have, va, bytes)) {
        return false;
    }
    insn->have = (uint8_t)(insn->have + bytes);
    (void)v;
    return true;
}

int insn_byte(struct vcpu *v, struct insn *insn)
{
    if (insn->at >= insn->have && !fetch(v, insn)) {
        return -1;
    }
    return insn->bytes[insn->at++];
}

/* True if b is a prefix, now noted. A REX counts only when it is the last one. */
static bool is_prefix(struct insn *insn, uint8_t b)
{
    switch (b) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
        insn->segment = b;
        break;
    case 0x66:
        insn->operand16 = true;
        break;
    case 0x67:
        insn->address_small = true;
        break;
    case 0xf0:
        insn->lock = true;
        break;
    case 0xf2:
        insn->repne = true;
        insn->rep = false;
        break;
    case 0xf3:
        insn->rep = true;
        insn->repne = false;
        break;
    default:
        if (insn->is_64 && (b & 0xf0) == 0x40) {
            insn->rex = b;
            return true;
        }
        return false;
    }
    insn->rex = 0;
    return true;
}

bool insn_start(struct vcpu *v, struct insn *insn)
{
    *insn = (struct insn){0};
    if (!insn_address(v, &insn->va, &insn->is_64)) {
        return false;
    }
    for (;;) {
        int b = insn_byte(v, insn);

        if (b < 0) {
            return false;
        }
        if (!is_prefix(insn, (uint8_t)b)) {
            insn->opcode = (uint8_t)b;
            return true;
        }
    }
}

void insn_skip(struct vcpu *v, const struct insn *insn)
{
    uint64_t rip = v->regs.rip + insn->at;

    v->regs.rip = insn->is_64 ? rip : (uint32_t)rip;
    v->regs.rflags &= ~RFLAGS_RF;
}

uint64_t *insn_gpr(struct cpu_user_regs *regs, unsigned n)
{
    static const uint8_t offset[16] = {
        offsetof(struct cpu_user_regs, rax), offsetof(struct cpu_user_regs, rcx),
        offsetof(struct cpu_user_regs, rdx), offsetof(struct cpu_user_regs, rbx),
        offsetof(struct cpu_user_regs, rsp), offsetof(struct cpu_user_regs, rbp),
        offsetof(struct cpu_user_regs, rsi), offsetof(struct cpu_user_regs, rdi),
        offsetof(struct cpu_user_regs, r8),  offsetof(struct cpu_user_regs, r9),
        offsetof(struct cpu_user_regs, r10), offsetof(struct cpu_user_regs, r11),
        offsetof(struct cpu_user_regs, r12), offsetof(struct cpu_user_regs, r13),
        offsetof(struct cpu_user_regs, r14), offsetof(struct cpu_user_regs, r15)};

    return (uint64_t *)((char *)regs + offset[n & 15]);
}
