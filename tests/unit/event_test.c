/* SPDX-License-Identifier: MIT */
/* event.c, event_op.c, event_2l.c: the life of event channels, delivery, and every refusal. */
#include "event.h"
#include "guests.h"
#include "sched.h"

static struct guest a, b, control;

static void start(void)
{
    guests_start();
    control = guest_make(0, 1, true);
    a = guest_make(1, 2, false);
    b = guest_make(2, 1, false);
    for (unsigned i = 0; i < 2; i++) {
        a.d->vcpu[i]->info->evtchn_upcall_mask = 0;
    }
}

static evtchn_port_t unbound(struct vcpu *v, domid_t remote)
{
    evtchn_alloc_unbound_t u = {.dom = DOMID_SELF, .remote_dom = remote};

    ck_assert_int_eq(event_op(v, EVTCHNOP_alloc_unbound, u), 0);
    return u.port;
}

static evtchn_port_t bind(struct vcpu *v, domid_t remote, evtchn_port_t port)
{
    evtchn_bind_interdomain_t i = {.remote_dom = remote, .remote_port = port};

    ck_assert_int_eq(event_op(v, EVTCHNOP_bind_interdomain, i), 0);
    return i.local_port;
}

static evtchn_port_t virq(struct vcpu *v, uint32_t number)
{
    evtchn_bind_virq_t q = {.virq = number, .vcpu = v->id};

    ck_assert_int_eq(event_op(v, EVTCHNOP_bind_virq, q), 0);
    return q.port;
}

static evtchn_port_t ipi(struct vcpu *v, uint32_t vcpu)
{
    evtchn_bind_ipi_t i = {.vcpu = vcpu};

    ck_assert_int_eq(event_op(v, EVTCHNOP_bind_ipi, i), 0);
    return i.port;
}

static long op_port(struct vcpu *v, unsigned cmd, evtchn_port_t port)
{
    evtchn_send_t s = {.port = port}; /* send, close and unmask are the same structure */

    return event_op(v, cmd, s);
}

static evtchn_status_t status(struct vcpu *v, domid_t dom, evtchn_port_t port)
{
    evtchn_status_t s = {.dom = dom, .port = port};

    ck_assert_int_eq(event_op(v, EVTCHNOP_status, s), 0);
    return s;
}

static bool pending(const struct guest *g, evtchn_port_t port)
{
    return event_2l_is_pending(g->d, port);
}

/* The guest looks: takes what is pending, as its upcall handler does. */
static void take_all(struct guest *g)
{
    memset(g->d->shared_info->evtchn_pending, 0, sizeof(g->d->shared_info->evtchn_pending));
    for (unsigned i = 0; i < g->d->vcpu_count; i++) {
        g->d->vcpu[i]->info->evtchn_pending_sel = 0;
        g->d->vcpu[i]->info->evtchn_upcall_pending = 0;
    }
}

START_TEST(a_pair_sends_both_ways)
{
    evtchn_port_t theirs = unbound(b.v, 1), ours = bind(a.v, 2, theirs);

    ck_assert(pending(&a, ours)); /* binding makes the binder look once */
    take_all(&a);
    ck_assert(!pending(&b, theirs));
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_send, ours), 0);
    ck_assert(pending(&b, theirs));
    ck_assert_int_eq(b.v->info->evtchn_upcall_pending, 1);
    ck_assert_uint_eq(b.v->info->evtchn_pending_sel, 1);
    ck_assert(!event_upcall_due(b.v)); /* start of day: upcalls are masked */
    ck_assert_int_eq(op_port(b.v, EVTCHNOP_send, theirs), 0);
    ck_assert(pending(&a, ours) && event_upcall_due(a.v));
}
END_TEST

START_TEST(a_pair_within_a_domain)
{
    evtchn_port_t one = unbound(a.v, DOMID_SELF), two = bind(a.v, DOMID_SELF, one);

    ck_assert_uint_ne(one, two);
    take_all(&a);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_send, two), 0);
    ck_assert(pending(&a, one) && !pending(&a, two));
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_close, one), 0);
    ck_assert_uint_eq(status(a.v, DOMID_SELF, two).status, EVTCHNSTAT_unbound);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_close, two), 0);
}
END_TEST

