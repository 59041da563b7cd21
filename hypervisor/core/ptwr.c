/* SPDX-License-Identifier: MIT */
/*
 * Writable page tables: a guest kernel writes its own L1 table through the read-only mapping it has
 * of it, the write faults, and the instruction's effect is applied through pte_update. The
 * address is the fault's, so only the length and meaning of the instruction are decoded.
 * Opcodes: Intel SDM vol. 2, appendix A. Which of them stock Linux uses: xchg, lock and, mov.
 */
#include "domain.h"
#include "guest.h"
#include "log.h"
#include "pagetable.h"
#include "trap.h"

#define INSN_MAX 15

enum write_kind { W_MOV, W_XCHG, W_OR, W_AND, W_XOR, W_BTS, W_BTR, W_BTC, W_CMPXCHG };

struct write_insn {
    enum write_kind kind;
    unsigned bytes;  /* operand size */
    unsigned length; /* of the instruction */
    uint64_t source; /* value of the register or immediate; bit number for bt* */
    unsigned reg;    /* register operand */
    bool byte_rex;   /* a REX prefix makes byte registers 4-7 spl..dil */
};

struct cursor {
    uint8_t code[INSN_MAX];
    unsigned have, at;
    bool ok;
};

static uint8_t next_byte(struct cursor *c)
{
    if (c->at >= c->have) {
        c->ok = false;
        return 0;
    }
    return c->code[c->at++];
}

static uint64_t next_immediate(struct cursor *c, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint64_t)next_byte(c) << (8 * i);
    }
    if (bytes == 0) {
        return 0;
    }
    /* Sign-extended, as every immediate of these instructions is. */
    return bytes < 8 ? (uint64_t)((int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes)) : value;
}

/* Pointer to general register n, in the encoding's order. */
static uint64_t *reg_at(struct cpu_user_regs *r, unsigned n)
{
    uint64_t *const regs[16] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp,
                                &r->rsi, &r->rdi, &r->r8,  &r->r9,  &r->r10, &r->r11,
                                &r->r12, &r->r13, &r->r14, &r->r15};

    return regs[n & 15];
}

static uint64_t mask_of(unsigned bytes)
{
    return bytes == 8 ? ~0ull : (1ull << (8 * bytes)) - 1;
}

static bool is_high_byte(const struct write_insn *w)
{
    return w->bytes == 1 && !w->byte_rex && w->reg >= 4 && w->reg < 8;
}

static uint64_t reg_read(struct cpu_user_regs *r, const struct write_insn *w)
{
    if (is_high_byte(w)) {
        return *reg_at(r, w->reg - 4) >> 8 & 0xff;
    }
    return *reg_at(r, w->reg) & mask_of(w->bytes);
}

static void reg_write(struct cpu_user_regs *r, const struct write_insn *w, unsigned reg,
                      uint64_t value)
{
    uint64_t *at;

    if (reg == w->reg && is_high_byte(w)) {
        at = reg_at(r, reg - 4);
        *at = (*at & ~0xff00ull) | (value & 0xff) << 8;
        return;
    }
    at = reg_at(r, reg);
    if (w->bytes == 4) {
        *at = (uint32_t)value; /* 32-bit results are zero-extended */
    } else {
        *at = (*at & ~mask_of(w->bytes)) | (value & mask_of(w->bytes));
    }
}

/* ModRM with a memory operand: skip SIB and displacement; returns the reg field. */
static unsigned skip_modrm(struct cursor *c, bool *is_memory)
{
    uint8_t modrm = next_byte(c);
    unsigned mod = modrm >> 6, rm = modrm & 7;

    *is_memory = mod != 3;
    if (mod == 3) {
        return modrm >> 3 & 7;
    }
    if (rm == 4) {
        uint8_t sib = next_byte(c);

        if (mod == 0 && (sib & 7) == 5) {
            next_immediate(c, 4);
        }
    } else if (mod == 0 && rm == 5) {
        next_immediate(c, 4);
    }
    next_immediate(c, mod == 1 ? 1 : mod == 2 ? 4 : 0);
    return modrm >> 3 & 7;
}

static bool decode_group(struct write_insn *w, unsigned op, bool is_bt)
{
    static const int arith[8] = {-1, W_OR, -1, -1, W_AND, -1, W_XOR, -1};
    static const int bits[8] = {-1, -1, -1, -1, -1, W_BTS, W_BTR, W_BTC};
    int kind = is_bt ? bits[op] : arith[op];

    w->kind = (enum write_kind)kind;
    return kind >= 0;
}

