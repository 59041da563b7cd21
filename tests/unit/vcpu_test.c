/* SPDX-License-Identifier: MIT */
/* vcpu.c and context.c: bringing vCPUs up and down, their timers and shared areas. */
#include "event.h"
#include "guests.h"
#include "sched.h"
#include "timer.h"

#define MS 1000000ull
#define DIRECT_L1_PAGES 16u

static struct guest a, b;
static struct vcpu *second;
static vcpu_guest_context_t context;

static void start(void)
{
    guests_start();
    a = guest_make(1, 2, false);
    b = guest_make(2, 1, false);
    second = a.d->vcpu[1];
    context = guest_context(&a);
}

static long initialise(unsigned id)
{
    return call_vcpu(a.v, VCPUOP_initialise, id, &context, sizeof(context));
}

static long plain(unsigned cmd, unsigned id)
{
    return call_vcpu(a.v, cmd, id, NULL, 0);
}

START_TEST(bring_up)
{
    context.user_regs.cs = 0x10; /* as Linux has it: from its own GDT, ring 0 */
    context.user_regs.ss = 0x18;
    context.user_regs.rflags = 0x200 | 1u << 12 | 1u << 17 | 1u << 14;
    context.trap_ctxt[14] = (trap_info_t){.vector = 14, .flags = 4, .address = GUEST_VA + 0x80};
    context.event_callback_eip = GUEST_VA + 0x90;
    context.syscall_callback_eip = GUEST_VA + 0xa0;
    context.gs_base_kernel = GUEST_VA + 0x1000;
    ck_assert_int_eq(plain(VCPUOP_is_up, 1), 0);
    ck_assert_int_eq(plain(VCPUOP_up, 1), -XEN_EINVAL); /* no context yet */
    ck_assert_int_eq(initialise(1), 0);
    ck_assert_int_eq(plain(VCPUOP_is_up, 1), 0);
    ck_assert_int_eq(initialise(1), -XEN_EEXIST);
    ck_assert_int_eq(plain(VCPUOP_up, 1), 0);
    ck_assert_int_eq(plain(VCPUOP_is_up, 1), 1);
    ck_assert_int_eq(plain(VCPUOP_up, 1), 0); /* twice does no harm */
    ck_assert_uint_eq(second->regs.cs, 0x13);
    ck_assert_uint_eq(second->regs.ss, 0x1b);
    ck_assert_uint_eq(second->regs.rflags & ~(1ull << 14), 0x202); /* NT is its own affair */
    ck_assert_uint_eq(second->iopl, 1);
    ck_assert(second->kernel_mode);
    ck_assert_uint_eq(second->traps[14].address, GUEST_VA + 0x80);
    ck_assert(second->traps[14].mask_events);
    ck_assert_uint_eq(second->event_callback.address, GUEST_VA + 0x90);
    ck_assert_uint_eq(second->gs_base_kernel, GUEST_VA + 0x1000);
    guests_run_as(second);
    ck_assert_uint_eq(this_cpu()->root.n, a.l4.n);
    guests_audit();
}
END_TEST

START_TEST(vcpus_that_are_not_there)
{
    const unsigned cmds[] = {VCPUOP_initialise,
                             VCPUOP_up,
                             VCPUOP_down,
                             VCPUOP_is_up,
                             VCPUOP_get_runstate_info,
                             VCPUOP_register_runstate_memory_area,
                             VCPUOP_set_periodic_timer,
                             VCPUOP_stop_periodic_timer,
                             VCPUOP_set_singleshot_timer,
                             VCPUOP_stop_singleshot_timer,
                             VCPUOP_register_vcpu_info,
                             VCPUOP_register_vcpu_time_memory_area};
    const unsigned ids[] = {2, 31, 32, 8191, 0x80000000u, ~0u};
    char args[64] = {0};

    for (unsigned c = 0; c < ARRAY_LEN(cmds); c++) {
        for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
            ck_assert_int_eq(call_vcpu(a.v, cmds[c], ids[i], args, sizeof(args)), -XEN_ENOENT);
        }
    }
}
END_TEST

START_TEST(pointers_that_lead_nowhere)
{
    const unsigned cmds[] = {VCPUOP_initialise,
                             VCPUOP_get_runstate_info,
                             VCPUOP_register_runstate_memory_area,
                             VCPUOP_set_periodic_timer,
                             VCPUOP_set_singleshot_timer,
                             VCPUOP_register_vcpu_info,
                             VCPUOP_register_vcpu_time_memory_area};

    for (unsigned c = 0; c < ARRAY_LEN(cmds); c++) {
        ck_assert_int_eq(call(a.v, __HYPERVISOR_vcpu_op, cmds[c], 1, GUEST_HOLE), -XEN_EFAULT);
        ck_assert_int_eq(call(a.v, __HYPERVISOR_vcpu_op, cmds[c], 1, HYPERVISOR_RANGE_START),
                         -XEN_EFAULT);
    }
}
END_TEST