START_TEST(masked_and_repeated_events_make_no_upcall)
{
    evtchn_port_t port = ipi(a.v, 0);

    a.d->shared_info->evtchn_mask[port / 64] |= 1ul << port % 64;
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_send, port), 0);
    ck_assert(pending(&a, port));
    ck_assert_int_eq(a.v->info->evtchn_upcall_pending, 0);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_unmask, port), 0);
    ck_assert_int_eq(a.v->info->evtchn_upcall_pending, 1);
    ck_assert(!event_2l_is_masked(a.d, port));
    a.v->info->evtchn_upcall_pending = 0;
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_unmask, port), 0); /* was not masked: nothing */
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_send, port), 0);   /* was pending: nothing */
    ck_assert_int_eq(a.v->info->evtchn_upcall_pending, 0);
}
END_TEST

START_TEST(an_event_wakes_a_blocked_vcpu)
{
    evtchn_port_t theirs = unbound(b.v, 1), ours = bind(a.v, 2, theirs);

    ck_assert_int_eq(call(b.v, __HYPERVISOR_sched_op, SCHEDOP_block, 0, 0), 0);
    ck_assert_int_eq(b.v->info->evtchn_upcall_mask, 0);
    guests_exit();
    ck_assert_int_eq(b.v->run, VCPU_BLOCKED);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_send, ours), 0);
    ck_assert(vcpu_is_runnable(b.v));
}
END_TEST

START_TEST(unmasking_wakes_only_with_something_pending)
{
    evtchn_port_t port = ipi(a.v, 1);
    struct vcpu *second = a.d->vcpu[1];
    vcpu_guest_context_t c = guest_context(&a);

    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_initialise, 1, &c, sizeof(c)), 0);
    ck_assert_int_eq(call_vcpu(a.v, VCPUOP_up, 1, NULL, 0), 0);
    ck_assert_int_eq(call(second, __HYPERVISOR_sched_op, SCHEDOP_block, 0, 0), 0);
    a.d->shared_info->evtchn_mask[0] |= 1ul << port;
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_unmask, port), 0);
    ck_assert_int_eq(second->run, VCPU_BLOCKED);
    a.d->shared_info->evtchn_mask[0] |= 1ul << port;
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_send, port), 0);
    ck_assert_int_eq(second->run, VCPU_BLOCKED);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_unmask, port), 0);
    ck_assert(vcpu_is_runnable(second));
}
END_TEST

START_TEST(alloc_unbound_refusals)
{
    evtchn_alloc_unbound_t u = {.dom = 77};

    ck_assert_int_eq(event_op(a.v, EVTCHNOP_alloc_unbound, u), -XEN_ESRCH);
    u.dom = 2;
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_alloc_unbound, u), -XEN_EPERM);
    ck_assert_int_eq(event_op(control.v, EVTCHNOP_alloc_unbound, u), 0);
    ck_assert_uint_eq(status(b.v, 2, u.port).status, EVTCHNSTAT_unbound);
    ck_assert_uint_eq(status(b.v, 2, u.port).u.unbound.dom, 0);
}
END_TEST

START_TEST(ports_run_out)
{
    evtchn_alloc_unbound_t u = {.dom = DOMID_SELF, .remote_dom = 2};
    evtchn_port_t last = 0;

    for (unsigned i = 1; i < NR_EVTCHN; i++) {
        ck_assert_int_eq(event_alloc_unbound(a.d, 2, &last), 0);
        ck_assert_uint_eq(last, i);
    }
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_alloc_unbound, u), -XEN_ENOSPC);
    evtchn_bind_ipi_t i = {0};
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_ipi, i), -XEN_ENOSPC);
    evtchn_bind_virq_t q = {.virq = VIRQ_TIMER};
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_virq, q), -XEN_ENOSPC);
    evtchn_bind_interdomain_t d = {.remote_dom = 2, .remote_port = unbound(b.v, 1)};
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_interdomain, d), -XEN_ENOSPC);
    ck_assert_uint_eq(status(b.v, 2, d.remote_port).status, EVTCHNSTAT_unbound);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_close, 2000), 0);
    ck_assert_uint_eq(unbound(a.v, 2), 2000);
}
END_TEST

