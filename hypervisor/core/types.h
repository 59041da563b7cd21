/* SPDX-License-Identifier: MIT */
/*
 * The words every file of core is written in: boxed frame numbers, list links, checked sums,
 * and the lock order.
 *
 * Lock order, outermost first (a function may skip levels, never go back up):
 *   domain_list_lock > domain.lock > domain.grant_lock (lower domid first) > domain.event_lock
 *     (lower domid first) > console.lock > sched lock > timer lock > domain.page_lock >
 *     mux and com1 lock > frame heap lock > log lock
 * Page types and references take no lock: they are compare-and-exchange loops on one word each.
 * Ring 0 runs with interrupts off except in the idle loop, so no lock is ever taken twice by an
 * interrupt on the same CPU; and nobody waits for another CPU while holding one.
 */
#ifndef PARAVANE_CORE_TYPES_H
#define PARAVANE_CORE_TYPES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hypercall-abi/abi.h"

/* "Call me again": internal, so xen/errno.h gives it to Xen only. Guests never see it. */
enum { XEN_ERESTART = 85 };

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ul
#define PAGE_MASK (~(PAGE_SIZE - 1))

/* A machine frame number: physical address >> PAGE_SHIFT. Boxed so that it cannot be mixed up. */
typedef struct {
    uint64_t n;
} mfn_t;

/* A guest pseudo-physical frame number: an index into the guest's own P2M list. */
typedef struct {
    uint64_t n;
} pfn_t;

#define MFN(x) ((mfn_t){.n = (uint64_t)(x)})
#define PFN(x) ((pfn_t){.n = (uint64_t)(x)})
#define MFN_INVALID MFN(~0ull)
#define MFN_NONE MFN(0) /* frame 0 is never given to a domain: it stands for "no root loaded" */

static inline bool mfn_equal(mfn_t a, mfn_t b)
{
    return a.n == b.n;
}

static inline bool mfn_is_none(mfn_t a)
{
    return a.n == 0;
}

/* The hypervisor's own part of every address space: L4 slots 256 to 271. */
#define HYPERVISOR_RANGE_START 0xffff800000000000ull
#define HYPERVISOR_RANGE_END 0xffff880000000000ull
#define HYPERVISOR_SLOT_FIRST 256
#define HYPERVISOR_SLOT_LAST 271

static inline bool va_is_canonical(uint64_t va)
{
    return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

/* True if [va, va + bytes) is canonical and touches nothing of the hypervisor's range. */
static inline bool va_range_is_guest(uint64_t va, uint64_t bytes)
{
    uint64_t last;

    if (bytes == 0) {
        return true;
    }
    if (__builtin_add_overflow(va, bytes - 1, &last)) {
        return false;
    }
    if (last < 0x0000800000000000ull) {
        return true;
    }
    return va >= HYPERVISOR_RANGE_END;
}

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

struct vcpu;
struct domain;
struct frame;

#endif
