/* SPDX-License-Identifier: MIT */
/*
 * Moving bytes between kernel memory and the buffers of a read or write; see iov.h.
 * User memory is reached through copy_to_user() and copy_from_user() only, which check the address.
 */
#include "iov.h"

#include <string.h>

#include "space.h"

void iov_iter_init(struct iov_iter *iter, bool user, const struct iovec *vec, unsigned int segments)
{
    *iter = (struct iov_iter){.vec = vec, .segments = segments, .user = user};
    for (unsigned int i = 0; i < segments; i++)
        iter->count += vec[i].iov_len;
}

/* The next stretch inside one buffer: its address and length (0: nothing left). */
static size_t iov_iter_stretch(struct iov_iter *iter, size_t limit, char **base)
{
    while (iter->segments && iter->offset == iter->vec->iov_len) {
        iter->vec++;
        iter->segments--;
        iter->offset = 0;
    }
    if (!iter->segments || iter->fault)
        return 0;
    size_t left = iter->vec->iov_len - iter->offset;
    *base = (char *)iter->vec->iov_base + iter->offset;
    return left < limit ? left : limit;
}

static void iov_iter_advance(struct iov_iter *iter, size_t count)
{
    iter->offset += count;
    iter->count -= count;
}

size_t copy_to_iter(struct iov_iter *to, const void *from, size_t count)
{
    size_t done = 0;

    while (done < count) {
        char *base;
        size_t n = iov_iter_stretch(to, count - done, &base);
        if (!n)
            break;
        if (!to->user)
            memcpy(base, (const char *)from + done, n);
        else if (copy_to_user((uintptr_t)base, (const char *)from + done, n)) {
            to->fault = true;
            break;
        }
        iov_iter_advance(to, n);
        done += n;
    }
    return done;
}

size_t copy_from_iter(struct iov_iter *from, void *to, size_t count)
{
    size_t done = 0;

    while (done < count) {
        char *base;
        size_t n = iov_iter_stretch(from, count - done, &base);
        if (!n)
            break;
        if (!from->user)
            memcpy((char *)to + done, base, n);
        else if (copy_from_user((char *)to + done, (uintptr_t)base, n)) {
            from->fault = true;
            break;
        }
        iov_iter_advance(from, n);
        done += n;
    }
    return done;
}

size_t zero_to_iter(struct iov_iter *to, size_t count)
{
    static const char zeros[4096];
    size_t done = 0;

    while (done < count) {
        size_t n = count - done < sizeof(zeros) ? count - done : sizeof(zeros);
        size_t moved = copy_to_iter(to, zeros, n);
        done += moved;
        if (moved < n)
            break;
    }
    return done;
}