START_TEST(no_memory_for_more_ports)
{
    evtchn_alloc_unbound_t u = {.dom = DOMID_SELF, .remote_dom = 2};
    evtchn_port_t port;

    while (event_alloc_unbound(a.d, 2, &port) == 0 && port < EVTCHN_PER_PAGE - 1) {
    }
    while (!mfn_equal(frame_alloc_hypervisor(), MFN_INVALID)) {
    }
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_alloc_unbound, u), -XEN_ENOMEM);
    evtchn_bind_ipi_t i = {0};
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_ipi, i), -XEN_ENOMEM);
    evtchn_bind_virq_t q = {.virq = VIRQ_TIMER};
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_virq, q), -XEN_ENOMEM);
    evtchn_bind_interdomain_t d = {.remote_dom = 2, .remote_port = unbound(b.v, 1)};
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_interdomain, d), -XEN_ENOMEM);
}
END_TEST

START_TEST(bind_interdomain_refusals)
{
    evtchn_bind_interdomain_t i = {.remote_dom = 77, .remote_port = 1};
    evtchn_port_t for_control = unbound(b.v, 0);

    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_interdomain, i), -XEN_ESRCH);
    i.remote_dom = 2;
    i.remote_port = for_control; /* offered to another */
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_interdomain, i), -XEN_EINVAL);
    i.remote_port = for_control + 1; /* free */
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_interdomain, i), -XEN_EINVAL);
    const evtchn_port_t absurd[] = {0, 3000, NR_EVTCHN, NR_EVTCHN + for_control, ~0u};
    for (unsigned n = 0; n < ARRAY_LEN(absurd); n++) {
        i.remote_port = absurd[n];
        ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_interdomain, i), -XEN_EINVAL);
    }
    i.remote_port = unbound(b.v, 1);
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_interdomain, i), 0);
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_interdomain, i), -XEN_EINVAL); /* taken */
}
END_TEST

START_TEST(virqs)
{
    evtchn_bind_virq_t q = {.virq = NR_VIRQS};
    evtchn_port_t timer = virq(a.v, VIRQ_TIMER), console;

    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_virq, q), -XEN_EINVAL);
    q = (evtchn_bind_virq_t){.virq = VIRQ_TIMER, .vcpu = 2};
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_virq, q), -XEN_ENOENT);
    q.vcpu = ~0u;
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_virq, q), -XEN_ENOENT);
    q.vcpu = 0;
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_virq, q), -XEN_EEXIST);
    q.vcpu = 1;
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_virq, q), 0); /* each vCPU its own */
    q = (evtchn_bind_virq_t){.virq = VIRQ_CONSOLE, .vcpu = 1};
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_virq, q), -XEN_EINVAL);
    q.vcpu = 0;
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_virq, q), -XEN_EPERM);
    console = virq(control.v, VIRQ_CONSOLE);
    event_send_virq(control.v, VIRQ_CONSOLE);
    ck_assert(pending(&control, console));
    event_send_virq(a.v, VIRQ_TIMER);
    ck_assert(pending(&a, timer));
    event_send_virq(a.v, VIRQ_DEBUG); /* not bound: nothing */
    ck_assert_uint_eq(status(a.v, DOMID_SELF, timer).status, EVTCHNSTAT_virq);
    ck_assert_uint_eq(status(a.v, DOMID_SELF, timer).u.virq, VIRQ_TIMER);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_send, timer), -XEN_EINVAL);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_close, timer), 0);
    ck_assert_uint_eq(a.v->virq_port[VIRQ_TIMER], 0);
    virq(a.v, VIRQ_TIMER);
}
END_TEST

START_TEST(a_global_virq_that_was_moved_is_closed_whole)
{
    struct guest two = guest_make(5, 2, true);
    evtchn_port_t port = virq(two.v, VIRQ_CONSOLE);
    evtchn_bind_vcpu_t m = {.port = port, .vcpu = 1};

    ck_assert_int_eq(event_op(two.v, EVTCHNOP_bind_vcpu, m), 0);
    event_send_virq(two.v, VIRQ_CONSOLE);
    ck_assert_int_eq(two.d->vcpu[1]->info->evtchn_upcall_pending, 1);
    ck_assert_int_eq(op_port(two.v, EVTCHNOP_close, port), 0);
    ck_assert_uint_eq(two.v->virq_port[VIRQ_CONSOLE], 0);
    virq(two.v, VIRQ_CONSOLE);
}
END_TEST

