/* SPDX-License-Identifier: MIT */
/*
 * The only reader and writer of guest memory by virtual address. Addresses are plain numbers
 * (uint64_t), never C pointers, so nothing else can dereference one by accident. Each range is
 * checked whole against the hypervisor's range, then copied through the loaded root with fault
 * recovery. Read once, into a local: the guest may change its memory at any moment.
 */
#ifndef PARAVANE_CORE_GUEST_H
#define PARAVANE_CORE_GUEST_H

#include "machine.h"

/* 0, or -EFAULT when the range is not the guest's or a page of it is not accessible. */
static inline int guest_copy_in(void *dst, uint64_t va, size_t bytes)
{
    if (unlikely(!va_range_is_guest(va, bytes))) {
        return -XEN_EFAULT;
    }
    return machine_copy_from_guest(dst, va, bytes) ? -XEN_EFAULT : 0;
}

static inline int guest_copy_out(uint64_t va, const void *src, size_t bytes)
{
    if (unlikely(!va_range_is_guest(va, bytes))) {
        return -XEN_EFAULT;
    }
    return machine_copy_to_guest(va, src, bytes) ? -XEN_EFAULT : 0;
}

/* Element `index` of an array of `size`-byte elements at va; -EFAULT also when the sum wraps. */
int guest_copy_in_at(void *dst, uint64_t va, uint64_t index, size_t size);
int guest_copy_out_at(uint64_t va, uint64_t index, const void *src, size_t size);

#endif
