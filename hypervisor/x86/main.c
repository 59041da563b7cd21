/* SPDX-License-Identifier: MIT */
/* Start of the hypervisor, as a table of contents. Entered from head.S on the boot page tables. */
#include "bootinfo.h"
#include "console.h"
#include "cpu.h"
#include "log.h"
#include "sched.h"
#include "traps.h"
#include "version.h"

_Noreturn void start_c(uint32_t magic, uint32_t information);

static struct pcpu boot_cpu;
static struct boot_info boot_info;
static uint64_t entry_tsc;

static void percpu_init(struct pcpu *pcpu)
{
    pcpu->self = pcpu;
    pcpu->tlb_epoch = 1;
    pcpu->deadline = ~0ull;
    wrmsr(MSR_GS_BASE, (uint64_t)pcpu);
    wrmsr(MSR_KERNEL_GS_BASE, 0);
}

/* The rest of start-up, on this CPU's own stack. */
static _Noreturn void start_on_stack(void)
{
    apic_init();
    clock_init();
    uart_enable_interrupts();
    sched_init();
    boot_domains(&boot_info);
    atomic_fetch_or(&this_cpu()->work, PCPU_WORK_RESCHED);
    sched_run();
    log_info("start: %lu thousand TSC ticks from entry to the first guest instruction",
             (machine_tsc() - entry_tsc) / 1000);
    asm volatile("jmp exit_to_guest");
    __builtin_unreachable();
}

void start_c(uint32_t magic, uint32_t information)
{
    entry_tsc = machine_tsc();
    percpu_init(&boot_cpu);
    uart_init();
    log_info("Paravane " PARAVANE_VERSION);
    cpu_init();
    boot_read(&boot_info, magic, information);
    boot_options(&boot_info);
    paging_init(&boot_info);
    boot_release_memory(&boot_info);
    desc_init(&boot_cpu);
    asm volatile("movq %0, %%rsp\n\t"
                 "xorl %%ebp, %%ebp\n\t"
                 "callq *%1"
                 :
                 : "r"(boot_cpu.stack_top), "r"(start_on_stack)
                 : "memory");
    __builtin_unreachable();
}
