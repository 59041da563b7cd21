/* SPDX-License-Identifier: MIT */
/* Do event channels of a domain that is alone answer as their rows say? */
#include "guest.h"

#define ANY_PORT 4095 /* open to nobody */

static domid_t own;

static evtchn_port_t unbound_port(domid_t remote)
{
    evtchn_alloc_unbound_t a = {.dom = SELF, .remote_dom = remote};

    IS(hc_evtchnop_alloc_unbound(&a), 0);
    OK(a.port != 0);
    return a.port;
}

static long close_port(evtchn_port_t port)
{
    evtchn_close_t c = {.port = port};

    return hc_evtchnop_close(&c);
}

static long send(evtchn_port_t port)
{
    evtchn_send_t s = {.port = port};

    return hc_evtchnop_send(&s);
}

static long status_of(evtchn_port_t port, evtchn_status_t *s)
{
    *s = (evtchn_status_t){.dom = SELF, .port = port};
    return hc_evtchnop_status(s);
}

static bool pending(evtchn_port_t port)
{
    return pv_shared_info->evtchn_pending[port / 64] >> (port % 64) & 1;
}

static void unbound_and_interdomain(void)
{
    evtchn_alloc_unbound_t a = {.dom = 77, .remote_dom = SELF};
    evtchn_bind_interdomain_t b = {.remote_dom = SELF};
    evtchn_bind_vcpu_t bind = {.vcpu = 0};
    evtchn_port_t port = unbound_port(SELF);
    evtchn_status_t s;

    IS(hc_evtchnop_alloc_unbound(&a), -XEN_ESRCH);
    IS(status_of(port, &s), 0);
    IS(s.status, EVTCHNSTAT_unbound);
    IS(s.u.unbound.dom, own);
    IS(send(port), 0); /* nobody listens */
    b.remote_port = port;
    IS(hc_evtchnop_bind_interdomain(&b), 0);
    IS(status_of(port, &s), 0);
    IS(s.status, EVTCHNSTAT_interdomain);
    IS(s.u.interdomain.port, b.local_port);
    IS(send(port), 0);
    OK(pending(b.local_port) && !pending(port));
    IS(send(b.local_port), 0);
    OK(pending(port));
    bind.port = port;
    IS(hc_evtchnop_bind_vcpu(&bind), 0);
    bind.vcpu = 5000;
    IS(hc_evtchnop_bind_vcpu(&bind), -XEN_ENOENT);
    IS(hc_evtchnop_bind_interdomain(&b), -XEN_EINVAL); /* no longer on offer */
    b.remote_port = ANY_PORT;
    IS(hc_evtchnop_bind_interdomain(&b), -XEN_EINVAL);
    b.remote_port = ~0u;
    IS(hc_evtchnop_bind_interdomain(&b), -XEN_EINVAL);
    b.remote_dom = 77;
    IS(hc_evtchnop_bind_interdomain(&b), -XEN_ESRCH);
    IS(close_port(port), 0);
    IS(close_port(port), -XEN_EINVAL);
    port = unbound_port(77); /* for somebody who may come yet */
    b = (evtchn_bind_interdomain_t){.remote_dom = SELF, .remote_port = port};
    IS(hc_evtchnop_bind_interdomain(&b), -XEN_EINVAL);
    IS(close_port(port), 0);
}

static void virq_and_ipi(void)
{
    evtchn_bind_virq_t v = {.virq = VIRQ_TIMER}, none = {.virq = 999},
                       console = {.virq = VIRQ_CONSOLE};
    evtchn_bind_ipi_t i = {.vcpu = 0}, absent = {.vcpu = 31};
    evtchn_bind_vcpu_t bind = {.vcpu = 0};
    evtchn_status_t s;

    IS(hc_evtchnop_bind_virq(&v), 0);
    IS(status_of(v.port, &s), 0);
    IS(s.status, EVTCHNSTAT_virq);
    IS(s.u.virq, VIRQ_TIMER);
    IS(hc_evtchnop_bind_virq(&v), -XEN_EEXIST);
    IS(send(v.port), -XEN_EINVAL);
    bind.port = v.port;
    IS(hc_evtchnop_bind_vcpu(&bind), -XEN_EINVAL); /* timers belong to their vCPU */
    IS(close_port(v.port), 0);
    IS(hc_evtchnop_bind_virq(&none), -XEN_EINVAL);
    IS(hc_evtchnop_bind_virq(&console), -XEN_EPERM);
    console.vcpu = 31;
    IS(hc_evtchnop_bind_virq(&console), -XEN_ENOENT);
    IS(hc_evtchnop_bind_ipi(&i), 0);
    IS(status_of(i.port, &s), 0);
    IS(s.status, EVTCHNSTAT_ipi);
    IS(send(i.port), 0);
    OK(pending(i.port));
    bind.port = i.port;
    IS(hc_evtchnop_bind_vcpu(&bind), -XEN_EINVAL);
    IS(hc_evtchnop_bind_ipi(&absent), -XEN_ENOENT);
    IS(close_port(i.port), 0);
}

