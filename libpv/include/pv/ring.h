/* SPDX-License-Identifier: MIT */
/*
 * Byte rings in shared memory (console, xenstore). The other side writes its index at any time and
 * may write nonsense: an index is read once, and a distance larger than the ring counts as a full
 * or an empty ring, never as an excuse to go outside.
 */
#ifndef PV_RING_H
#define PV_RING_H

#include <stdint.h>

/* Bytes that can be read / written, for a ring of `size` (a power of two) with free-running
 * indices. */
static inline uint32_t pv_ring_used(uint32_t prod, uint32_t cons, uint32_t size)
{
    uint32_t used = prod - cons;

    return used <= size ? used : 0;
}

static inline uint32_t pv_ring_free(uint32_t prod, uint32_t cons, uint32_t size)
{
    uint32_t used = prod - cons;

    return used <= size ? size - used : 0;
}

/* Copy up to n bytes out of the ring from *cons on; advances *cons. */
static inline uint32_t pv_ring_get(const char *ring, uint32_t size, uint32_t prod, uint32_t *cons,
                                   char *to, uint32_t n)
{
    uint32_t used = pv_ring_used(prod, *cons, size), i;

    n = n < used ? n : used;
    for (i = 0; i < n; i++) {
        to[i] = ring[(*cons + i) & (size - 1)];
    }
    *cons += n;
    return n;
}

static inline uint32_t pv_ring_put(char *ring, uint32_t size, uint32_t *prod, uint32_t cons,
                                   const char *from, uint32_t n)
{
    uint32_t room = pv_ring_free(*prod, cons, size), i;

    n = n < room ? n : room;
    for (i = 0; i < n; i++) {
        ring[(*prod + i) & (size - 1)] = from[i];
    }
    *prod += n;
    return n;
}

#endif
