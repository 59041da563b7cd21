/* SPDX-License-Identifier: MIT */
/* What the generated glue (hypercall_dispatch.c) is made of. Included by nothing else. */
#ifndef PARAVANE_CORE_DISPATCH_GLUE_H
#define PARAVANE_CORE_DISPATCH_GLUE_H

#include <string.h>

#include "dispatch.h"
#include "guest.h"
#include "handlers.h"

#define COPY_IN(args, va)                                                                          \
    do {                                                                                           \
        if (unlikely(guest_copy_in(&(args), (va), sizeof(args)))) {                                \
            return -XEN_EFAULT;                                                                    \
        }                                                                                          \
    } while (0)

/* Replies start as zeros, so that padding tells nothing of our stack. */
#define ZERO(args) memset(&(args), 0, sizeof(args))

#define COPY_OUT(args, va, ret)                                                                    \
    do {                                                                                           \
        if ((ret) >= 0 && unlikely(guest_copy_out((va), &(args), sizeof(args)))) {                 \
            return -XEN_EFAULT;                                                                    \
        }                                                                                          \
    } while (0)

typedef long (*array_handler)(struct vcpu *v, void *element);

/* Each of a[2] elements at a[1]: copied to `element`, handled, copied back. */
long hypercall_array(struct vcpu *v, uint64_t *a, size_t size, void *element, array_handler handle);

#endif