START_TEST(what_is_absent_says_so)
{
    ck_assert_int_eq(plain(VCPUOP_send_nmi, 0), -XEN_ENOSYS);
    ck_assert_int_eq(plain(VCPUOP_get_physid, 0), -XEN_ENOSYS);
    ck_assert_int_eq(plain(99, 0), -XEN_ENOSYS);
}
END_TEST

static void refused(void)
{
    ck_assert_int_eq(initialise(1), -XEN_EINVAL);
    ck_assert(!second->initialised);
    context = guest_context(&a);
}

/* Nothing of a context that is refused is kept: the audits after each call count references. */
START_TEST(contexts_that_are_refused)
{
    context.ctrlreg[3] = xen_pfn_to_cr3(a.page[3].n); /* a page that is mapped writable */
    refused();
    context.ctrlreg[3] = xen_pfn_to_cr3(a.l3.n);
    refused();
    context.ctrlreg[3] = xen_pfn_to_cr3(b.l4.n);
    refused();
    context.ctrlreg[3] = xen_pfn_to_cr3(0xfffffffull);
    refused();
    context.ctrlreg[3] = 0;
    refused();
    context.ctrlreg[1] = xen_pfn_to_cr3(b.l4.n); /* the kernel's root was taken by then */
    refused();
    context.flags = VGCF_online; /* in user mode, without a root for it */
    refused();
    context.gdt_ents = 1;
    context.gdt_frames[0] = a.page[3].n;
    refused();
    context.gdt_ents = FIRST_RESERVED_GDT_ENTRY + 1;
    refused();
    context.gdt_ents = 1ull << 32;
    refused();
    context.ldt_ents = 8193;
    refused();
    context.ldt_ents = 1;
    context.ldt_base = HYPERVISOR_RANGE_START;
    refused();
    context.user_regs.rip = 0x800000000000ull;
    refused();
    context.syscall_callback_eip = 0x8000000000000000ull;
    refused();
    context.event_callback_eip = 0xffff7fffffffffffull;
    refused();
    context.trap_ctxt[255].address = 0x800000000000ull;
    refused();
    context.fs_base = 0x800000000000ull;
    refused();
    context.gs_base_kernel = 0x800000000000ull;
    refused();
    context.gs_base_user = 0x800000000000ull;
    refused();
    ck_assert_int_eq(initialise(1), 0);
}
END_TEST

static mfn_t new_page(void)
{
    mfn_t mfn = frame_alloc_domain(a.d);

    ck_assert(!mfn_equal(mfn, MFN_INVALID));
    return mfn;
}

/* Page tables that take more than one turn to validate. */
START_TEST(a_long_context_takes_turns)
{
    const pte_t flags = PTE_PRESENT | PTE_RW | PTE_USER;
    mfn_t l4 = new_page(), l3 = new_page(), l2 = new_page(), gdt = new_page();

    ((pte_t *)machine_map(l4))[0] = l3.n << PAGE_SHIFT | flags;
    ((pte_t *)machine_map(l3))[0] = l2.n << PAGE_SHIFT | flags;
    for (unsigned i = 0; i < DIRECT_L1_PAGES; i++) {
        mfn_t l1 = new_page();

        ((pte_t *)machine_map(l2))[i] = l1.n << PAGE_SHIFT | flags;
        for (unsigned n = 0; n < 512; n++) {
            ((pte_t *)machine_map(l1))[n] = a.page[n % GUEST_PAGES].n << PAGE_SHIFT | flags;
        }
    }
    context.ctrlreg[3] = xen_pfn_to_cr3(l4.n);
    context.gdt_ents = 16;
    context.gdt_frames[0] = gdt.n;
    ck_assert_int_eq(initialise(1), 0);
    ck_assert_uint_gt(call_turns, 3);
    ck_assert_uint_eq(second->gdt_ents, 16);
}
END_TEST

START_TEST(a_user_root_and_user_mode)
{
    context.flags = VGCF_online;
    context.ctrlreg[1] = xen_pfn_to_cr3(a.l4.n);
    ck_assert_int_eq(initialise(1), 0);
    ck_assert(!second->kernel_mode);
    ck_assert_uint_eq(second->guest_table_user.n, a.l4.n);
}
END_TEST

