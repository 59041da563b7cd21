/* SPDX-License-Identifier: MIT */
/*
 * The seam between core and the machine. hypervisor/x86 implements it on hardware, hypervisor/sim
 * on the host, where memory is an array and time a variable. Mechanism only: nothing behind this
 * header decides anything about a guest.
 *
 * machine_arch.h (found by include path, one in x86/ and one in sim/) supplies inline:
 *   void *machine_map(mfn_t)            hypervisor's own view of a RAM frame, always mapped
 *   mfn_t machine_mfn_of(const void *)  the reverse, for pointers that machine_map returned
 *   struct pcpu *this_cpu(void)         per-CPU state
 */
#ifndef PARAVANE_CORE_MACHINE_H
#define PARAVANE_CORE_MACHINE_H

#include "types.h"

/*
 * Per-CPU state that core uses. entry.S reaches it through GS on x86.
 * Only the CPU itself writes its own, except `resched`, which another CPU may set.
 */
struct pcpu {
    struct vcpu *current; /* vCPU whose state is loaded; NULL before the first one */
    uint64_t stack_top;   /* hypervisor stack of this CPU (entry.S) */
    uint64_t scratch;     /* guest rsp between syscall and the stack switch (entry.S) */
    struct pcpu *self;
    _Atomic uint32_t work; /* PCPU_WORK_* bits looked at before every return to a guest */
    uint32_t id;
    mfn_t root;        /* L4 frame in CR3 */
    uint64_t deadline; /* ns programmed into the timer; ~0 = none */
    bool in_idle;
    uint32_t tlb_epoch;   /* advances whenever this CPU's guest translations are all dropped */
    uint32_t flush_count; /* number of valid entries of flush_va */
    uint64_t flush_va[4]; /* pages to invalidate before the next return to a guest */
    void *arch;           /* the machine's own per-CPU data */
};

#define PCPU_WORK_RESCHED 1u  /* call sched_run() */
#define PCPU_WORK_FLUSH 2u    /* whole-TLB flush owed */
#define PCPU_WORK_FLUSH_VA 4u /* pages in flush_va owed */
#define PCPU_WORK_TIMER 8u    /* expired software timers to run */
#define PCPU_WORK_CONSOLE 16u /* UART input or output to serve */

/* TLB. `machine_tlb_flush` drops all guest translations of this CPU, the other one page. */
void machine_tlb_flush(void);
void machine_tlb_flush_page(uint64_t va);

/* Load an L4 frame into CR3 of this CPU; always flushes, even when it is the same frame. */
void machine_load_root(mfn_t l4);
/* Fill slots 256..271 of a frame that is becoming an L4, or clear them. */
void machine_l4_fill(mfn_t l4);
void machine_l4_clear(mfn_t l4);

/*
 * Copy through the roots that are loaded. The caller has checked the range (guest.h does).
 * Returns the number of bytes NOT copied; 0 is success. Never faults the hypervisor.
 */
size_t machine_copy_from_guest(void *dst, uint64_t va, size_t bytes);
size_t machine_copy_to_guest(uint64_t va, const void *src, size_t bytes);

/* vCPU context. `prev` may be NULL; on return `next` is loaded: segments, bases, FPU, debug
 * registers, GDT, LDT, root for its mode, and the stack slot that the CPU pushes regs into. */
int machine_vcpu_create(struct vcpu *v); /* allocates v->arch and its GDT/LDT window; -ENOMEM */
void machine_vcpu_destroy(struct vcpu *v);
void machine_vcpu_switch(struct vcpu *prev, struct vcpu *next);
/* Read what the guest may have changed silently (selectors, FS/GS base, FPU) into v, if loaded. */
void machine_vcpu_sync(struct vcpu *v);
/* Stop using any guest root on this CPU (the hypervisor's own is loaded). */
void machine_leave_guest(void);

/* Guest kernel <-> guest user of a loaded vCPU: swaps the GS base, loads the other root.
 * v->kernel_mode is already the new mode. */
void machine_vcpu_toggle(struct vcpu *v);

enum segment_base { SEGMENT_FS, SEGMENT_GS_USER, SEGMENT_GS_KERNEL };
uint64_t machine_get_segment_base(struct vcpu *v, enum segment_base which);
void machine_set_segment_base(struct vcpu *v, enum segment_base which, uint64_t base);
/* Load the user GS selector; false (and null loaded) if the descriptor does not allow it. */
bool machine_load_user_gs(struct vcpu *v, uint16_t selector);
/* v->gdt_frames/gdt_ents or v->ldt_base/ldt_ents changed: renew the window and, if loaded, the
 * register. */
void machine_gdt_changed(struct vcpu *v);
void machine_ldt_changed(struct vcpu *v);
/* Map one LDT page of the window (demand-loaded); page is 0..15. */
void machine_ldt_map_page(struct vcpu *v, unsigned page, mfn_t mfn);
/* Offset of va inside the LDT window of v, ~0 if it is not in there. */
uint64_t machine_ldt_window_offset(const struct vcpu *v, uint64_t va);
void machine_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value);
/* DR6 of this CPU as the last #DB left it, reset to its inactive value. */
uint64_t machine_take_dr6(void);
/* CR0.TS follows v->cr0_ts, which the caller has changed; also at every switch to v. */
void machine_ts_changed(struct vcpu *v);
void machine_set_xcr0(struct vcpu *v, uint64_t xcr0);
void machine_fpu_init(struct vcpu *v); /* reset state into the save area */

/* CPU facts */
void machine_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]); /* eax ebx ecx edx */
bool machine_rdmsr(uint32_t msr, uint64_t *value); /* false: the register does not exist */
uint64_t machine_xcr0_supported(void);             /* 0 without XSAVE */

/* Time. Nanoseconds since boot = scale(tsc - tsc_base) by mul and shift as in vcpu_time_info. */
struct machine_clock {
    uint64_t tsc_base;
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
    uint64_t tsc_khz;
    uint64_t wall_at_boot_ns; /* Unix time at system time 0 */
};
extern struct machine_clock machine_clock;
uint64_t machine_tsc(void);
uint64_t machine_now(void);               /* ns since boot */
void machine_set_deadline(uint64_t when); /* interrupt at this system time; ~0 = never */
void machine_kick(unsigned cpu);          /* make that CPU look at its work bits */
void machine_idle(void);                  /* wait for an interrupt, interrupts on while waiting */

/* Serial ports: 0 = COM1 (log), 1 = COM2 (mux). */
void machine_uart_write(unsigned port, const void *data, size_t bytes);
int machine_uart_read(unsigned port); /* next byte, or -1 */

extern uint16_t machine_debug_exit_port; /* QEMU's isa-debug-exit, that ends it; 0 = none */

enum machine_end { MACHINE_POWEROFF, MACHINE_REBOOT, MACHINE_PANIC };
_Noreturn void machine_end(enum machine_end how);

#include "machine_arch.h"

#endif
