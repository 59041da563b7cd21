/* SPDX-License-Identifier: MIT */
/* Per-CPU trace rings, printed. A dump from another CPU may show one record half written. */
#include "trace.h"

#include "dispatch.h"
#include "log.h"

struct trace_ring trace_rings[TRACE_CPUS];

static void print(const struct trace_entry *e)
{
    switch (e->kind) {
    case TRACE_HYPERCALL:
        log_error("  d%uv%u %s (%lu) arg %#lx", e->domid, e->vcpu, hypercall_name((unsigned)e->a),
                  e->a, e->b);
        break;
    case TRACE_TRAP:
        log_error("  d%uv%u trap %lu at %#lx", e->domid, e->vcpu, e->a, e->b);
        break;
    case TRACE_INJECT:
        log_error("  d%uv%u inject %lu, error %#lx", e->domid, e->vcpu, e->a, e->b);
        break;
    case TRACE_SWITCH:
        log_error("  d%uv%u runs, after d%luv%lu, at %lu us", e->domid, e->vcpu, e->a >> 16,
                  e->a & 0xffff, e->b / 1000);
        break;
    default:
        log_error("  d%uv%u upcall, selector %#lx, at %#lx", e->domid, e->vcpu, e->a, e->b);
        break;
    }
}

static void dump_ring(const struct trace_ring *ring, const struct domain *d, unsigned count)
{
    uint32_t end = ring->next;
    uint32_t oldest = end > TRACE_RECORDS ? end - TRACE_RECORDS : 0;
    uint32_t first = end;

    while (first > oldest && count > 0) {
        const struct trace_entry *e = &ring->record[--first % TRACE_RECORDS];

        count -= d == NULL || e->domid == d->id;
    }
    for (; first < end; first++) {
        const struct trace_entry *e = &ring->record[first % TRACE_RECORDS];

        if (d == NULL || e->domid == d->id) {
            print(e);
        }
    }
}

void trace_dump(const struct domain *d, unsigned count)
{
    for (unsigned cpu = 0; cpu < TRACE_CPUS; cpu++) {
        if (trace_rings[cpu].next != 0) {
            log_error("last events on CPU %u:", cpu);
            dump_ring(&trace_rings[cpu], d, count);
        }
    }
}
