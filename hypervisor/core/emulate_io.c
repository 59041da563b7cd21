/* SPDX-License-Identifier: MIT */
/*
 * Port I/O of guests. No port is open to any of them: with I/O privilege reads give all ones, as
 * an empty bus does, and writes go nowhere; without it the guest gets #GP.
 * One exception: port 0x42, the PIT counter, reads 0, because Linux's TSC calibration spins
 * 50,000 rounds on 0xff there.
 */
#include "emulate.h"
#include "guest.h"
#include "trap.h"

#define PORT_PIT_COUNTER2 0x42
#define STRING_BATCH 256u /* elements of a rep ins/outs per entry into ring 0 */

/* The bitmap is the guest kernel's: only its root is sure to map it. */
static int read_bitmap(struct vcpu *v, uint8_t two[2], uint64_t va, unsigned bytes)
{
    int err;

    if (v->kernel_mode) {
        return guest_copy_in(two, va, bytes);
    }
    machine_load_root(v->guest_table);
    err = guest_copy_in(two, va, bytes);
    machine_load_root(v->guest_table_user);
    return err;
}

/* The guest's own bitmap for its user mode: bit clear = allowed (Intel SDM vol. 1, 19.5.2). */
static bool bitmap_allows(struct vcpu *v, uint16_t port, unsigned bytes)
{
    uint8_t two[2] = {0xff, 0xff};
    unsigned want = (1u << bytes) - 1;
    unsigned in_bitmap = (port & 7) + bytes > 8 ? 2 : 1;

    if (!v->iobitmap || port + bytes > v->iobitmap_ports ||
        read_bitmap(v, two, v->iobitmap + port / 8, in_bitmap)) {
        return false;
    }
    return !((two[0] | two[1] << 8) >> (port & 7) & want);
}

static bool is_allowed(struct vcpu *v, uint16_t port, unsigned bytes)
{
    return trap_iopl_allows(v) || bitmap_allows(v, port, bytes);
}

static uint32_t read_port(uint16_t port)
{
    return port == PORT_PIT_COUNTER2 ? 0 : ~0u;
}

static void set_accumulator(struct cpu_user_regs *regs, unsigned bytes, uint32_t value)
{
    if (bytes == 4) {
        regs->rax = value; /* a 32-bit result clears the upper half */
    } else {
        uint64_t mask = (1ull << (8 * bytes)) - 1;

        regs->rax = (regs->rax & ~mask) | (value & mask);
    }
}

static void advance(uint64_t *reg, int64_t by, bool address_small)
{
    *reg = address_small ? (uint32_t)(*reg + (uint64_t)by) : *reg + (uint64_t)by;
}

static uint64_t source_base(struct vcpu *v, const struct insn *insn)
{
    if (insn->segment == 0x64) {
        return machine_get_segment_base(v, SEGMENT_FS);
    }
    if (insn->segment == 0x65) {
        return machine_get_segment_base(v, v->kernel_mode ? SEGMENT_GS_KERNEL : SEGMENT_GS_USER);
    }
    return 0;
}

/* One element; false: the guest's memory is not there, #PF has been injected. */
static bool string_element(struct vcpu *v, uint64_t va, unsigned bytes, bool is_in)
{
    uint32_t value = read_port((uint16_t)v->regs.rdx);

    if (is_in ? guest_copy_out(va, &value, bytes) : guest_copy_in(&value, va, bytes)) {
        trap_inject_page_fault(v, va, is_in ? PF_WRITE : 0);
        return false;
    }
    return true;
}

static enum emulate_result string_io(struct vcpu *v, const struct insn *insn, unsigned bytes,
                                     bool is_in)
{
    struct cpu_user_regs *regs = &v->regs;
    uint64_t *pointer = is_in ? &regs->rdi : &regs->rsi;
    uint64_t mask = insn->address_small ? 0xffffffffull : ~0ull;
    uint64_t base = is_in ? 0 : source_base(v, insn);
    int64_t step = regs->rflags & RFLAGS_DF ? -(int64_t)bytes : (int64_t)bytes;
    bool repeated = insn->rep || insn->repne;

    for (unsigned i = 0; i < STRING_BATCH; i++) {
        if (repeated && (regs->rcx & mask) == 0) {
            return EMULATE_DONE;
        }
        if (!string_element(v, base + (*pointer & mask), bytes, is_in)) {
            return EMULATE_AGAIN;
        }
        advance(pointer, step, insn->address_small);
        if (!repeated) {
            return EMULATE_DONE;
        }
        advance(&regs->rcx, -1, insn->address_small);
    }
    return EMULATE_AGAIN; /* rip still at the instruction: the rest at the next #GP */
}

enum emulate_result emulate_io(struct vcpu *v, struct insn *insn)
{
    unsigned full = insn->operand16 ? 2 : 4;
    unsigned bytes = insn->opcode & 1 ? full : 1;
    uint16_t port = (uint16_t)v->regs.rdx;
    bool is_in = !(insn->opcode & 2);
    int immediate;

    switch (insn->opcode) {
    case 0xe4: /* in, out with an immediate port */
    case 0xe5:
    case 0xe6:
    case 0xe7:
        immediate = insn_byte(v, insn);
        if (immediate < 0) {
            return EMULATE_REFUSED;
        }
        port = (uint16_t)immediate;
        break;
    case 0x6c: /* ins, outs; segment bases of 32-bit code are not looked up */
    case 0x6d:
    case 0x6e:
    case 0x6f:
        if (!insn->is_64 || !is_allowed(v, port, bytes)) {
            return EMULATE_REFUSED;
        }
        return string_io(v, insn, bytes, is_in);
    case 0xec:
    case 0xed:
    case 0xee:
    case 0xef:
        break;
    default:
        return EMULATE_REFUSED;
    }
    if (!is_allowed(v, port, bytes)) {
        return EMULATE_REFUSED;
    }
    if (is_in) {
        set_accumulator(&v->regs, bytes, read_port(port));
    }
    return EMULATE_DONE;
}