struct prefixes {
    bool operand16;
    uint8_t rex;
};

static uint8_t skip_prefixes(struct cursor *c, struct prefixes *p)
{
    for (;;) {
        uint8_t b = next_byte(c);

        if (b == 0x66) {
            p->operand16 = true;
        } else if ((b & 0xf0) == 0x40) {
            p->rex = b;
            return next_byte(c);
        } else if (b != 0xf0 && b != 0x2e && b != 0x36 && b != 0x3e && b != 0x26 && b != 0x64 &&
                   b != 0x65) {
            return b;
        }
    }
}

/* One-byte opcodes. `sized` is set when bit 0 chooses between byte and full operand. */
static bool decode_short(struct write_insn *w, uint8_t opcode, bool *sized, bool *immediate)
{
    *sized = true;
    *immediate = false;
    switch (opcode & ~1u) {
    case 0x88:
        w->kind = W_MOV;
        return true;
    case 0xc6:
        w->kind = W_MOV;
        *immediate = true;
        return true;
    case 0x86:
        w->kind = W_XCHG;
        return true;
    case 0x08:
        w->kind = W_OR;
        return true;
    case 0x20:
        w->kind = W_AND;
        return true;
    case 0x30:
        w->kind = W_XOR;
        return true;
    default:
        return false;
    }
}

static bool decode_long(struct write_insn *w, uint8_t opcode, bool *sized)
{
    *sized = false;
    switch (opcode) {
    case 0xab:
        w->kind = W_BTS;
        return true;
    case 0xb3:
        w->kind = W_BTR;
        return true;
    case 0xbb:
        w->kind = W_BTC;
        return true;
    case 0xc3:
        w->kind = W_MOV; /* movnti */
        return true;
    case 0xb0:
    case 0xb1:
        *sized = true;
        w->kind = W_CMPXCHG;
        return true;
    default:
        return false;
    }
}

static bool decode(struct vcpu *v, struct write_insn *w)
{
    struct cursor c = {.ok = true};
    struct prefixes p = {0};
    bool sized = false, immediate = false, memory, group = false, bt = false, known;
    unsigned full, reg;
    uint8_t opcode;

    /* Bytes up to the end of the page first, then the rest if the instruction needs it. */
    c.have = INSN_MAX;
    if (guest_copy_in(c.code, v->regs.rip, INSN_MAX)) {
        c.have = (unsigned)(PAGE_SIZE - (v->regs.rip & ~PAGE_MASK));
        if (c.have >= INSN_MAX || guest_copy_in(c.code, v->regs.rip, c.have)) {
            return false;
        }
    }
    opcode = skip_prefixes(&c, &p);
    if (opcode == 0x0f) {
        opcode = next_byte(&c);
        bt = opcode == 0xba;
        known = bt || decode_long(w, opcode, &sized);
    } else {
        group = opcode == 0x80 || opcode == 0x81 || opcode == 0x83;
        known = group || decode_short(w, opcode, &sized, &immediate);
        sized |= group;
    }
    full = p.rex & 8 ? 8 : p.operand16 ? 2 : 4;
    w->bytes = sized && !(opcode & 1) ? 1 : full;
    w->byte_rex = p.rex != 0;
    reg = skip_modrm(&c, &memory);
    if (!known || !memory || ((group || bt) && !decode_group(w, reg, bt))) {
        return false;
    }
    w->reg = reg | (p.rex & 4 ? 8 : 0);
    if (bt || opcode == 0x83) {
        w->source = next_immediate(&c, 1);
    } else if (group || immediate) {
        w->source = next_immediate(&c, w->bytes == 8 ? 4 : w->bytes);
    } else {
        w->source = reg_read(&v->regs, w);
    }
    w->length = c.at;
    return c.ok;
}

static uint64_t result_of(const struct write_insn *w, uint64_t old)
{
    uint64_t bit = 1ull << (w->source & (8 * w->bytes - 1));

    switch (w->kind) {
    case W_OR:
        return old | w->source;
    case W_AND:
        return old & w->source;
    case W_XOR:
        return old ^ w->source;
    case W_BTS:
        return old | bit;
    case W_BTR:
        return old & ~bit;
    case W_BTC:
        return old ^ bit;
    default:
        return w->source;
    }
}