START_TEST(down_and_up_again)
{
    ck_assert_int_eq(initialise(1), 0);
    ck_assert_int_eq(plain(VCPUOP_up, 1), 0);
    ck_assert_int_eq(plain(VCPUOP_down, 1), 0);
    ck_assert_int_eq(plain(VCPUOP_is_up, 1), 0);
    ck_assert_int_eq(second->run, VCPU_OFFLINE);
    event_set_pending(second, 5); /* an event does not bring it back */
    ck_assert_int_eq(second->run, VCPU_OFFLINE);
    ck_assert_int_eq(plain(VCPUOP_up, 1), 0);
    ck_assert_int_eq(second->run, VCPU_RUNNABLE);
    ck_assert_int_eq(plain(VCPUOP_down, 0), 0); /* itself */
    ck_assert_ptr_ne(guests_exit(), a.v);
    ck_assert_int_eq(a.v->run, VCPU_OFFLINE);
    ck_assert(!a.d->is_shut_down);
}
END_TEST

START_TEST(the_last_one_down_is_a_poweroff)
{
    ck_assert_int_eq(plain(VCPUOP_down, 0), 0);
    ck_assert(a.d->is_shut_down);
    ck_assert_uint_eq(a.d->shutdown_reason, SHUTDOWN_poweroff);
    ck_assert_ptr_eq(guests_exit(), b.v);
}
END_TEST

START_TEST(runstate_counts_all_time)
{
    struct vcpu_runstate_info info;

    guests_run_as(a.v);
    guests_wait(7 * MS);
    memset(&info, 0xee, sizeof(info));
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_get_runstate_info, 0, &info, sizeof(info)), 0);
    ck_assert_int_eq(info.state, RUNSTATE_running);
    ck_assert_uint_eq(info.time[0] + info.time[1] + info.time[2] + info.time[3], guests_now());
    ck_assert_uint_ge(info.time[RUNSTATE_running], 7 * MS);
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_get_runstate_info, 1, &info, sizeof(info)), 0);
    ck_assert_int_eq(info.state, RUNSTATE_offline);
    ck_assert_uint_eq(info.time[RUNSTATE_offline], guests_now());
}
END_TEST

static evtchn_port_t timer_port(void)
{
    evtchn_bind_virq_t q = {.virq = VIRQ_TIMER};

    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_virq, q), 0);
    return q.port;
}

static bool take(evtchn_port_t port)
{
    bool was = event_2l_is_pending(a.d, port);

    event_2l_clear_pending(a.d, port);
    a.v->info->evtchn_pending_sel = 0;
    a.v->info->evtchn_upcall_pending = 0;
    return was;
}

static void pass(uint64_t ns)
{
    guests_wait(ns);
    guests_exit();
}

START_TEST(periodic_timer)
{
    struct vcpu_set_periodic_timer set = {.period_ns = MS - 1};
    evtchn_port_t port = timer_port();
    uint64_t begin;

    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_set_periodic_timer, 0, &set, sizeof(set)), -XEN_EINVAL);
    set.period_ns = ~0ull;
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_set_periodic_timer, 0, &set, sizeof(set)), -XEN_EINVAL);
    set.period_ns = INT64_MAX;
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_set_periodic_timer, 0, &set, sizeof(set)), -XEN_EINVAL);
    set.period_ns = 4 * MS;
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_set_periodic_timer, 0, &set, sizeof(set)), 0);
    begin = guests_now();
    for (unsigned i = 1; i <= 10; i++) {
        while (guests_now() < begin + i * 4 * MS) {
            ck_assert(!take(port));
            pass(MS);
        }
        ck_assert(take(port)); /* in step, whatever delays there were */
    }
    ck_assert_int_eq(plain(VCPUOP_stop_periodic_timer, 0), 0);
    for (unsigned i = 0; i < 20; i++) {
        pass(MS);
    }
    ck_assert(!take(port));
    ck_assert_int_eq(plain(VCPUOP_stop_periodic_timer, 0), 0);
}
END_TEST

START_TEST(missed_ticks_are_not_made_up_for)
{
    struct vcpu_set_periodic_timer set = {.period_ns = 4 * MS};
    evtchn_port_t port = timer_port();

    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_set_periodic_timer, 0, &set, sizeof(set)), 0);
    pass(100 * MS);
    ck_assert(take(port));
    ck_assert_uint_ge(a.v->periodic.when, guests_now());
}
END_TEST

