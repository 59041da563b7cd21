/* SPDX-License-Identifier: MIT */
/*
 * Traps on their way to those who know what to do: guest exceptions and hypercalls to core,
 * interrupts to their drivers, faults of ring 0 to the fix-up table or to the panic screen.
 */
#include "trap.h"

#include "console.h"
#include "cpu.h"
#include "event.h"
#include "log.h"
#include "sched.h"
#include "symbols.h"
#include "timer.h"
#include "traps.h"

struct fixup {
    uint64_t fault, resume;
};
extern const struct fixup ex_table_start[], ex_table_end[];
extern char image_start[], image_text_end[];

static void interrupt(unsigned vector)
{
    struct pcpu *pcpu = this_cpu();

    switch (vector) {
    case VECTOR_TIMER:
        pcpu->deadline = ~0ull;
        atomic_fetch_or_explicit(&pcpu->work, PCPU_WORK_TIMER, memory_order_relaxed);
        apic_eoi();
        break;
    case VECTOR_SERIAL:
        atomic_fetch_or_explicit(&pcpu->work, PCPU_WORK_CONSOLE, memory_order_relaxed);
        uart_interrupt();
        apic_eoi();
        break;
    case VECTOR_KICK:
        apic_eoi();
        break;
    case VECTOR_SPURIOUS:
        break;
    default:
        log_warning("interrupt on vector %#x that nobody asked for", vector);
        apic_eoi();
    }
}

static bool is_external(unsigned vector)
{
    return vector >= VECTOR_SERIAL;
}

/* From entry.S: ring 3 was interrupted, its registers are in v->regs. */
void guest_trap(struct vcpu *v)
{
    unsigned vector = v->regs.entry_vector;

    if (is_external(vector)) {
        interrupt(vector);
        return;
    }
    trap_from_guest(v, vector, vector == 14 ? read_cr2() : 0);
}

/* From entry.S: `syscall` in guest kernel mode. True if the plain way back (sysret) will do. */
bool hypercall_entry(struct vcpu *v)
{
    return hypercall(v);
}

/* The slow part of the exit path: until nothing is owed and no upcall is due. */
void exit_work(void)
{
    struct pcpu *pcpu = this_cpu();

    for (;;) {
        uint32_t work = atomic_exchange_explicit(&pcpu->work, 0, memory_order_acquire);

        if (work & PCPU_WORK_TIMER) {
            timer_run();
        }
        if (work & PCPU_WORK_CONSOLE) {
            console_poll();
        }
        if (work & PCPU_WORK_RESCHED) {
            sched_run();
        }
        if (work & PCPU_WORK_FLUSH) {
            machine_tlb_flush();
        } else if (work & PCPU_WORK_FLUSH_VA) {
            for (uint32_t i = 0; i < pcpu->flush_count; i++) {
                machine_tlb_flush_page(pcpu->flush_va[i]);
            }
        }
        if (work & (PCPU_WORK_FLUSH | PCPU_WORK_FLUSH_VA)) {
            pcpu->flush_count = 0;
        }
        if (atomic_load_explicit(&pcpu->work, memory_order_relaxed)) {
            continue;
        }
        if (!event_upcall_due(pcpu->current)) {
            return;
        }
        trap_event_upcall(pcpu->current);
    }
}

static void dump_registers(const struct cpu_user_regs *regs)
{
    log_error("rip %04x:%016lx rflags %08lx vector %u error %#x", regs->cs, regs->rip, regs->rflags,
              regs->entry_vector, regs->error_code);
    log_error("rax %016lx rbx %016lx rcx %016lx rdx %016lx", regs->rax, regs->rbx, regs->rcx,
              regs->rdx);
    log_error("rsi %016lx rdi %016lx rbp %016lx rsp %016lx", regs->rsi, regs->rdi, regs->rbp,
              regs->rsp);
    log_error("r8  %016lx r9  %016lx r10 %016lx r11 %016lx", regs->r8, regs->r9, regs->r10,
              regs->r11);
    log_error("r12 %016lx r13 %016lx r14 %016lx r15 %016lx", regs->r12, regs->r13, regs->r14,
              regs->r15);
    log_error("cr0 %lx cr2 %lx cr3 %lx cr4 %lx", read_cr0(), read_cr2(), read_cr3(), read_cr4());
}

/* Words on the stack that are return addresses into our text, named. */
static void dump_stack(uint64_t rsp)
{
    unsigned shown = 0;

    for (uint64_t at = rsp & ~7ull; shown < 16 && (at == (rsp & ~7ull) || (at & 0xfff) != 0);
         at += 8) {
        uint64_t word = *(const uint64_t *)at;
        char name[80];

        if (word >= (uint64_t)image_start && word < (uint64_t)image_text_end) {
            symbols_name(word, name, sizeof(name));
            log_error("  %016lx %s", word, name);
            shown++;
        }
    }
}

static const struct cpu_user_regs *panic_regs;

/* machine_dump: what panic() prints of this machine. */
void machine_dump(void)
{
    char name[80];

    if (panic_regs) {
        dump_registers(panic_regs);
        symbols_name(panic_regs->rip, name, sizeof(name));
        log_error("at %s", name);
        dump_stack(panic_regs->rsp);
    } else {
        dump_stack((uint64_t)__builtin_frame_address(0));
    }
}

/* From entry.S: ring 0 was interrupted; regs is on the current stack. */
void host_trap(struct cpu_user_regs *regs)
{
    if (is_external(regs->entry_vector)) {
        interrupt(regs->entry_vector);
        return;
    }
    for (const struct fixup *f = ex_table_start; f < ex_table_end; f++) {
        if (f->fault == regs->rip) {
            regs->rip = f->resume;
            return;
        }
    }
    panic_regs = regs;
    panic("exception %u in the hypervisor", regs->entry_vector);
}

void host_nmi(struct cpu_user_regs *regs)
{
    log_warning("NMI at %#lx ignored", regs->rip);
}

void host_fatal(struct cpu_user_regs *regs)
{
    panic_regs = regs;
    panic("%s", regs->entry_vector == 8 ? "double fault" : "machine check");
}
