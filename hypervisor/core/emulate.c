/* SPDX-License-Identifier: MIT */
/*
 * Privileged instructions that a guest kernel executes in ring 3: decoded after #GP(0) and done
 * for it, or refused so that it gets the #GP. Anything at all may stand at rip: what is not in the
 * tables below is refused. Opcodes: Intel SDM vol. 2, appendix A.
 * Man page: paravane-abi(7), EMULATED INSTRUCTIONS.
 */
#include "emulate.h"

#include "guest.h"
#include "trap.h"

#define REX_R 4u
#define REX_B 1u

static void set_edx_eax(struct cpu_user_regs *regs, uint64_t value)
{
    regs->rax = (uint32_t)value;
    regs->rdx = value >> 32;
}

static uint64_t get_edx_eax(const struct cpu_user_regs *regs)
{
    return (uint32_t)regs->rax | regs->rdx << 32;
}

static void cpuid(struct vcpu *v)
{
    uint32_t out[4];

    cpuid_guest(v, (uint32_t)v->regs.rax, (uint32_t)v->regs.rcx, out);
    v->regs.rax = out[0];
    v->regs.rbx = out[1];
    v->regs.rcx = out[2];
    v->regs.rdx = out[3];
}

static enum emulate_result read_msr(struct vcpu *v)
{
    uint64_t value;

    if (msr_guest_read(v, (uint32_t)v->regs.rcx, &value)) {
        return EMULATE_REFUSED;
    }
    set_edx_eax(&v->regs, value);
    return EMULATE_DONE;
}

static enum emulate_result write_msr(struct vcpu *v)
{
    return msr_guest_write(v, (uint32_t)v->regs.rcx, get_edx_eax(&v->regs)) ? EMULATE_REFUSED
                                                                            : EMULATE_DONE;
}

static enum emulate_result clts(struct vcpu *v)
{
    v->cr0_ts = false;
    machine_ts_changed(v);
    return EMULATE_DONE;
}

/* mov to and from CRn (20, 22) and DRn (21, 23): ModRM always means two registers. */
static enum emulate_result move_special(struct vcpu *v, struct insn *insn, uint8_t opcode)
{
    int modrm = insn_byte(v, insn);
    unsigned special;
    uint64_t *gpr;

    if (modrm < 0) {
        return EMULATE_REFUSED;
    }
    special = ((unsigned)modrm >> 3 & 7) | (insn->rex & REX_R ? 8 : 0);
    gpr = insn_gpr(&v->regs, ((unsigned)modrm & 7) | (insn->rex & REX_B ? 8 : 0));
    switch (opcode) {
    case 0x20:
        return control_read(v, special, gpr) ? EMULATE_DONE : EMULATE_REFUSED;
    case 0x22:
        return control_write(v, special, *gpr);
    case 0x21:
        return debugreg_get(v, special, gpr) ? EMULATE_REFUSED : EMULATE_DONE;
    default:
        return debugreg_set(v, special, *gpr) ? EMULATE_REFUSED : EMULATE_DONE;
    }
}

/* 0f 01: of this group only xsetbv and rdtscp; lgdt, lidt, lmsw, invlpg, swapgs are refused. */
static enum emulate_result group_01(struct vcpu *v, struct insn *insn)
{
    switch (insn_byte(v, insn)) {
    case 0xd1:
        if (insn->operand16 || insn->rep || insn->repne) {
            return EMULATE_REFUSED;
        }
        return control_xsetbv(v, (uint32_t)v->regs.rcx, get_edx_eax(&v->regs)) ? EMULATE_DONE
                                                                               : EMULATE_REFUSED;
    case 0xf9:
        set_edx_eax(&v->regs, machine_tsc());
        v->regs.rcx = 0; /* TSC_AUX is not virtualized */
        return EMULATE_DONE;
    default:
        return EMULATE_REFUSED;
    }
}

static enum emulate_result two_byte(struct vcpu *v, struct insn *insn)
{
    int opcode = insn_byte(v, insn);

    switch (opcode) {
    case 0x32:
        return read_msr(v);
    case 0x30:
        return write_msr(v);
    case 0x01:
        return group_01(v, insn);
    case 0x06:
        return clts(v);
    case 0x08: /* invd, wbinvd: no guest owns a cache that only it sees */
    case 0x09:
        return EMULATE_DONE;
    case 0x20:
    case 0x21:
    case 0x22:
    case 0x23:
        return move_special(v, insn, (uint8_t)opcode);
    case 0x31:
        set_edx_eax(&v->regs, machine_tsc());
        return EMULATE_DONE;
    case 0xa2:
        cpuid(v);
        return EMULATE_DONE;
    default:
        return EMULATE_REFUSED;
    }
}

static enum emulate_result execute(struct vcpu *v, struct insn *insn)
{
    switch (insn->opcode) {
    case 0x0f:
        return v->kernel_mode && insn->is_64 ? two_byte(v, insn) : EMULATE_REFUSED;
    case 0xfa: /* cli and sti leave the upcall mask alone: guests mask through vcpu_info */
    case 0xfb:
        return trap_iopl_allows(v) ? EMULATE_DONE : EMULATE_REFUSED;
    default:
        return emulate_io(v, insn);
    }
}

static void retire(struct vcpu *v, const struct insn *insn)
{
    insn_skip(v, insn);
    if (unlikely(v->regs.rflags & RFLAGS_TF)) {
        trap_inject_single_step(v);
    }
}

bool emulate_privileged(struct vcpu *v)
{
    struct insn insn;

    if (!insn_start(v, &insn) || insn.lock) {
        return false;
    }
    switch (execute(v, &insn)) {
    case EMULATE_DONE:
        retire(v, &insn);
        return true;
    case EMULATE_AGAIN:
        return true;
    default:
        return false;
    }
}

/* ud2, "xen", cpuid: seven bytes, the low ones first. */
#define FORCED_CPUID 0x00a20f6e65780b0full
#define FORCED_CPUID_BYTES 7

/* At every #UD of a guest: one copy of a whole word where the page allows. */
bool emulate_forced_cpuid(struct vcpu *v)
{
    struct insn insn = {.at = FORCED_CPUID_BYTES};
    uint64_t word = 0;
    size_t bytes;

    if (unlikely(!insn_address(v, &insn.va, &insn.is_64))) {
        return false;
    }
    bytes = (insn.va & ~PAGE_MASK) <= PAGE_SIZE - sizeof(word) ? sizeof(word) : FORCED_CPUID_BYTES;
    if (guest_copy_in(&word, insn.va, bytes) || (word << 8) != (FORCED_CPUID << 8)) {
        return false;
    }
    cpuid(v);
    retire(v, &insn);
    return true;
}