START_TEST(ipis)
{
    evtchn_port_t port = ipi(a.v, 1);
    evtchn_bind_ipi_t i = {.vcpu = 2};

    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_ipi, i), -XEN_ENOENT);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_send, port), 0);
    ck_assert_int_eq(a.d->vcpu[1]->info->evtchn_upcall_pending, 1);
    ck_assert_int_eq(a.v->info->evtchn_upcall_pending, 0);
    ck_assert_uint_eq(status(a.v, DOMID_SELF, port).status, EVTCHNSTAT_ipi);
    ck_assert_uint_eq(status(a.v, DOMID_SELF, port).vcpu, 1);
}
END_TEST

START_TEST(channels_move_between_vcpus)
{
    evtchn_port_t theirs = unbound(b.v, 1), ours = bind(a.v, 2, theirs);
    evtchn_bind_vcpu_t m = {.port = ours, .vcpu = 1};

    take_all(&a);
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_vcpu, m), 0);
    ck_assert_int_eq(op_port(b.v, EVTCHNOP_send, theirs), 0);
    ck_assert_int_eq(a.d->vcpu[1]->info->evtchn_upcall_pending, 1);
    ck_assert_int_eq(a.v->info->evtchn_upcall_pending, 0);
    m.vcpu = 2;
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_vcpu, m), -XEN_ENOENT);
    m = (evtchn_bind_vcpu_t){.port = ipi(a.v, 0), .vcpu = 1};
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_vcpu, m), -XEN_EINVAL);
    m.port = virq(a.v, VIRQ_TIMER);
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_vcpu, m), -XEN_EINVAL);
    m.port = 99;
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_vcpu, m), -XEN_EINVAL);
    m.port = NR_EVTCHN;
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_vcpu, m), -XEN_EINVAL);
}
END_TEST

START_TEST(closing_gives_the_peer_back)
{
    evtchn_port_t theirs = unbound(b.v, 1), ours = bind(a.v, 2, theirs);

    ck_assert_int_eq(op_port(b.v, EVTCHNOP_send, theirs), 0);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_close, ours), 0);
    ck_assert(!pending(&a, ours));
    ck_assert_uint_eq(status(a.v, DOMID_SELF, ours).status, EVTCHNSTAT_closed);
    ck_assert_uint_eq(status(b.v, DOMID_SELF, theirs).status, EVTCHNSTAT_unbound);
    ck_assert_uint_eq(status(b.v, DOMID_SELF, theirs).u.unbound.dom, 1);
    ck_assert_int_eq(op_port(b.v, EVTCHNOP_send, theirs), 0); /* nobody listens: dropped */
    ours = bind(a.v, 2, theirs);
    ck_assert_int_eq(op_port(b.v, EVTCHNOP_close, theirs), 0);
    ck_assert_uint_eq(status(a.v, DOMID_SELF, ours).status, EVTCHNSTAT_unbound);
}
END_TEST

START_TEST(ports_that_are_not_open)
{
    const evtchn_port_t none[] = {0, 1, 127, 128, 4095, 4096, 4097, 0x80000001, ~0u};

    for (unsigned i = 0; i < ARRAY_LEN(none); i++) {
        ck_assert_int_eq(op_port(a.v, EVTCHNOP_send, none[i]), -XEN_EINVAL);
        ck_assert_int_eq(op_port(a.v, EVTCHNOP_close, none[i]), -XEN_EINVAL);
        ck_assert_int_eq(op_port(a.v, EVTCHNOP_unmask, none[i]), -XEN_EINVAL);
    }
}
END_TEST

START_TEST(status_tells_and_refuses)
{
    evtchn_port_t theirs = unbound(b.v, 1), ours = bind(a.v, 2, theirs);
    evtchn_status_t s = status(a.v, DOMID_SELF, ours);

    ck_assert_uint_eq(s.status, EVTCHNSTAT_interdomain);
    ck_assert_uint_eq(s.u.interdomain.dom, 2);
    ck_assert_uint_eq(s.u.interdomain.port, theirs);
    ck_assert_uint_eq(status(a.v, DOMID_SELF, 0).status, EVTCHNSTAT_closed);
    ck_assert_uint_eq(status(a.v, DOMID_SELF, 2000).status, EVTCHNSTAT_closed);
    ck_assert_uint_eq(status(control.v, 1, ours).status, EVTCHNSTAT_interdomain);
    s = (evtchn_status_t){.dom = 2, .port = theirs};
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_status, s), -XEN_EPERM);
    s.dom = 77;
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_status, s), -XEN_ESRCH);
    s = (evtchn_status_t){.dom = DOMID_SELF, .port = NR_EVTCHN};
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_status, s), -XEN_EINVAL);
}
END_TEST

