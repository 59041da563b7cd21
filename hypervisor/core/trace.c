/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU rings of the last events. A CPU writes only its own ring, with interrupts off, so there
 * is no lock; a dump from another CPU may see one record half written, and only prints it.
 */
#include "trace.h"

#include "dispatch.h"
#include "log.h"

#define TRACE_CPUS 4
#define TRACE_RECORDS 256u /* a power of two */

struct trace_entry {
    uint64_t tsc;
    domid_t domid;
    uint8_t vcpu, kind;
    uint32_t cpu;
    uint64_t a, b;
};

static struct trace_ring {
    struct trace_entry record[TRACE_RECORDS];
    uint32_t next; /* total ever written */
} rings[TRACE_CPUS];

void trace_record(enum trace_kind kind, const struct vcpu *v, uint64_t a, uint64_t b)
{
    uint32_t cpu = this_cpu()->id;

    if (cpu < TRACE_CPUS) {
        struct trace_ring *ring = &rings[cpu];

        ring->record[ring->next++ % TRACE_RECORDS] =
            (struct trace_entry){.tsc = machine_tsc(),
                                  .domid = v->domain->id,
                                  .vcpu = (uint8_t)v->id,
                                  .kind = (uint8_t)kind,
                                  .cpu = cpu,
                                  .a = a,
                                  .b = b};
    }
}

static void print(const struct trace_entry *e, uint64_t now)
{
    uint64_t us = machine_clock.tsc_khz ? (now - e->tsc) * 1000 / machine_clock.tsc_khz : 0;
    const char *name;

    switch (e->kind) {
    case TRACE_HYPERCALL:
        name = hypercall_name((uint32_t)e->a);
        log_error("  -%lu us d%uv%u hypercall %s (%lu) arg %#lx", us, e->domid, e->vcpu,
                  name ? name : "?", e->a, e->b);
        break;
    case TRACE_TRAP:
        log_error("  -%lu us d%uv%u trap %lu at %#lx", us, e->domid, e->vcpu, e->a, e->b);
        break;
    case TRACE_INJECT:
        log_error("  -%lu us d%uv%u inject %lu, %#lx", us, e->domid, e->vcpu, e->a, e->b);
        break;
    case TRACE_SWITCH:
        log_error("  -%lu us d%uv%u runs after d%luv%lu", us, e->domid, e->vcpu, e->a, e->b);
        break;
    default:
        log_error("  -%lu us d%uv%u event port %lu", us, e->domid, e->vcpu, e->a);
        break;
    }
}

static void dump_ring(const struct trace_ring *ring, const struct domain *d, unsigned count)
{
    uint32_t end = ring->next;
    uint32_t oldest = end > TRACE_RECORDS ? end - TRACE_RECORDS : 0;
    uint32_t first = end;
    uint64_t now = machine_tsc();

    while (first > oldest && count > 0) {
        const struct trace_entry *e = &ring->record[--first % TRACE_RECORDS];

        count -= d == NULL || e->domid == d->id;
    }
    for (; first < end; first++) {
        const struct trace_entry *e = &ring->record[first % TRACE_RECORDS];

        if (d == NULL || e->domid == d->id) {
            print(e, now);
        }
    }
}

void trace_dump(const struct domain *d, unsigned count)
{
    for (unsigned cpu = 0; cpu < TRACE_CPUS; cpu++) {
        if (rings[cpu].next != 0) {
            log_error("last events on CPU %u:", cpu);
            dump_ring(&rings[cpu], d, count);
        }
    }
}