static void bad_ports(void)
{
    static const evtchn_port_t ports[] = {0, ANY_PORT, 4096, 131072, ~0u};
    evtchn_unmask_t unmask;
    evtchn_bind_vcpu_t bind = {.vcpu = 0};
    evtchn_status_t s;

    for (unsigned i = 0; i < ARRAY_LEN(ports); i++) {
        unmask.port = bind.port = ports[i];
        IS(send(ports[i]), -XEN_EINVAL);
        IS(close_port(ports[i]), -XEN_EINVAL);
        IS(hc_evtchnop_unmask(&unmask), -XEN_EINVAL);
        IS(hc_evtchnop_bind_vcpu(&bind), -XEN_EINVAL);
    }
    IS(status_of(ANY_PORT, &s), 0);
    IS(s.status, EVTCHNSTAT_closed);
    IS(status_of(~0u, &s), -XEN_EINVAL);
    s.dom = 77;
    IS(hc_evtchnop_status(&s), -XEN_ESRCH);
    unmask.port = unbound_port(SELF);
    IS(hc_evtchnop_unmask(&unmask), 0);
    IS(close_port(unmask.port), 0);
}

/* The console's port is served by the hypervisor and stays. */
static void console_port(void)
{
    evtchn_port_t port = pv_start_info->console.domU.evtchn;

    IS(send(port), 0);
    IS(close_port(port), -XEN_EINVAL);
}

static void all_ports(void)
{
    evtchn_alloc_unbound_t a = {.dom = SELF, .remote_dom = SELF};
    evtchn_bind_interdomain_t inter = {.remote_dom = SELF};
    evtchn_bind_virq_t virq = {.virq = VIRQ_TIMER};
    evtchn_bind_ipi_t ipi = {.vcpu = 0};
    evtchn_reset_t reset = {.dom = SELF}, other = {.dom = 77};
    unsigned count = 0;

    while (hc_evtchnop_alloc_unbound(&a) == 0 && count < 5000) {
        inter.remote_port = a.port;
        count++;
    }
    OK(count > 4000 && count < 4096);
    IS(hc_evtchnop_alloc_unbound(&a), -XEN_ENOSPC);
    IS(hc_evtchnop_bind_interdomain(&inter), -XEN_ENOSPC);
    IS(hc_evtchnop_bind_virq(&virq), -XEN_ENOSPC);
    IS(hc_evtchnop_bind_ipi(&ipi), -XEN_ENOSPC);
    IS(hc_evtchnop_reset(&other), -XEN_EPERM);
    IS(hc_evtchnop_reset(&reset), 0);
    IS(hc_evtchnop_bind_ipi(&ipi), 0);
}

static void pointers(void)
{
    static const unsigned char ops[] = {
        EVTCHNOP_bind_interdomain, EVTCHNOP_bind_virq, EVTCHNOP_close,     EVTCHNOP_send,
        EVTCHNOP_status,           EVTCHNOP_bind_ipi,  EVTCHNOP_bind_vcpu, EVTCHNOP_unmask,
        EVTCHNOP_alloc_unbound,    EVTCHNOP_reset};

    for (unsigned i = 0; i < ARRAY_LEN(ops); i++) {
        IS(pv_hypercall2(__HYPERVISOR_event_channel_op, ops[i], 8), -XEN_EFAULT);
        IS(pv_hypercall2(__HYPERVISOR_event_channel_op, ops[i], ~0ul - 4), -XEN_EFAULT);
    }
    IS(pv_hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_init_control, 0), -XEN_ENOSYS);
    IS(pv_hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_expand_array, 0), -XEN_ENOSYS);
    IS(pv_hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_set_priority, 0), -XEN_ENOSYS);
    IS(pv_hypercall2(__HYPERVISOR_event_channel_op, 99, 0), -XEN_ENOSYS);
}

void guest_test(void)
{
    own = guest_domid();
    unbound_and_interdomain();
    virq_and_ipi();
    bad_ports();
    console_port();
    pointers();
    all_ports();
}
