/* SPDX-License-Identifier: MIT */
/* The simulated machine from the test's side: start it, set what it says, see what it was told. */
#ifndef PARAVANE_SIM_H
#define PARAVANE_SIM_H

#include "machine.h"

/* What core has told the machine since sim_start(). */
struct sim_record {
    unsigned root_loads, flushes, page_flushes, toggles, switches, kicks, idles, deadlines;
    unsigned gdt_changes, ldt_changes, ldt_maps;
    uint64_t last_flushed_va;
    bool ts; /* CR0.TS */
    size_t uart_bytes[2];
};
extern struct sim_record sim_record;

/* Machine memory of this many frames, all handed to the allocator but frame 0. Once a process. */
void sim_start(uint64_t frames);

void sim_set_time(uint64_t ns); /* machine_now() from here on */
void sim_advance(uint64_t ns);
uint64_t sim_deadline(void); /* what machine_set_deadline() was told last, ~0 once it came */
/* The timer's interrupt, if it is due by now. */
void sim_timer_interrupt(void);
void sim_set_dr6(uint64_t dr6);
void sim_set_xcr0(uint64_t xcr0);
/* This CPUID leaf answers so; leaves never set answer ones, or the largest leaf. */
void sim_set_cpuid(uint32_t leaf, uint32_t subleaf, const uint32_t out[4]);
void sim_uart_input(unsigned port, const void *bytes, size_t count);
/* Text that went out on a port since the last call; the caller's buffer is terminated. */
size_t sim_uart_output(unsigned port, char *dst, size_t bytes);

/* Where v's LDT window begins. */
uint64_t sim_ldt_window(const struct vcpu *v);

/* machine_end() comes here if set; it must not return (longjmp, exit). */
extern void (*sim_on_end)(enum machine_end how);

#endif
