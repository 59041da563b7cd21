/* SPDX-License-Identifier: MIT */
/* Does vcpu_op answer for present and absent vCPUs, and does a second vCPU run? */
#include "guest.h"

#define ABSENT 31u
#define SECOND_LIMIT_NS 5000000000ul

static vcpu_guest_context_t context;
static char second_stack[8192] PAGE_ALIGNED;
static vcpu_info_t second_info;
static struct vcpu_runstate_info runstate;
static struct vcpu_time_info time_area;
static volatile unsigned second_rounds;

static void second_main(void)
{
    second_rounds++;
    hc_vcpuop_down(1);
    second_rounds++; /* brought up again: it goes on where it was */
    for (;;) {
        hc_vcpuop_down(1);
    }
}

static void absent(void)
{
    struct vcpu_runstate_info info;
    vcpu_register_runstate_memory_area_t area = {.addr.v = &runstate};
    vcpu_register_time_memory_area_t when = {.addr.v = &time_area};
    vcpu_set_periodic_timer_t periodic = {.period_ns = 10000000};
    vcpu_set_singleshot_timer_t single = {.timeout_abs_ns = 1};
    vcpu_register_vcpu_info_t place = {.mfn = mfn_of(&second_info)};
    static const unsigned ids[] = {ABSENT, 32, 4096, ~0u};

    for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
        IS(hc_vcpuop_is_up(ids[i]), -XEN_ENOENT);
        IS(hc_vcpuop_up(ids[i]), -XEN_ENOENT);
        IS(hc_vcpuop_down(ids[i]), -XEN_ENOENT);
        IS(hc_vcpuop_initialise(ids[i], &context), -XEN_ENOENT);
        IS(hc_vcpuop_get_runstate_info(ids[i], &info), -XEN_ENOENT);
        IS(hc_vcpuop_register_runstate_memory_area(ids[i], &area), -XEN_ENOENT);
        IS(hc_vcpuop_register_vcpu_time_memory_area(ids[i], &when), -XEN_ENOENT);
        IS(hc_vcpuop_set_periodic_timer(ids[i], &periodic), -XEN_ENOENT);
        IS(hc_vcpuop_stop_periodic_timer(ids[i]), -XEN_ENOENT);
        IS(hc_vcpuop_set_singleshot_timer(ids[i], &single), -XEN_ENOENT);
        IS(hc_vcpuop_stop_singleshot_timer(ids[i]), -XEN_ENOENT);
        IS(hc_vcpuop_register_vcpu_info(ids[i], &place), -XEN_ENOENT);
    }
}

static void own(void)
{
    struct vcpu_runstate_info info;
    vcpu_register_runstate_memory_area_t area = {.addr.v = &runstate};
    vcpu_register_time_memory_area_t when = {.addr.v = &time_area};
    vcpu_set_periodic_timer_t periodic = {.period_ns = 10000000}, fast = {.period_ns = 1},
                              slow = {.period_ns = ~0ul};
    vcpu_set_singleshot_timer_t past = {.timeout_abs_ns = 1, .flags = VCPU_SSHOTTMR_future},
                                ahead = {.timeout_abs_ns = pv_time_ns() + 1000000000ul,
                                         .flags = VCPU_SSHOTTMR_future};

    IS(hc_vcpuop_is_up(0), 1);
    IS(hc_vcpuop_up(0), 0);
    IS(hc_vcpuop_initialise(0, &context), -XEN_EEXIST);
    IS(hc_vcpuop_get_runstate_info(0, &info), 0);
    IS(info.state, RUNSTATE_running);
    IS(hc_vcpuop_register_runstate_memory_area(0, &area), 0);
    OK(runstate.state_entry_time != 0);
    area.addr.v = (struct vcpu_runstate_info *)HYPERVISOR_VIRT_START;
    IS(hc_vcpuop_register_runstate_memory_area(0, &area), -XEN_EFAULT);
    area.addr.v = (struct vcpu_runstate_info *)8; /* the guest's, but nothing there: no harm */
    IS(hc_vcpuop_register_runstate_memory_area(0, &area), 0);
    IS(hc_schedop_yield(), 0);
    IS(hc_vcpuop_register_vcpu_time_memory_area(0, &when), 0);
    OK(time_area.tsc_to_system_mul != 0);
    when.addr.v = (struct vcpu_time_info *)~0ul;
    IS(hc_vcpuop_register_vcpu_time_memory_area(0, &when), -XEN_EFAULT);
    IS(hc_vcpuop_set_periodic_timer(0, &fast), -XEN_EINVAL);
    IS(hc_vcpuop_set_periodic_timer(0, &slow), -XEN_EINVAL);
    IS(hc_vcpuop_set_periodic_timer(0, &periodic), 0);
    IS(hc_vcpuop_stop_periodic_timer(0), 0);
    IS(hc_vcpuop_set_singleshot_timer(0, &past), -XEN_ETIME);
    IS(hc_vcpuop_set_singleshot_timer(0, &ahead), 0);
    IS(hc_vcpuop_stop_singleshot_timer(0), 0);
}

