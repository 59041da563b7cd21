/* SPDX-License-Identifier: MIT */
/* Trap table and callbacks; who gets what arrives. */
#include "trap.h"

#include <stddef.h>

#include <pv/event.h>
#include <pv/hypercall_stubs.h>

#include "memory.h"
#include "print.h"
#include "space.h"
#include "thread.h"

#define MASK_EVENTS 4 /* flags of trap_info: events masked on entry */
#define VECTOR_BREAKPOINT 3
#define VECTOR_PAGE_FAULT 14

/* Addresses of the entries in entry.S, by vector. */
extern const uint64_t trap_entries[20];
extern char event_entry[], failsafe_entry[], syscall_entry[];

void trap_enter(struct regs *regs);

static unsigned int expected_vector;
static void *expected_resume;
static bool happened;

static void register_callback(unsigned int type, const char *address)
{
    callback_register_t reg = {
        .type = type, .flags = CALLBACKF_mask_events, .address = (uint64_t)address};

    if (hc_callbackop_register(&reg))
        panic("cannot register callback %u", type);
}

void trap_init(void)
{
    static trap_info_t table[21];
    unsigned int n = 0;

    for (unsigned int vector = 0; vector < 20; vector++) {
        if (!trap_entries[vector])
            continue;
        table[n].vector = (uint8_t)vector;
        table[n].flags = MASK_EVENTS | (vector == 3 || vector == 4 ? 3 : 0);
        table[n].cs = FLAT_KERNEL_CS;
        table[n].address = trap_entries[vector];
        n++;
    }
    if (hc_set_trap_table((uint64_t)table))
        panic("cannot set the trap table");
    register_callback(CALLBACKTYPE_event, event_entry);
    register_callback(CALLBACKTYPE_failsafe, failsafe_entry);
    register_callback(CALLBACKTYPE_syscall, syscall_entry);
}

void trap_expect(unsigned int vector, void *resume)
{
    expected_vector = vector;
    expected_resume = resume;
    happened = false;
}

bool trap_happened(void)
{
    return happened;
}

static void kernel_fault(struct regs *regs, uint64_t address)
{
    if (expected_resume && regs->vector == expected_vector) {
        regs->rip = (uint64_t)expected_resume;
        expected_resume = NULL;
        happened = true;
        return;
    }
    kprintf("rip %lx rsp %lx rflags %lx error %lx\n", regs->rip, regs->rsp, regs->rflags,
            regs->error);
    kprintf("rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx\n", regs->rax, regs->rbx,
            regs->rcx, regs->rdx, regs->rsi, regs->rdi, regs->rbp);
    panic("exception %lu in the kernel at %lx, address %lx", regs->vector, regs->rip, address);
}

static void exception(struct regs *regs)
{
    uint64_t address = 0;

    if (regs->vector == VECTOR_PAGE_FAULT)
        address = pv_shared_info->vcpu_info[0].arch.cr2;
    if (!regs_from_user(regs)) {
        kernel_fault(regs, address);
        return;
    }
    if (regs->vector == VECTOR_PAGE_FAULT && current->space &&
        space_fault(current->space, address, regs->error))
        return;
    user_fault(regs, (unsigned int)regs->vector, address);
}

/* From entry.S, events masked. On return the registers are loaded again. */
void trap_enter(struct regs *regs)
{
    switch (regs->vector) {
    case VECTOR_EVENT:
        pv_event_dispatch();
        break;
    case VECTOR_SYSCALL:
        syscall_enter(regs);
        break;
    default:
        exception(regs);
    }
    if (!regs_from_user(regs))
        return;
    if (thread_should_yield())
        thread_yield();
    user_return(regs);
}