static unsigned notified;
static void notify(struct domain *d, evtchn_port_t port)
{
    ck_assert_ptr_eq(d, a.d);
    notified = port;
}

START_TEST(a_channel_that_the_hypervisor_serves)
{
    evtchn_bind_vcpu_t m;
    evtchn_reset_t r = {.dom = DOMID_SELF};
    evtchn_port_t port;

    ck_assert_int_eq(event_bind_hypervisor(a.d, 0, notify, &port), 0);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_send, port), 0);
    ck_assert_uint_eq(notified, port);
    event_notify_guest(a.d, port);
    ck_assert(pending(&a, port) && event_upcall_due(a.v));
    ck_assert_uint_eq(status(a.v, DOMID_SELF, port).status, EVTCHNSTAT_interdomain);
    ck_assert_uint_eq(status(a.v, DOMID_SELF, port).u.interdomain.dom, DOMID_XEN);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_close, port), -XEN_EINVAL);
    m = (evtchn_bind_vcpu_t){.port = port, .vcpu = 1};
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_bind_vcpu, m), 0);
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_reset, r), 0);
    ck_assert_uint_eq(status(a.v, DOMID_SELF, port).status, EVTCHNSTAT_interdomain);
}
END_TEST

START_TEST(reset_closes_all_in_turns)
{
    evtchn_reset_t r = {.dom = 2};
    evtchn_port_t port, theirs = unbound(b.v, 1), ours = bind(a.v, 2, theirs);

    ck_assert_int_eq(event_op(a.v, EVTCHNOP_reset, r), -XEN_EPERM);
    virq(a.v, VIRQ_TIMER);
    for (unsigned i = 0; i < 2000; i++) {
        ck_assert_int_eq(event_alloc_unbound(a.d, 2, &port), 0);
    }
    r.dom = 1;
    ck_assert_int_eq(event_op(a.v, EVTCHNOP_reset, r), 0);
    ck_assert_uint_gt(call_turns, 4);
    ck_assert_uint_eq(status(a.v, DOMID_SELF, port).status, EVTCHNSTAT_closed);
    ck_assert_uint_eq(status(a.v, DOMID_SELF, ours).status, EVTCHNSTAT_closed);
    ck_assert_uint_eq(status(b.v, DOMID_SELF, theirs).status, EVTCHNSTAT_unbound);
    ck_assert_uint_eq(a.v->virq_port[VIRQ_TIMER], 0);
    ck_assert_uint_eq(unbound(a.v, 2), 1);
}
END_TEST

START_TEST(pointers_that_lead_nowhere)
{
    const uint64_t bad[] = {0,
                            GUEST_HOLE,
                            GUEST_EMPTY_VA,
                            0xffff800000000000ull,
                            0xffff87fffffffffcull,
                            0x8000000000000000ull,
                            ~0ull};
    const unsigned cmds[] = {
        EVTCHNOP_bind_interdomain, EVTCHNOP_bind_virq,     EVTCHNOP_close,    EVTCHNOP_send,
        EVTCHNOP_status,           EVTCHNOP_alloc_unbound, EVTCHNOP_bind_ipi, EVTCHNOP_bind_vcpu,
        EVTCHNOP_unmask,           EVTCHNOP_reset};

    for (unsigned i = 0; i < ARRAY_LEN(cmds); i++) {
        for (unsigned n = 0; n < ARRAY_LEN(bad); n++) {
            ck_assert_int_eq(call(a.v, __HYPERVISOR_event_channel_op, cmds[i], bad[n], 0),
                             -XEN_EFAULT);
        }
    }
}
END_TEST