static void places(void)
{
    vcpu_register_vcpu_info_t place = {.mfn = mfn_of(&second_info), .offset = 4090};

    IS(hc_vcpuop_register_vcpu_info(1, &place), -XEN_EINVAL);
    place.offset = 4;
    IS(hc_vcpuop_register_vcpu_info(1, &place), -XEN_EINVAL);
    place.offset = ~0u & ~7u;
    IS(hc_vcpuop_register_vcpu_info(1, &place), -XEN_EINVAL);
    place.offset = 0;
    place.mfn = 0x100;
    IS(hc_vcpuop_register_vcpu_info(1, &place), -XEN_EINVAL);
    place.mfn = table_of((uint64_t)&place, 1);
    IS(hc_vcpuop_register_vcpu_info(1, &place), -XEN_EINVAL);
    place.mfn = mfn_of(&second_info);
    place.offset = (uint64_t)&second_info & (PAGE - 1) & ~7ul;
    IS(hc_vcpuop_register_vcpu_info(1, &place), 0);
    IS(hc_vcpuop_register_vcpu_info(1, &place), -XEN_EINVAL); /* once */
}

static void bad_contexts(void)
{
    uint64_t root = context.ctrlreg[3];

    IS(hc_vcpuop_up(1), -XEN_EINVAL);
    IS(pv_hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, 8), -XEN_EFAULT);
    context.ctrlreg[3] = xen_pfn_to_cr3(0x100);
    IS(hc_vcpuop_initialise(1, &context), -XEN_EINVAL);
    context.ctrlreg[3] = xen_pfn_to_cr3(mfn_of(second_stack));
    IS(hc_vcpuop_initialise(1, &context), -XEN_EINVAL);
    context.ctrlreg[3] = root;
    context.flags = 0; /* user mode with no user root */
    IS(hc_vcpuop_initialise(1, &context), -XEN_EINVAL);
    context.flags = VGCF_in_kernel;
    context.gdt_ents = 65536;
    IS(hc_vcpuop_initialise(1, &context), -XEN_EINVAL);
    context.gdt_ents = 512;
    context.gdt_frames[0] = 0x100;
    IS(hc_vcpuop_initialise(1, &context), -XEN_EINVAL);
    context.gdt_ents = 0;
    context.event_callback_eip = 0x0000800000000000ul;
    IS(hc_vcpuop_initialise(1, &context), -XEN_EINVAL);
    context.event_callback_eip = (uint64_t)guest_event_entry;
    context.ldt_ents = 100000;
    IS(hc_vcpuop_initialise(1, &context), -XEN_EINVAL);
    context.ldt_ents = 0;
}

static bool second_goes(unsigned rounds)
{
    uint64_t until = pv_time_ns() + SECOND_LIMIT_NS;

    while ((second_rounds < rounds || hc_vcpuop_is_up(1) != 0) && pv_time_ns() < until) {
        hc_schedop_yield();
    }
    return second_rounds == rounds;
}

static void second(void)
{
    struct vcpu_runstate_info info;
    vcpu_set_singleshot_timer_t single = {.timeout_abs_ns = 1};

    context.flags = VGCF_in_kernel;
    context.user_regs.rip = (uint64_t)second_main;
    context.user_regs.rsp = (uint64_t)second_stack + sizeof(second_stack) - 8;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    context.user_regs.rflags = 0x200;
    context.kernel_ss = FLAT_KERNEL_SS;
    context.kernel_sp = context.user_regs.rsp;
    context.ctrlreg[3] = xen_pfn_to_cr3(table_of((uint64_t)&context, 4));
    places();
    bad_contexts();
    IS(hc_vcpuop_is_up(1), 0);
    IS(hc_vcpuop_initialise(1, &context), 0);
    IS(hc_vcpuop_initialise(1, &context), -XEN_EEXIST);
    IS(second_rounds, 0);
    IS(hc_vcpuop_set_singleshot_timer(1, &single), -XEN_EINVAL);
    IS(hc_vcpuop_stop_singleshot_timer(1), -XEN_EINVAL);
    IS(hc_vcpuop_up(1), 0);
    OK(second_goes(1));
    IS(hc_vcpuop_get_runstate_info(1, &info), 0);
    IS(info.state, RUNSTATE_offline);
    IS(hc_vcpuop_up(1), 0);
    OK(second_goes(2));
    IS(hc_vcpuop_down(1), 0);
}

static void pointers(void)
{
    static const unsigned char ops[] = {
        VCPUOP_get_runstate_info,  VCPUOP_register_runstate_memory_area,
        VCPUOP_set_periodic_timer, VCPUOP_set_singleshot_timer,
        VCPUOP_register_vcpu_info, VCPUOP_register_vcpu_time_memory_area};

    for (unsigned i = 0; i < ARRAY_LEN(ops); i++) {
        IS(pv_hypercall3(__HYPERVISOR_vcpu_op, ops[i], 0, 8), -XEN_EFAULT);
        IS(pv_hypercall3(__HYPERVISOR_vcpu_op, ops[i], 0, HYPERVISOR_VIRT_START), -XEN_EFAULT);
    }
    IS(pv_hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_send_nmi, 0, 0), -XEN_ENOSYS);
    OK(pv_hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_get_physid, 0, 0) < 0);
    IS(pv_hypercall3(__HYPERVISOR_vcpu_op, 99, 0, 0), -XEN_ENOSYS);
}

void guest_test(void)
{
    absent();
    own();
    pointers();
    if (hc_vcpuop_is_up(1) == -XEN_ENOENT) {
        guest_verdict("SKIP", "there is one vCPU only");
    }
    second();
}
