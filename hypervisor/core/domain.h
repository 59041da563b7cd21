/* SPDX-License-Identifier: MIT */
/*
 * struct domain and struct vcpu: the two objects that everything in core hangs on.
 *
 * A domain lives until its last reference goes: creation holds one, each vCPU that runs holds none
 * (it is descheduled before the domain is taken apart), lookups hold one while they work.
 * Destroying runs in steps (domain_destroy) that can be repeated and preempted.
 */
#ifndef PARAVANE_CORE_DOMAIN_H
#define PARAVANE_CORE_DOMAIN_H

#include "frame.h"
#include "list.h"
#include "lock.h"

#define DOMAIN_MAX 1024     /* domids 0..DOMAIN_MAX-1 */
#define VCPU_MAX 32         /* XEN_LEGACY_MAX_VCPUS: those with a place in shared_info */
#define GDT_GUEST_FRAMES 14 /* FIRST_RESERVED_GDT_PAGE */
#define LDT_FRAMES 16       /* 8192 descriptors */
#define NR_EVTCHN 4096      /* 64 x 64 */
#define EVTCHN_PER_PAGE 128
#define EVTCHN_BUCKETS (NR_EVTCHN / EVTCHN_PER_PAGE)

/* An entry point the guest registered: callback_op, trap table. 0 = none. */
struct guest_entry {
    uint64_t address;
    bool mask_events; /* set evtchn_upcall_mask on entry */
    uint8_t dpl;      /* trap table only: lowest privilege (largest ring) that may `int n` it */
};

/* A software timer; owner pcpu's timer list, sorted by `when` (timer.c). */
struct timer {
    struct list link;
    uint64_t when; /* ns since boot */
    bool armed;
    void (*fire)(void *arg);
    void *arg;
};

#define HYPERCALL_NONE (~0u)

/* State of the hypercall being served. */
struct hypercall_state {
    uint64_t args[6]; /* live arguments; a handler that returns -ERESTART updates them first */
    uint32_t nr;      /* HYPERCALL_NONE: a trap is being served */
    uint32_t budget;  /* units of work left, hypercall_preempt() */
    bool in_multicall;
    bool skip_return; /* the handler set regs itself (iret): do not write rax */
};

enum vcpu_run { VCPU_RUNNING, VCPU_RUNNABLE, VCPU_BLOCKED, VCPU_OFFLINE }; /* = RUNSTATE_* */

struct vcpu {
    /*
     * Guest registers, in the order that hardware and entry.S push them: the CPU enters ring 0
     * with its stack pointer at &regs.es, so saving is the push itself and switching vCPUs copies
     * nothing. `es` must be 16-byte aligned, hence the pad (offset of regs is 8 mod 16).
     */
    uint64_t pad_regs;
    struct cpu_user_regs regs;

    struct domain *domain;
    uint32_t id;
    uint32_t cpu;     /* pcpu it last ran on or is queued at */
    bool kernel_mode; /* in the guest's kernel (Xen's TF_kernel_mode): selects root and GS base */
    bool initialised; /* has a context: VCPUOP_initialise or the builder gave one */
    uint8_t iopl;     /* virtual: PHYSDEVOP_set_iopl */
    bool cr0_ts;      /* virtual CR0.TS */
    uint64_t cr4;     /* CR4 as the guest reads it */
    uint64_t xcr0;

    /* Where the live vcpu_info is, in the hypervisor's view: shared_info or the registered place.
     */
    vcpu_info_t *info;
    mfn_t info_mfn; /* frame held for a registered vcpu_info, MFN_NONE before */

    mfn_t guest_table; /* L4 of guest kernel mode; holds a reference and an L4 type reference */
    mfn_t guest_table_user; /* the same for user mode, MFN_NONE if there is none */

    uint64_t kernel_sp, kernel_ss;                  /* stack_switch */
    uint64_t fs_base, gs_base_kernel, gs_base_user; /* valid while not loaded (machine_vcpu_sync) */
    struct guest_entry traps[256];
    struct guest_entry event_callback, failsafe_callback, syscall_callback, syscall32_callback,
        sysenter_callback, nmi_callback;

    mfn_t gdt_frames[GDT_GUEST_FRAMES]; /* each holds a PT_SEGDESC reference */
    uint32_t gdt_ents;
    uint32_t ldt_ents;
    uint64_t ldt_base;            /* guest linear address */
    uint32_t ldt_mapped;          /* bit n: LDT window page n holds ldt_frames[n] */
    mfn_t ldt_frames[LDT_FRAMES]; /* those mapped hold a PT_SEGDESC reference */
    uint64_t iobitmap; /* guest va: bit clear = user may use that port; PHYSDEVOP_set_iobitmap */
    uint32_t iobitmap_ports;
    uint64_t debugreg[8];

    struct hypercall_state hc;
    mfn_t parked[4]; /* type references still to be dropped (pagetype_put_later), MFN_NONE = free */

    /* Scheduling: protected by the sched lock. */
    struct list run_link;
    enum vcpu_run run;
    uint32_t pause_count;    /* > 0: not runnable whatever else */
    bool is_up;              /* VCPUOP_up */
    bool yielding;           /* gave its turn away: others first, once */
    bool polling;            /* in SCHEDOP_poll, until it is woken */
    evtchn_port_t poll_port; /* the one port that ends the poll, 0 = any */
    uint64_t charged_at;     /* up to when its running has been charged to the policy */
    uint64_t sched_time;     /* ns of CPU as the policy counts them, among its domain's vCPUs */
    uint64_t run_since;      /* system time at which `run` began */
    uint64_t run_time[4];    /* ns spent in each state */
    bool areas_stale;        /* the areas below are behind: they are written in guest kernel mode */
    uint64_t runstate_area;  /* guest va of vcpu_runstate_info, 0 = none */
    uint64_t time_area;      /* guest va of a secondary vcpu_time_info, 0 = none */

