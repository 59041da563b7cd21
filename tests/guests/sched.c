/* SPDX-License-Identifier: MIT */
/* Do sleeping, polling, timers and watchdogs of one vCPU behave, and shutdown refuse nonsense? */
#include "guest.h"

#define MS 1000000ul
#define FOREVER (pv_time_ns() + 60000 * MS)

static evtchn_port_t timer_port;

static void on_timer(evtchn_port_t port, void *arg)
{
    (void)port, (void)arg;
}

static long poll_one(evtchn_port_t port, uint64_t until)
{
    static evtchn_port_t ports[1];
    sched_poll_t p = {.nr_ports = 1, .timeout = until};

    ports[0] = port;
    set_xen_guest_handle(p.ports, ports);
    return hc_schedop_poll(&p);
}

static void polling(void)
{
    static evtchn_port_t many[129];
    sched_poll_t p = {.nr_ports = 129, .timeout = 1};
    evtchn_bind_ipi_t ipi = {.vcpu = 0};
    evtchn_send_t send;
    uint64_t start = pv_time_ns();

    IS(hc_evtchnop_bind_ipi(&ipi), 0);
    IS(poll_one(ipi.port, start + 20 * MS), 0);
    OK(pv_time_ns() - start >= 20 * MS);
    start = pv_time_ns();
    send.port = ipi.port;
    IS(hc_evtchnop_send(&send), 0);
    IS(poll_one(ipi.port, FOREVER), 0);
    OK(pv_time_ns() - start < 5000 * MS);
    pv_event_close(ipi.port);
    IS(poll_one(0, 1), 0); /* long ago */
    IS(poll_one(4096, FOREVER), -XEN_EINVAL);
    IS(poll_one(~0u, FOREVER), -XEN_EINVAL);
    set_xen_guest_handle(p.ports, many);
    IS(hc_schedop_poll(&p), -XEN_EINVAL);
    p.nr_ports = ~0u;
    IS(hc_schedop_poll(&p), -XEN_EINVAL);
    p.nr_ports = 1;
    set_xen_guest_handle(p.ports, (evtchn_port_t *)8);
    IS(hc_schedop_poll(&p), -XEN_EFAULT);
    set_xen_guest_handle(p.ports, (evtchn_port_t *)HYPERVISOR_VIRT_START);
    p.nr_ports = 2;
    IS(hc_schedop_poll(&p), -XEN_EFAULT);
}

static void sleeping(void)
{
    uint64_t start = pv_time_ns();
    unsigned upcalls = guest_upcalls;

    IS(hc_set_timer_op(start + 20 * MS), 0);
    pv_events_wait();
    OK(pv_time_ns() - start >= 20 * MS);
    OK(guest_upcalls > upcalls);
    pv_events_disable();
    /* In the past, stopped, and so far ahead that it never comes. */
    start = pv_time_ns();
    IS(hc_set_timer_op(1), 0);
    pv_events_wait();
    pv_events_disable();
    OK(pv_time_ns() - start < 5000 * MS);
    IS(hc_set_timer_op(0), 0);
    IS(hc_set_timer_op(~0ul), 0);
    IS(poll_one(timer_port, pv_time_ns() + 30 * MS), 0);
    IS(hc_set_timer_op(1ul << 63), 0);
    IS(poll_one(timer_port, pv_time_ns() + 30 * MS), 0);
    IS(hc_set_timer_op(0), 0);
    for (unsigned i = 0; i < 100; i++) {
        IS(hc_schedop_yield(), 0);
    }
}

static long watchdog(uint32_t id, uint32_t timeout)
{
    sched_watchdog_t w = {.id = id, .timeout = timeout};

    return hc_schedop_watchdog(&w);
}

static void watchdogs(void)
{
    long first, second;

    IS(watchdog(0, 0), -XEN_EINVAL);
    IS(watchdog(1, 10), -XEN_ENOENT);
    IS(watchdog(99, 10), -XEN_EINVAL);
    IS(watchdog(~0u, 0), -XEN_EINVAL);
    first = watchdog(0, 100);
    second = watchdog(0, 100);
    OK(first > 0 && second > 0 && first != second);
    IS(watchdog(0, 100), -XEN_ENOSPC);
    IS(watchdog((uint32_t)first, 200), 0);
    IS(watchdog((uint32_t)first, 0), 0);
    IS(watchdog((uint32_t)first, 0), -XEN_ENOENT);
    IS(watchdog((uint32_t)second, 0), 0);
}

static void refusals(void)
{
    sched_shutdown_t none = {.reason = 99};
    static const unsigned char absent[] = {SCHEDOP_remote_shutdown, SCHEDOP_shutdown_code,
                                           SCHEDOP_pin_override};

    IS(hc_schedop_shutdown(&none), -XEN_EINVAL);
    IS(pv_hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, 8), -XEN_EFAULT);
    IS(pv_hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, ~0ul), -XEN_EFAULT);
    IS(pv_hypercall2(__HYPERVISOR_sched_op, SCHEDOP_watchdog, 8), -XEN_EFAULT);
    for (unsigned i = 0; i < ARRAY_LEN(absent); i++) {
        long err = pv_hypercall2(__HYPERVISOR_sched_op, absent[i], 0);

        OK(err == -XEN_ENOSYS || err == -XEN_EPERM);
    }
    IS(pv_hypercall2(__HYPERVISOR_sched_op, 99, 0), -XEN_ENOSYS);
}

void guest_test(void)
{
    int port = pv_bind_virq(VIRQ_TIMER, on_timer, NULL);

    if (port < 0) {
        guest_verdict("ERROR", "no timer");
    }
    timer_port = (evtchn_port_t)port;
    polling();
    sleeping();
    watchdogs();
    refusals();
}