START_TEST(what_is_absent_says_so)
{
    const unsigned cmds[] = {
        EVTCHNOP_bind_pirq, EVTCHNOP_init_control, EVTCHNOP_expand_array, EVTCHNOP_set_priority, 14,
        0x80000004};

    for (unsigned i = 0; i < ARRAY_LEN(cmds); i++) {
        ck_assert_int_eq(call(a.v, __HYPERVISOR_event_channel_op, cmds[i], GUEST_VA, 0),
                         -XEN_ENOSYS);
    }
}
END_TEST

START_TEST(death_gives_peers_back)
{
    evtchn_port_t theirs = unbound(b.v, 1), ours = bind(a.v, 2, theirs), self;

    self = bind(a.v, DOMID_SELF, unbound(a.v, DOMID_SELF));
    virq(a.v, VIRQ_TIMER);
    (void)ours;
    (void)self;
    domain_shutdown(a.d, SHUTDOWN_poweroff);
    guests_exit();
    guests_reap();
    ck_assert_ptr_null(domain_table[1]);
    ck_assert_uint_eq(status(b.v, DOMID_SELF, theirs).status, EVTCHNSTAT_unbound);
    ck_assert_int_eq(op_port(b.v, EVTCHNOP_send, theirs), 0);
    a = guest_make(1, 1, false); /* the next of that id may bind it */
    bind(a.v, 2, theirs);
}
END_TEST

START_TEST(a_domain_without_vcpus_hears_nothing_and_harms_nothing)
{
    struct domain *d = domain_create(9, "in-the-making", false, 16);
    evtchn_port_t port, ours;

    ck_assert_int_eq(event_alloc_unbound(d, 1, &port), 0);
    ours = bind(a.v, 9, port);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_send, ours), 0);
    domain_abandon(d);
    guests_reap();
    ck_assert_ptr_null(domain_table[9]);
    ck_assert_uint_eq(status(a.v, DOMID_SELF, ours).status, EVTCHNSTAT_unbound);
}
END_TEST

START_TEST(guest_bits_are_not_believed)
{
    evtchn_port_t theirs = unbound(b.v, 1), ours = bind(a.v, 2, theirs);

    memset(b.d->shared_info, 0xff, sizeof(*b.d->shared_info));
    memset(a.d->shared_info, 0xff, sizeof(*a.d->shared_info));
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_send, ours), 0);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_unmask, ours), 0);
    memset(a.d->shared_info, 0, sizeof(*a.d->shared_info));
    ck_assert_int_eq(op_port(b.v, EVTCHNOP_send, theirs), 0);
    ck_assert_int_eq(op_port(a.v, EVTCHNOP_close, ours), 0);
    ck_assert_uint_eq(status(b.v, DOMID_SELF, theirs).status, EVTCHNSTAT_unbound);
}
END_TEST

static void add(TCase *tc)
{
    tcase_add_checked_fixture(tc, start, NULL);
    tcase_add_test(tc, a_pair_sends_both_ways);
    tcase_add_test(tc, a_pair_within_a_domain);
    tcase_add_test(tc, masked_and_repeated_events_make_no_upcall);
    tcase_add_test(tc, an_event_wakes_a_blocked_vcpu);
    tcase_add_test(tc, unmasking_wakes_only_with_something_pending);
    tcase_add_test(tc, alloc_unbound_refusals);
    tcase_add_test(tc, ports_run_out);
    tcase_add_test(tc, no_memory_for_more_ports);
    tcase_add_test(tc, bind_interdomain_refusals);
    tcase_add_test(tc, virqs);
    tcase_add_test(tc, a_global_virq_that_was_moved_is_closed_whole);
    tcase_add_test(tc, ipis);
    tcase_add_test(tc, channels_move_between_vcpus);
    tcase_add_test(tc, closing_gives_the_peer_back);
    tcase_add_test(tc, ports_that_are_not_open);
    tcase_add_test(tc, status_tells_and_refuses);
    tcase_add_test(tc, a_channel_that_the_hypervisor_serves);
    tcase_add_test(tc, reset_closes_all_in_turns);
    tcase_add_test(tc, pointers_that_lead_nowhere);
    tcase_add_test(tc, what_is_absent_says_so);
    tcase_add_test(tc, death_gives_peers_back);
    tcase_add_test(tc, a_domain_without_vcpus_hears_nothing_and_harms_nothing);
    tcase_add_test(tc, guest_bits_are_not_believed);
}

int main(void)
{
    return unit_main("event", add);
}
