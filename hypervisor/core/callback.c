/* SPDX-License-Identifier: MIT */
/*
 * callback_op(2): the guest kernel's entry points for events, system calls, failed selector loads.
 * An address that is not canonical is refused here, so that entering one cannot fault in iretq.
 */
#include "handlers.h"
#include "log.h"
#include "trap.h"

static struct guest_entry *callback_of(struct vcpu *v, uint16_t type)
{
    switch (type) {
    case CALLBACKTYPE_event:
        return &v->event_callback;
    case CALLBACKTYPE_failsafe:
        return &v->failsafe_callback;
    case CALLBACKTYPE_syscall:
        return &v->syscall_callback;
    case CALLBACKTYPE_syscall32:
        return &v->syscall32_callback;
    case CALLBACKTYPE_nmi:
        return &v->nmi_callback;
    default:
        return NULL; /* sysenter among them: guests ask, and go without (int 0x80 does the same) */
    }
}

long do_callbackop_register(struct vcpu *v, callback_register_t *args)
{
    struct guest_entry *entry = callback_of(v, args->type);

    if (!entry) {
        return -XEN_ENOSYS;
    }
    if (!va_is_canonical(args->address)) {
        return refuse(v, XEN_EINVAL, "callback-address", "callback %u at %#lx", args->type,
                      (uint64_t)args->address);
    }
    entry->address = args->address;
    entry->mask_events = args->flags & CALLBACKF_mask_events;
    return 0;
}

long do_callbackop_unregister(struct vcpu *v, callback_unregister_t *args)
{
    switch (args->type) {
    case CALLBACKTYPE_nmi:
        v->nmi_callback = (struct guest_entry){0};
        return 0;
    case CALLBACKTYPE_event:
    case CALLBACKTYPE_failsafe:
    case CALLBACKTYPE_syscall:
    case CALLBACKTYPE_syscall32:
        return -XEN_EINVAL; /* a guest cannot do without them */
    default:
        return -XEN_ENOSYS;
    }
}
