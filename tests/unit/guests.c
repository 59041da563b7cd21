/* SPDX-License-Identifier: MIT */
/* Whole guests on the simulated machine (guests.h). */
#include "guests.h"

#include <stdlib.h>

#include "console.h"
#include "dispatch.h"
#include "event.h"
#include "grant.h"
#include "log.h"
#include "sched.h"
#include "sim.h"
#include "timer.h"

#define MACHINE_FRAMES 4096u

void guests_start(void)
{
    sim_start(MACHINE_FRAMES);
    console_init(CONSOLE_MUX);
    sched_init();
}

void *guest_page(const struct guest *g, unsigned n)
{
    return machine_map(g->page[n]);
}

static mfn_t new_page(struct domain *d)
{
    mfn_t mfn = frame_alloc_domain(d);

    ck_assert(!mfn_equal(mfn, MFN_INVALID));
    return mfn;
}

static void set_entry(mfn_t table, unsigned index, mfn_t mfn, pte_t flags)
{
    ((pte_t *)machine_map(table))[index] = mfn.n << PAGE_SHIFT | flags;
}

static void make_tables(struct guest *g)
{
    const pte_t table = PTE_PRESENT | PTE_RW | PTE_USER;

    g->l4 = new_page(g->d);
    g->l3 = new_page(g->d);
    g->l2 = new_page(g->d);
    g->l1 = new_page(g->d);
    set_entry(g->l4, pt_index(GUEST_VA, 4), g->l3, table);
    set_entry(g->l3, pt_index(GUEST_VA, 3), g->l2, table);
    set_entry(g->l2, pt_index(GUEST_VA, 2), g->l1, table);
    for (unsigned i = 0; i < GUEST_PAGES; i++) {
        g->page[i] = new_page(g->d);
        set_entry(g->l1, i, g->page[i], PTE_PRESENT | PTE_RW | PTE_USER);
    }
}

vcpu_guest_context_t guest_context(const struct guest *g)
{
    static vcpu_guest_context_t c; /* large, and mostly zeros */

    memset(&c, 0, sizeof(c));
    c.flags = VGCF_in_kernel | VGCF_online;
    c.user_regs.rip = GUEST_VA + 2;
    c.user_regs.rsp = GUEST_VA + PAGE_SIZE;
    c.user_regs.rflags = 1u << 9;
    c.user_regs.cs = FLAT_KERNEL_CS;
    c.user_regs.ss = FLAT_KERNEL_SS;
    c.kernel_sp = c.user_regs.rsp;
    c.kernel_ss = FLAT_KERNEL_SS;
    c.ctrlreg[3] = xen_pfn_to_cr3(g->l4.n);
    return c;
}

struct guest guest_make(domid_t id, unsigned vcpus, bool privileged)
{
    struct guest g = {0};
    vcpu_guest_context_t c;
    char name[16];

    format(name, sizeof(name), "guest%u", id);
    g.d = domain_create(id, name, privileged, 512);
    ck_assert_ptr_nonnull(g.d);
    for (unsigned i = 0; i < vcpus; i++) {
        ck_assert_ptr_nonnull(vcpu_create(g.d, i));
    }
    g.v = g.d->vcpu[0];
    make_tables(&g);
    c = guest_context(&g);
    ck_assert_int_eq(vcpu_set_context(NULL, g.v, &c), 0);
    vcpu_up(g.v);
    return g;
}

static uint32_t take_work(void)
{
    sim_timer_interrupt();
    return atomic_exchange(&this_cpu()->work, 0);
}

struct vcpu *guests_exit(void)
{
    uint32_t work;

    while ((work = take_work())) {
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
        }
    }
    guests_audit();
    return this_cpu()->current;
}

static void each_other(struct vcpu *except, void (*act)(struct vcpu *v))
{
    for (unsigned id = 0; id < DOMAIN_MAX; id++) {
        for (unsigned i = 0; domain_table[id] && i < domain_table[id]->vcpu_count; i++) {
            struct vcpu *v = domain_table[id]->vcpu[i];

            if (v && v != except) {
                act(v);
            }
        }
    }
}