    struct timer singleshot, periodic, poll_timer;
    uint64_t periodic_ns; /* 0 = stopped */

    evtchn_port_t virq_port[NR_VIRQS]; /* 0 = unbound */

    void *arch; /* machine's own: FPU area, GDT window address */
};

struct evtchn;      /* event.c */
struct grant_table; /* grant.c */
struct console;     /* console.c */

struct domain {
    domid_t id;
    char name[32];
    bool privileged; /* control domain or domain0: SIF_PRIVILEGED */
    _Atomic uint32_t refs;
    spinlock_t lock;

    struct vcpu *vcpu[VCPU_MAX];
    uint32_t vcpu_count;

    shared_info_t *shared_info;
    mfn_t shared_info_mfn;

    /* Memory */
    spinlock_t page_lock;
    uint32_t page_list; /* mfn of the first owned frame, 0 = none */
    uint64_t page_count, max_pages;
    uint64_t memory_map_pages; /* size of the RAM region that XENMEM_memory_map shows */

    /* Events: event.c, under event_lock */
    spinlock_t event_lock;
    struct evtchn *evtchn_bucket[EVTCHN_BUCKETS]; /* pages of struct evtchn, made on demand */
    _Atomic uint32_t pollers;                     /* bit n: vCPU n is in SCHEDOP_poll */

    spinlock_t grant_lock;
    struct grant_table *grant_table;

    struct console *console;
    uint32_t vm_assist;

    /* Life */
    bool is_dying;           /* destroy has begun */
    bool is_shut_down;       /* every vCPU stopped */
    uint8_t shutdown_reason; /* SHUTDOWN_* */
    bool crashed;
    char why[96];           /* of a crash or kill, for the state frame */
    struct list dying_link; /* domains that the reaper takes apart (domain_list_lock) */
    uint32_t destroy_step;
    uint32_t destroy_cursor; /* frame that the present step has come to; holds a reference */
    uint64_t sched_time;     /* ns of CPU, as the fair policy counts them (sched lock) */
    uint64_t sched_floor;    /* the same of its vCPU that is furthest back */
    struct timer watchdog[2];

    /* The image's symbol table for stack traces, in frames that the boot module had (symbols.c);
     * NULL = none. */
    const void *symbols;
    uint64_t symbol_count;
    const char *symbol_names;
    uint64_t symbol_name_bytes;
    mfn_t symbol_frames;
    uint64_t symbol_frame_count;

    /* Rate limit of refuse(): lines left in this second, and the second. */
    uint32_t log_tokens;
    uint64_t log_second;
    uint64_t log_dropped; /* refusals without a line since the last summary */
    uint64_t refused;     /* total */
};

extern struct domain *domain_table[DOMAIN_MAX];
extern spinlock_t domain_list_lock;
extern struct list domain_dying; /* by dying_link, for the reaper (reap.c) */

/* Domains and vCPUs are whole runs of frames. */
#define PAGES_OF(type) ((sizeof(type) + PAGE_SIZE - 1) / PAGE_SIZE)

static inline struct vcpu *current_vcpu(void)
{
    return this_cpu()->current;
}

/* New empty domain with shared_info, event and grant state but no memory or vCPU. NULL: no memory,
 * id taken or out of range. Its `name` is copied. */
struct domain *domain_create(domid_t id, const char *name, bool privileged, uint64_t max_pages);
/* vCPU `id` of d, offline and without context, or NULL. */
struct vcpu *vcpu_create(struct domain *d, uint32_t id);
/* Set the context (VCPUOP_initialise, builder): takes references on cr3 and the GDT frames. */
int vcpu_set_context(struct vcpu *caller, struct vcpu *v, const vcpu_guest_context_t *ctx);
void vcpu_up(struct vcpu *v); /* may run from now on */

/* Look up and take a reference; DOMID_SELF is the caller's. NULL: none such or dying. */
struct domain *domain_get(struct vcpu *caller, domid_t id);
void domain_put(struct domain *d);
/* One more reference, by somebody who knows that d cannot go away at this moment. */
static inline void domain_hold(struct domain *d)
{
    atomic_fetch_add(&d->refs, 1);
}

/* All vCPUs stop; `reason` is SHUTDOWN_*. The domain's memory is taken apart by domain_reap(). */
void domain_shutdown(struct domain *d, uint8_t reason);
/* The guest did what cannot be answered with an errno: log why, dump registers, shut it down with
 * SHUTDOWN_crash. Returns; the vCPU does not run again. */
void domain_crash(struct domain *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A domain that was never finished and has not run: the reaper takes what was made of it. */
void domain_abandon(struct domain *d);
/* Run a bounded part of taking apart domains that have shut down; true while there is more that
 * depends on nobody else. Called by the scheduler. */
bool domain_reap(void);
/* Number of domains still running; 0 means that the machine can end. */
unsigned domain_running(void);

/* One unit of a hypercall's budget is about one page-table entry examined. true: stop and return
 * -ERESTART after updating v->hc.args. The budget is renewed at every entry, so each restart
 * makes progress. v == NULL (builder, reaper without budget) never asks to stop. */
#define HYPERCALL_BUDGET 4096u
static inline bool hypercall_preempt(struct vcpu *v, uint32_t units)
{
    if (v == NULL) {
        return false;
    }
    if (v->hc.budget > units) {
        v->hc.budget -= units;
        return false;
    }
    v->hc.budget = 0;
    return true;
}

#endif
