/* SPDX-License-Identifier: MIT */
/*
 * Ticket spin locks. Interrupts are off wherever a lock is taken (types.h), so a lock needs no
 * interrupt-saving variant. The order of locks stands at the head of types.h.
 */
#ifndef PARAVANE_CORE_LOCK_H
#define PARAVANE_CORE_LOCK_H

#include "types.h"

typedef struct {
    _Atomic uint16_t next;
    _Atomic uint16_t owner;
} spinlock_t;

#define SPINLOCK_INIT ((spinlock_t){0, 0})

static inline void spin_lock(spinlock_t *lock)
{
    uint16_t ticket = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);

    while (atomic_load_explicit(&lock->owner, memory_order_acquire) != ticket) {
        __builtin_ia32_pause();
    }
}

static inline void spin_unlock(spinlock_t *lock)
{
    uint16_t owner = atomic_load_explicit(&lock->owner, memory_order_relaxed);

    atomic_store_explicit(&lock->owner, (uint16_t)(owner + 1), memory_order_release);
}

static inline bool spin_is_locked(spinlock_t *lock)
{
    return atomic_load(&lock->owner) != atomic_load(&lock->next);
}

#endif