START_TEST(single_shot)
{
    struct vcpu_set_singleshot_timer set = {.timeout_abs_ns = guests_now() + 5 * MS};
    evtchn_port_t port = timer_port();

    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_set_singleshot_timer, 0, &set, sizeof(set)), 0);
    pass(4 * MS);
    ck_assert(!take(port));
    pass(1 * MS);
    ck_assert(take(port));
    guests_run_as(a.v);
    guests_wait(1);
    set.flags = VCPU_SSHOTTMR_future;
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_set_singleshot_timer, 0, &set, sizeof(set)), -XEN_ETIME);
    guests_exit();
    ck_assert(!take(port));
    set.flags = 0; /* in the past: at once */
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_set_singleshot_timer, 0, &set, sizeof(set)), 0);
    guests_exit();
    ck_assert(take(port));
    set.timeout_abs_ns = guests_now() + 5 * MS;
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_set_singleshot_timer, 0, &set, sizeof(set)), 0);
    ck_assert_int_eq(plain(VCPUOP_stop_singleshot_timer, 0), 0);
    pass(10 * MS);
    ck_assert(!take(port));
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_set_singleshot_timer, 1, &set, sizeof(set)),
                     -XEN_EINVAL);
    ck_assert_int_eq(plain(VCPUOP_stop_singleshot_timer, 1), -XEN_EINVAL);
}
END_TEST

START_TEST(set_timer_op)
{
    evtchn_port_t port = timer_port();

    ck_assert_int_eq(call(a.v, __HYPERVISOR_set_timer_op, guests_now() + 5 * MS, 0, 0), 0);
    pass(5 * MS);
    ck_assert(take(port));
    ck_assert_int_eq(call(a.v, __HYPERVISOR_set_timer_op, guests_now() + 5 * MS, 0, 0), 0);
    ck_assert_int_eq(call(a.v, __HYPERVISOR_set_timer_op, 0, 0, 0), 0);
    pass(10 * MS);
    ck_assert(!take(port));
    ck_assert_int_eq(call(a.v, __HYPERVISOR_set_timer_op, 1, 0, 0), 0); /* long past */
    guests_exit();
    ck_assert(take(port));
    ck_assert_int_eq(call(a.v, __HYPERVISOR_set_timer_op, ~0ull, 0, 0), 0);
    pass(10 * MS);
    ck_assert(!take(port));
}
END_TEST

START_TEST(vcpu_info_moves)
{
    struct vcpu_register_vcpu_info reg = {.mfn = a.page[4].n, .offset = 0x40};
    vcpu_info_t *place = (vcpu_info_t *)((char *)guest_page(&a, 4) + 0x40);
    vcpu_info_t *old = a.v->info;
    uint32_t shared_version = old->time.version;

    old->arch.cr2 = 0x1234;
    old->evtchn_upcall_mask = 1;
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_vcpu_info, 0, &reg, sizeof(reg)), 0);
    ck_assert_ptr_eq(a.v->info, place);
    ck_assert_uint_eq(place->arch.cr2, 0x1234);
    ck_assert_int_eq(place->evtchn_upcall_mask, 1);
    ck_assert_int_eq(place->evtchn_upcall_pending, 1); /* so that nothing in between is missed */
    ck_assert_uint_eq(place->evtchn_pending_sel, ~0ul);
    ck_assert_uint_eq(place->time.version & 1, 0);
    ck_assert_uint_gt(place->time.version, shared_version);
    ck_assert_uint_eq(place->time.tsc_to_system_mul, machine_clock.tsc_to_system_mul);
    place->evtchn_upcall_pending = 0;
    place->evtchn_pending_sel = 0;
    old->evtchn_upcall_pending = 0;
    event_set_pending(a.v, 70);
    ck_assert_uint_eq(place->evtchn_pending_sel, 2);
    ck_assert_int_eq(place->evtchn_upcall_pending, 1);
    ck_assert_int_eq(old->evtchn_upcall_pending, 0);
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_vcpu_info, 0, &reg, sizeof(reg)),
                     -XEN_EINVAL); /* twice */
}
END_TEST

