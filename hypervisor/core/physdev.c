/* SPDX-License-Identifier: MIT */
/*
 * physdev_op(2): what is left of physical devices for guests that have none: the virtual I/O
 * privilege. It decides whether in, out, cli and sti are answered by the emulator or get #GP.
 */
#include "handlers.h"
#include "log.h"
#include "trap.h"

#define PORTS 65536u

bool trap_iopl_allows(const struct vcpu *v)
{
    bool architectural = v->domain->vm_assist & (1u << VMASST_TYPE_architectural_iopl);
    unsigned ring = !v->kernel_mode ? 3 : architectural ? 0 : 1;

    return ring <= v->iopl;
}

long do_physdevop_set_iopl(struct vcpu *v, physdev_set_iopl_t *args)
{
    if (args->iopl > 3) {
        return refuse(v, XEN_EINVAL, "iopl", "IOPL %u", args->iopl);
    }
    v->iopl = (uint8_t)args->iopl;
    return 0;
}

long do_physdevop_set_iobitmap(struct vcpu *v, physdev_set_iobitmap_t *args)
{
    uint64_t bitmap = (uint64_t)args->bitmap.p;

    if (args->nr_ports > PORTS ||
        (bitmap && !va_range_is_guest(bitmap, (args->nr_ports + 7) / 8))) {
        return refuse(v, XEN_EINVAL, "iobitmap", "%u ports at %#lx", args->nr_ports, bitmap);
    }
    v->iobitmap = bitmap;
    v->iobitmap_ports = args->nr_ports;
    return 0;
}
