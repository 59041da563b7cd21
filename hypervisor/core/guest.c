/* SPDX-License-Identifier: MIT */
/* Array elements in guest memory, with the index arithmetic checked. */
#include "guest.h"

static bool element(uint64_t va, uint64_t index, size_t size, uint64_t *at)
{
    uint64_t offset;

    return !__builtin_mul_overflow(index, size, &offset) && !__builtin_add_overflow(va, offset, at);
}

int guest_copy_in_at(void *dst, uint64_t va, uint64_t index, size_t size)
{
    uint64_t at;

    return element(va, index, size, &at) ? guest_copy_in(dst, at, size) : -XEN_EFAULT;
}

int guest_copy_out_at(uint64_t va, uint64_t index, const void *src, size_t size)
{
    uint64_t at;

    return element(va, index, size, &at) ? guest_copy_out(at, src, size) : -XEN_EFAULT;
}