START_TEST(vcpu_info_refusals)
{
    struct vcpu_register_vcpu_info reg = {.mfn = a.page[4].n, .offset = PAGE_SIZE - 63};
    const uint64_t frames[] = {b.page[4].n,           a.l1.n, a.l4.n, 0, ~0ull, frame_limit,
                               b.d->shared_info_mfn.n};

    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_vcpu_info, 0, &reg, sizeof(reg)), -XEN_EINVAL);
    reg.offset = ~0u;
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_vcpu_info, 0, &reg, sizeof(reg)), -XEN_EINVAL);
    reg.offset = 4;
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_vcpu_info, 0, &reg, sizeof(reg)), -XEN_EINVAL);
    reg.offset = 0;
    for (unsigned i = 0; i < ARRAY_LEN(frames); i++) {
        reg.mfn = frames[i];
        ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_vcpu_info, 0, &reg, sizeof(reg)),
                         -XEN_EINVAL);
    }
    reg.mfn = a.page[4].n; /* of another vCPU only while that is down */
    reg.offset = PAGE_SIZE - 64;
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_vcpu_info, 1, &reg, sizeof(reg)), 0);
    ck_assert_int_eq(initialise(1), 0);
    ck_assert_int_eq(plain(VCPUOP_up, 1), 0);
    reg.offset = 128;
    guests_run_as(second);
    ck_assert_int_eq(call_vcpu(second, VCPUOP_register_vcpu_info, 0, &reg, sizeof(reg)),
                     -XEN_EINVAL);
}
END_TEST

START_TEST(time_area)
{
    struct vcpu_register_time_memory_area reg = {.addr.p = GUEST_VA + 5 * PAGE_SIZE + 8};
    struct vcpu_time_info *area = (struct vcpu_time_info *)((char *)guest_page(&a, 5) + 8);

    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_vcpu_time_memory_area, 0, &reg, sizeof(reg)),
                     0);
    ck_assert_uint_eq(area->version & 1, 0);
    ck_assert_uint_ne(area->version, 0);
    ck_assert_uint_eq(area->tsc_to_system_mul, machine_clock.tsc_to_system_mul);
    ck_assert_uint_eq(area->tsc_timestamp, machine_clock.tsc_base);
    memset(area, 0, sizeof(*area));
    reg.addr.p = 0;
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_vcpu_time_memory_area, 0, &reg, sizeof(reg)),
                     0);
    ck_assert_uint_eq(area->version, 0);
    /* Another vCPU's is written when that one runs. */
    ck_assert_int_eq(initialise(1), 0);
    ck_assert_int_eq(plain(VCPUOP_up, 1), 0);
    reg.addr.p = GUEST_VA + 5 * PAGE_SIZE + 8;
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_vcpu_time_memory_area, 1, &reg, sizeof(reg)),
                     0);
    guests_run_as(second);
    ck_assert_uint_eq(area->tsc_to_system_mul, machine_clock.tsc_to_system_mul);
}
END_TEST

START_TEST(areas_in_the_hypervisors_range)
{
    struct vcpu_register_time_memory_area reg = {.addr.p = HYPERVISOR_RANGE_START - 16};

    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(
            call_vcpu(a.v, VCPUOP_register_vcpu_time_memory_area, 0, &reg, sizeof(reg)),
            -XEN_EFAULT);
        ck_assert_int_eq(call_vcpu(a.v, VCPUOP_register_runstate_memory_area, 0, &reg, sizeof(reg)),
                         -XEN_EFAULT);
        reg.addr.p = HYPERVISOR_RANGE_END - 8;
    }
    ck_assert_uint_eq(a.v->runstate_area, 0);
    ck_assert_uint_eq(a.v->time_area, 0);
}
END_TEST

static void add(TCase *tc)
{
    tcase_add_checked_fixture(tc, start, NULL);
    tcase_add_test(tc, bring_up);
    tcase_add_test(tc, vcpus_that_are_not_there);
    tcase_add_test(tc, pointers_that_lead_nowhere);
    tcase_add_test(tc, what_is_absent_says_so);
    tcase_add_test(tc, contexts_that_are_refused);
    tcase_add_test(tc, a_long_context_takes_turns);
    tcase_add_test(tc, a_user_root_and_user_mode);
    tcase_add_test(tc, down_and_up_again);
    tcase_add_test(tc, the_last_one_down_is_a_poweroff);
    tcase_add_test(tc, runstate_counts_all_time);
    tcase_add_test(tc, periodic_timer);
    tcase_add_test(tc, missed_ticks_are_not_made_up_for);
    tcase_add_test(tc, single_shot);
    tcase_add_test(tc, set_timer_op);
    tcase_add_test(tc, vcpu_info_moves);
    tcase_add_test(tc, vcpu_info_refusals);
    tcase_add_test(tc, time_area);
    tcase_add_test(tc, areas_in_the_hypervisors_range);
}

int main(void)
{
    return unit_main("vcpu", add);
}