void guests_run_as(struct vcpu *v)
{
    if (this_cpu()->current == v && v->run == VCPU_RUNNING) {
        return;
    }
    ck_assert_msg(vcpu_is_runnable(v), "d%uv%u cannot run", v->domain->id, v->id);
    each_other(v, vcpu_pause);
    atomic_fetch_or(&this_cpu()->work, PCPU_WORK_RESCHED);
    ck_assert_ptr_eq(guests_exit(), v);
    each_other(v, vcpu_unpause);
}

void guests_wait(uint64_t ns)
{
    sim_advance(ns);
}

uint64_t guests_now(void)
{
    return machine_now();
}

unsigned guests_deadlines(void)
{
    return sim_record.deadlines;
}

unsigned guests_idles(void)
{
    return sim_record.idles;
}

unsigned guests_flushes(void)
{
    return sim_record.flushes;
}

void guests_reap(void)
{
    struct pcpu *pcpu = this_cpu();

    if (pcpu->current && pcpu->current->domain->is_shut_down) {
        pcpu->current = NULL;
        machine_leave_guest();
    }
    while (domain_reap()) {
        guests_audit();
    }
    guests_audit();
}

void guests_audit(void)
{
    unsigned bad = frame_audit() + pagetype_audit() + sched_audit();

    for (unsigned id = 0; id < DOMAIN_MAX; id++) {
        if (domain_table[id]) {
            bad += event_audit(domain_table[id]) + grant_audit(domain_table[id]);
        }
    }
    if (bad) {
        machine_dump(); /* the log */
    }
    ck_assert_uint_eq(bad, 0);
}

unsigned call_turns;

long call(struct vcpu *v, unsigned nr, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t rip;

    guests_run_as(v);
    rip = v->regs.rip;
    v->regs.rax = nr;
    v->regs.rdi = a;
    v->regs.rsi = b;
    v->regs.rdx = c;
    call_turns = 0;
    do {
        v->regs.rip = rip;
        hypercall(v);
        guests_audit();
        call_turns++;
    } while (v->regs.rip != rip);
    return (long)v->regs.rax;
}

/* Host's view of where arguments go; they start at a page's second half, to cross nothing. */
static char *args_of(struct vcpu *v)
{
    unsigned level;
    mfn_t table;
    pte_t pte = pagetable_walk(v->guest_table, GUEST_VA + ARGS_PAGE * PAGE_SIZE, &level, &table);

    ck_assert(pte & PTE_PRESENT);
    return machine_map(pte_mfn(pte));
}

#define ARGS_VA (GUEST_VA + ARGS_PAGE * PAGE_SIZE)

long call_struct(struct vcpu *v, unsigned nr, unsigned cmd, void *args, size_t bytes)
{
    long ret;

    memcpy(args_of(v), args, bytes);
    ret = call(v, nr, cmd, ARGS_VA, 0);
    memcpy(args, args_of(v), bytes);
    return ret;
}

long call_vcpu(struct vcpu *v, unsigned cmd, unsigned id, void *args, size_t bytes)
{
    char *at = args_of(v);
    long ret;

    /* vcpu_guest_context_t is larger than a page: the second page follows it in va only. */
    for (size_t i = 0; i < bytes; i++) {
        if (i % PAGE_SIZE == 0) {
            unsigned level;
            mfn_t table;

            at = machine_map(pte_mfn(pagetable_walk(v->guest_table, ARGS_VA + i, &level, &table)));
        }
        at[i % PAGE_SIZE] = ((char *)args)[i];
    }
    ret = call(v, __HYPERVISOR_vcpu_op, cmd, id, ARGS_VA);
    if (bytes <= PAGE_SIZE && args) {
        memcpy(args, args_of(v), bytes);
    }
    return ret;
}

long call_element(struct vcpu *v, unsigned nr, unsigned cmd, void *element, size_t bytes)
{
    long ret;

    memcpy(args_of(v), element, bytes);
    ret = call(v, nr, cmd, ARGS_VA, 1);
    memcpy(element, args_of(v), bytes);
    return ret;
}

int unit_main(const char *name, void (*add)(TCase *tc))
{
    Suite *suite = suite_create(name);
    TCase *tc = tcase_create(name);
    SRunner *runner;
    int failed;

    add(tc);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
