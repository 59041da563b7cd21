/* SPDX-License-Identifier: MIT */
/*
 * What a crashed guest leaves in the log. Guest memory is reached by walking its validated page
 * tables and through the hypervisor's own mapping, so it works for any vCPU, loaded or not, and
 * nothing the guest prepared can fault us. The amount printed has a bound.
 */
#include <string.h>

#include "guest.h"
#include "log.h"
#include "pagetable.h"
#include "symbols.h"
#include "trace.h"

#define CODE_BEFORE 16
#define CODE_BYTES 48
#define STACK_WORDS 512 /* looked at */
#define CALLS_SHOWN 16
#define NAME_BYTES 96

/* Read guest memory of v; false where it is not mapped, or not RAM that the guest owns. */
static bool peek(const struct vcpu *v, uint64_t va, void *dst, size_t bytes)
{
    mfn_t root = v->kernel_mode ? v->guest_table : v->guest_table_user;
    uint8_t *out = dst;

    while (bytes > 0) {
        size_t offset = va % PAGE_SIZE;
        size_t part = PAGE_SIZE - offset < bytes ? PAGE_SIZE - offset : bytes;
        unsigned level;
        mfn_t table, mfn;
        pte_t pte;

        if (mfn_is_none(root) || !va_range_is_guest(va, part)) {
            return false;
        }
        pte = pagetable_walk(root, va, &level, &table);
        mfn = pte_mfn(pte);
        if (!(pte & PTE_PRESENT) || level != 1 || !frame_get(mfn, v->domain)) {
            return false;
        }
        memcpy(out, (const uint8_t *)machine_map(mfn) + offset, part);
        frame_put(mfn);
        out += part;
        va += part;
        bytes -= part;
    }
    return true;
}

static void dump_registers(const struct vcpu *v)
{
    const struct cpu_user_regs *r = &v->regs;

    log_error("rip %04x:%016lx rsp %04x:%016lx rflags %08lx %s mode", r->cs, r->rip, r->ss, r->rsp,
              r->rflags, v->kernel_mode ? "kernel" : "user");
    log_error("rax %016lx rbx %016lx rcx %016lx rdx %016lx", r->rax, r->rbx, r->rcx, r->rdx);
    log_error("rsi %016lx rdi %016lx rbp %016lx r8  %016lx", r->rsi, r->rdi, r->rbp, r->r8);
    log_error("r9  %016lx r10 %016lx r11 %016lx r12 %016lx", r->r9, r->r10, r->r11, r->r12);
    log_error("r13 %016lx r14 %016lx r15 %016lx cr2 %016lx", r->r13, r->r14, r->r15,
              v->info->arch.cr2);
    log_error("vector %u error %#x, roots %#lx %#lx, kernel sp %#lx", r->entry_vector,
              r->error_code, v->guest_table.n, v->guest_table_user.n, v->kernel_sp);
}

static void dump_code(const struct vcpu *v)
{
    char line[CODE_BYTES * 4];
    size_t length = 0;
    uint64_t start = v->regs.rip - CODE_BEFORE;

    for (unsigned i = 0; i < CODE_BYTES; i++) {
        uint8_t byte;
        bool readable = peek(v, start + i, &byte, 1);

        length += readable ? format(line + length, sizeof(line) - length,
                                    i == CODE_BEFORE ? "<%02x> " : "%02x ", byte)
                           : format(line + length, sizeof(line) - length, "-- ");
    }
    log_error("code %s", line);
}

/* True if a call instruction ends just below address: what a return address looks like. */
static bool follows_call(const struct vcpu *v, uint64_t address)
{
    uint8_t code[7];

    if (!peek(v, address - sizeof(code), code, sizeof(code))) {
        return false;
    }
    if (code[2] == 0xe8) {
        return true; /* call rel32 */
    }
    for (unsigned i = 0; i <= 5; i++) { /* call r/m: ff /2 of 2 to 7 bytes */
        if (code[i] == 0xff && (code[i + 1] & 0x38) == 0x10) {
            return true;
        }
    }
    return false;
}

/* Words on the stack that look like return addresses. Frame pointers are not relied on: Linux is
 * compiled without them. */
static void dump_stack(const struct vcpu *v)
{
    char name[NAME_BYTES];
    uint64_t sp = v->regs.rsp & ~7ull;
    uint64_t near = v->regs.rip; /* kernel text lies within 2 GiB of where we are */
    unsigned shown = 0;

    for (unsigned i = 0; i < STACK_WORDS && shown < CALLS_SHOWN; i++) {
        uint64_t word;

        if (!peek(v, sp + i * 8, &word, sizeof(word))) {
            log_error("  the stack ends at %#lx", sp + i * 8);
            break;
        }
        if (word - near + (1ull << 31) < 1ull << 32 && follows_call(v, word)) {
            symbols_guest_name(v->domain, word, name, sizeof(name));
            log_error("  rsp+%03x %016lx %s", i * 8, word, name);
            shown++;
        }
    }
}

void guest_dump(struct vcpu *v)
{
    char name[NAME_BYTES];

    if (!v->initialised) {
        log_error("d%uv%u has no context", v->domain->id, v->id);
        return;
    }
    if (current_vcpu() == v) {
        machine_vcpu_sync(v);
    }
    symbols_guest_name(v->domain, v->regs.rip, name, sizeof(name));
    log_error("d%uv%u (%s) at %s", v->domain->id, v->id, v->domain->name, name);
    dump_registers(v);
    dump_code(v);
    dump_stack(v);
    trace_dump(v->domain, 16);
}
