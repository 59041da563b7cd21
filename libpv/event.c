/* SPDX-License-Identifier: MIT */
/* Event channels, 2-level: binding, masking and the dispatch loop. */
#include <pv/event.h>
#include <pv/hypercall_stubs.h>
#include <pv/start.h>

#define PORTS 4096

static struct {
    pv_event_handler handler;
    void *arg;
} handlers[PORTS];

static vcpu_info_t *vcpu_info(void)
{
    return &pv_shared_info->vcpu_info[0];
}

void pv_event_init(void)
{
    for (unsigned i = 0; i < 64; i++) {
        pv_shared_info->evtchn_mask[i] = ~0ul;
    }
}

int pv_bind_port(evtchn_port_t port, pv_event_handler handler, void *arg)
{
    if (port == 0 || port >= PORTS) {
        return -XEN_EINVAL;
    }
    handlers[port].handler = handler;
    handlers[port].arg = arg;
    pv_event_unmask(port);
    return (int)port;
}

int pv_bind_virq(unsigned virq, pv_event_handler handler, void *arg)
{
    evtchn_bind_virq_t bind = {.virq = virq, .vcpu = 0};
    long err = hc_evtchnop_bind_virq(&bind);

    return err ? (int)err : pv_bind_port(bind.port, handler, arg);
}

int pv_bind_ipi(pv_event_handler handler, void *arg)
{
    evtchn_bind_ipi_t bind = {.vcpu = 0};
    long err = hc_evtchnop_bind_ipi(&bind);

    return err ? (int)err : pv_bind_port(bind.port, handler, arg);
}

void pv_event_close(evtchn_port_t port)
{
    evtchn_close_t close = {.port = port};

    pv_event_mask(port);
    handlers[port].handler = 0;
    hc_evtchnop_close(&close);
}

void pv_event_mask(evtchn_port_t port)
{
    __atomic_fetch_or(&pv_shared_info->evtchn_mask[port / 64], 1ul << (port % 64),
                      __ATOMIC_SEQ_CST);
}

void pv_event_unmask(evtchn_port_t port)
{
    evtchn_unmask_t unmask = {.port = port};

    hc_evtchnop_unmask(&unmask);
}

int pv_event_send(evtchn_port_t port)
{
    evtchn_send_t send = {.port = port};

    return (int)hc_evtchnop_send(&send);
}

static void dispatch_word(unsigned word)
{
    unsigned long pending =
        __atomic_load_n(&pv_shared_info->evtchn_pending[word], __ATOMIC_SEQ_CST) &
        ~__atomic_load_n(&pv_shared_info->evtchn_mask[word], __ATOMIC_SEQ_CST);

    while (pending) {
        unsigned bit = (unsigned)__builtin_ctzl(pending);
        evtchn_port_t port = word * 64 + bit;

        pending &= pending - 1;
        __atomic_fetch_and(&pv_shared_info->evtchn_pending[word], ~(1ul << bit), __ATOMIC_SEQ_CST);
        if (handlers[port].handler) {
            handlers[port].handler(port, handlers[port].arg);
        }
    }
}

void pv_event_dispatch(void)
{
    vcpu_info_t *v = vcpu_info();

    while (__atomic_exchange_n(&v->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST)) {
        unsigned long selector = __atomic_exchange_n(&v->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);

        while (selector) {
            dispatch_word((unsigned)__builtin_ctzl(selector));
            selector &= selector - 1;
        }
    }
}

unsigned pv_events_disable(void)
{
    return __atomic_exchange_n(&vcpu_info()->evtchn_upcall_mask, 1, __ATOMIC_SEQ_CST);
}

void pv_events_restore(unsigned old)
{
    if (old) {
        return;
    }
    __atomic_store_n(&vcpu_info()->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&vcpu_info()->evtchn_upcall_pending, __ATOMIC_SEQ_CST)) {
        hc_xenver_version(); /* any hypercall delivers on its way out */
    }
}

void pv_events_wait(void)
{
    hc_schedop_block();
}