#define FLAG_CF (1ull << 0)
#define FLAG_PF (1ull << 2)
#define FLAG_AF (1ull << 4)
#define FLAG_ZF (1ull << 6)
#define FLAG_SF (1ull << 7)
#define FLAG_OF (1ull << 11)
#define FLAGS_ARITH (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

static uint64_t flags_of(uint64_t result, unsigned bytes)
{
    uint64_t r = result & mask_of(bytes);

    return (r == 0 ? FLAG_ZF : 0) | (r >> (8 * bytes - 1) & 1 ? FLAG_SF : 0) |
           (__builtin_parityll(r & 0xff) ? 0 : FLAG_PF);
}

/* Flags of `a - b` in `bytes` bytes (cmpxchg). */
static uint64_t flags_of_compare(uint64_t a, uint64_t b, unsigned bytes)
{
    uint64_t mask = mask_of(bytes), r = (a - b) & mask, sign = 1ull << (8 * bytes - 1);

    a &= mask;
    b &= mask;
    return flags_of(r, bytes) | (a < b ? FLAG_CF : 0) | (((a ^ b) & (a ^ r) & sign) ? FLAG_OF : 0) |
           (((a ^ b ^ r) & 0x10) ? FLAG_AF : 0);
}

static void set_flags(struct vcpu *v, const struct write_insn *w, uint64_t old, uint64_t result)
{
    struct cpu_user_regs *r = &v->regs;
    uint64_t bit = 1ull << (w->source & (8 * w->bytes - 1));

    switch (w->kind) {
    case W_OR:
    case W_AND:
    case W_XOR:
        r->rflags = (r->rflags & ~FLAGS_ARITH) | flags_of(result, w->bytes);
        break;
    case W_BTS:
    case W_BTR:
    case W_BTC:
        r->rflags = (r->rflags & ~FLAG_CF) | (old & bit ? FLAG_CF : 0);
        break;
    default:
        break;
    }
}

/* The L1 entry that a write to va would change, if va maps an L1 table of this domain. */
static bool find_entry(struct vcpu *v, uint64_t va, unsigned bytes, mfn_t *table)
{
    unsigned level;
    mfn_t leaf_table;
    pte_t leaf = pagetable_walk(v->guest_table, va, &level, &leaf_table);

    if (level != 1 || !(leaf & PTE_PRESENT) || (leaf & PTE_RW)) {
        return false;
    }
    *table = pte_mfn(leaf);
    return (va & 7) + bytes <= 8 && (frame_type(*table) & PT_TYPE_MASK) == PT_L1 &&
           (frame_type(*table) & PT_COUNT_MASK) &&
           atomic_load(&frame_of(*table)->owner) == v->domain->id;
}

static bool cmpxchg_differs(struct vcpu *v, const struct write_insn *w, uint64_t old)
{
    uint64_t want = v->regs.rax & mask_of(w->bytes);

    v->regs.rflags = (v->regs.rflags & ~FLAGS_ARITH) | flags_of_compare(want, old, w->bytes);
    if (want == old) {
        return false;
    }
    reg_write(&v->regs, w, 0, old);
    return true;
}

bool pagetable_emulate_write(struct vcpu *v, uint64_t va)
{
    struct write_insn w = {0};
    unsigned shift = 8 * (va & 7);
    uint64_t mask;
    mfn_t table;

    if (!decode(v, &w) || !find_entry(v, va, w.bytes, &table)) {
        return false;
    }
    mask = mask_of(w.bytes);
    for (unsigned tries = 0; tries < 16; tries++) {
        pte_t entry = __atomic_load_n((pte_t *)machine_map(table) + ((va & ~PAGE_MASK) >> 3),
                                      __ATOMIC_RELAXED);
        uint64_t old = entry >> shift & mask, result = result_of(&w, old) & mask;
        int err;

        if (w.kind == W_CMPXCHG && cmpxchg_differs(v, &w, old)) {
            v->regs.rip += w.length;
            return true;
        }
        err = pte_update(v, v->domain, table, (va & ~PAGE_MASK) >> 3,
                         (entry & ~(mask << shift)) | result << shift, false, &entry, NULL);
        if (err == -XEN_EAGAIN) {
            continue;
        }
        if (err) {
            return false;
        }
        set_flags(v, &w, old, result);
        if (w.kind == W_XCHG) {
            reg_write(&v->regs, &w, w.reg, old);
        }
        v->regs.rip += w.length;
        return true;
    }
    return false;
}
