/* SPDX-License-Identifier: MIT */
/*
 * Waiting in system calls. Every wait stands in a loop that tests its condition again: a queue is
 * woken as a whole.
 */
#ifndef PVGUEST_WAIT_H
#define PVGUEST_WAIT_H

#include <stdint.h>

#include "thread.h"

/* 0: woken; -EINTR: a signal wants to be delivered. */
int wait_on(struct wait_queue *queue);
/* As above, and -ETIMEDOUT at `deadline` (clock_monotonic_ns; 0: none). */
int wait_until(struct wait_queue *queue, uint64_t deadline);
/* Signals do not end it: for waits that the kernel itself ends soon, and for stopped processes. */
void wait_uninterrupted(struct wait_queue *queue);

void wake_all(struct wait_queue *queue);

#endif
