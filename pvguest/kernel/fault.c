/* SPDX-License-Identifier: MIT */
/*
 * Faults of user mode that are nobody's business but the process's own: each becomes the signal
 * that Linux sends for the vector (Intel SDM vol. 3, 6.15).
 */
#include <asm/siginfo.h>
#include <asm/signal.h>

#include "memory.h"
#include "print.h"
#include "signal.h"
#include "space.h"
#include "trap.h"

#define FEW_PAGES 8 /* with fewer free ones a page fault may fail: a page and its tables */

static const struct {
    uint8_t signal;
    int8_t code;
    bool at_rip; /* si_addr is the instruction */
} meanings[] = {
    [0] = {SIGFPE, FPE_INTDIV, true},
    [1] = {SIGTRAP, TRAP_TRACE, true},
    [3] = {SIGTRAP, TRAP_BRKPT, true},
    [4] = {SIGSEGV, 0, false},
    [5] = {SIGSEGV, 0, false},
    [6] = {SIGILL, ILL_ILLOPN, true},
    [10] = {SIGSEGV, 0, false},
    [11] = {SIGBUS, 0, false},
    [12] = {SIGBUS, 0, false},
    [13] = {SIGSEGV, 0, false},
    [14] = {SIGSEGV, SEGV_MAPERR, false},
    [16] = {SIGFPE, FPE_FLTINV, true},
    [17] = {SIGBUS, BUS_ADRALN, false},
    [19] = {SIGFPE, FPE_FLTINV, true},
};

/* A page fault that could have been served, had there been a page: nobody can handle that. */
static bool is_out_of_memory(uint64_t address)
{
    struct memory_info memory;

    memory_info(&memory);
    return memory.free < FEW_PAGES &&
           !space_is_free(current_process()->space, address & ~(PAGE_SIZE - 1), PAGE_SIZE);
}

void user_fault(struct regs *regs, unsigned int vector, uint64_t address)
{
    int signal = SIGSEGV, code = SI_KERNEL;

    if (vector < sizeof(meanings) / sizeof(meanings[0]) && meanings[vector].signal) {
        signal = meanings[vector].signal;
        code = meanings[vector].code ? meanings[vector].code : SI_KERNEL;
        if (meanings[vector].at_rip)
            address = regs->rip;
    }
    if (vector == 14 && is_out_of_memory(address)) {
        kprintf("out of memory: %s[%d] is killed\n", current_process()->name,
                current_process()->pid);
        signal = SIGKILL;
    }
    if (vector == 14 && regs->error & 1)
        code = SEGV_ACCERR; /* present, but not for this access */
    signal_force(signal, code, address);
}
