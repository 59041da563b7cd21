/* SPDX-License-Identifier: MIT */
/* C entry points of entry.S; nobody else calls them. */
#ifndef PARAVANE_X86_TRAPS_H
#define PARAVANE_X86_TRAPS_H

#include "dispatch.h"
#include "domain.h"

void guest_trap(struct vcpu *v);
bool hypercall_entry(struct vcpu *v);
void exit_work(void);
void host_trap(struct cpu_user_regs *regs);
void host_nmi(struct cpu_user_regs *regs);
_Noreturn void host_fatal(struct cpu_user_regs *regs);
void uart_interrupt(void);

/* Labels */
extern char syscall_entry[], syscall32_entry[], exit_to_guest[], vector_stubs[];
size_t guest_copy(void *dst, const void *src, size_t bytes);
bool load_ds(uint16_t selector);
bool load_es(uint16_t selector);
bool load_fs(uint16_t selector);
bool load_gs(uint16_t selector);
bool rdmsr_safe(uint32_t msr, uint64_t *value);

#endif
