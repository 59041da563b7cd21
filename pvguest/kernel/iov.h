/* SPDX-License-Identifier: MIT */
/*
 * An iov_iter is the caller's side of a read or write: a list of buffers in user or kernel memory
 * and how far the transfer has come. Every file type moves bytes through it, so user pointers are
 * touched in one place only and a bad one gives -EFAULT wherever it appears.
 */
#ifndef PVGUEST_IOV_H
#define PVGUEST_IOV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/uio.h>

struct iov_iter {
    const struct iovec *vec; /* kernel copy of the list */
    unsigned int segments;   /* those not finished, the current one included */
    size_t offset;           /* in the current one */
    size_t count;            /* bytes left over all */
    bool user;               /* iov_base is a user address */
    bool fault;              /* a user address was bad */
};

void iov_iter_init(struct iov_iter *iter, bool user, const struct iovec *vec,
                   unsigned int segments);

/* Move at most `count` bytes; the result is how many could be moved (fewer: full, or a fault). */
size_t copy_to_iter(struct iov_iter *to, const void *from, size_t count);
size_t copy_from_iter(struct iov_iter *from, void *to, size_t count);
size_t zero_to_iter(struct iov_iter *to, size_t count);

#endif
