/* SPDX-License-Identifier: MIT */
/* Waiting that signals can end (wait.h), on the queues of thread.c. */
#include "wait.h"

#include <asm/errno.h>

#include "process.h"
#include "signal.h"

int wait_until(struct wait_queue *queue, uint64_t deadline)
{
    const struct process *process = current_process();

    if (process && signal_pending(process))
        return -EINTR;
    int error = thread_sleep(queue, deadline, true);
    if (process && signal_pending(process))
        return -EINTR;
    return error == -EINTR ? 0 : error; /* interrupted by a signal that is gone: look again */
}

int wait_on(struct wait_queue *queue)
{
    return wait_until(queue, 0);
}

void wait_uninterrupted(struct wait_queue *queue)
{
    thread_sleep(queue, 0, false);
}

void wake_all(struct wait_queue *queue)
{
    wait_queue_wake(queue);
}
