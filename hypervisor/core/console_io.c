/* SPDX-License-Identifier: MIT */
/*
 * console_io(2): text straight to the console, for a guest that has no console ring yet, and for
 * domain0, which reads its input here when VIRQ_CONSOLE tells it to.
 */
#include "console.h"
#include "guest.h"
#include "handlers.h"
#include "log.h"

#define CHUNK 256u /* bytes copied at a time, on the stack */

long do_consoleio_write(struct vcpu *v, uint64_t count, uint64_t arg)
{
    char text[CHUNK];

    if (count > INT32_MAX) {
        return refuse(v, XEN_EINVAL, "count", "write of %lu bytes", count);
    }
    while (count > 0) {
        uint32_t part = count < CHUNK ? (uint32_t)count : CHUNK;

        if (guest_copy_in(text, arg, part)) {
            return -XEN_EFAULT;
        }
        console_output(v->domain, text, part);
        count -= part;
        arg += part;
        if (count > 0 && hypercall_preempt(v, part)) {
            v->hc.args[1] = count;
            v->hc.args[2] = arg;
            return -XEN_ERESTART;
        }
    }
    return 0;
}

/* Returns the number of bytes read, 0 when none wait. */
long do_consoleio_read(struct vcpu *v, uint64_t count, uint64_t arg)
{
    char text[CHUNK];
    long done = 0;

    while (count > 0) {
        size_t part = console_take_input(v->domain, text, count < CHUNK ? count : CHUNK);

        if (part == 0) {
            break;
        }
        if (guest_copy_out(arg, text, part)) {
            return done > 0 ? done : -XEN_EFAULT;
        }
        done += (long)part;
        count -= part;
        arg += part;
    }
    return done;
}
