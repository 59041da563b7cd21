/* SPDX-License-Identifier: MIT */
/*
 * poll(2) and select(2); see poll.h. A call that a signal interrupts and that restarts keeps its
 * first deadline (process->sleep_until).
 */
#include "poll.h"

#include <string.h>

#include <asm/errno.h>
#include <linux/poll.h>

#include "clock.h"
#include "file.h"
#include "memory.h"
#include "process.h"
#include "space.h"
#include "wait.h"

#define SET_WORDS (FILES_MAX / 64)

static struct wait_queue poll_queue;

void poll_changed(void)
{
    wake_all(&poll_queue);
}

/* Repeats `check` until it finds something (> 0, or an error) or time is up. */
static long poll_repeat(long (*check)(void *), void *argument, int64_t timeout)
{
    struct process *process = current_process();
    uint64_t deadline = timeout < 0 ? 0 : clock_monotonic_ns() + timeout;

    if (timeout > 0 && process->sleep_until)
        deadline = process->sleep_until;
    process->sleep_until = 0;
    for (;;) {
        long found = check(argument);
        if (found || !timeout)
            return found;
        int error = wait_until(&poll_queue, deadline);
        if (error == -ETIMEDOUT)
            return check(argument);
        if (error) {
            process->sleep_until = deadline;
            return error;
        }
    }
}

struct poll_set {
    struct pollfd *fds;
    unsigned int count;
};

static long check_fds(void *argument)
{
    struct poll_set *set = argument;
    long ready = 0;

    for (unsigned int i = 0; i < set->count; i++) {
        struct pollfd *fd = &set->fds[i];
        fd->revents = 0;
        if (fd->fd < 0)
            continue;
        struct file *file = files_at(current_process()->files, fd->fd);
        fd->revents = file ? file_poll(file) & (fd->events | POLLERR | POLLHUP) : POLLNVAL;
        ready += fd->revents != 0;
    }
    return ready;
}

long poll_files(uint64_t fds, uint64_t count, int64_t timeout)
{
    struct poll_set set = {.count = count};

    if (count > FILES_MAX)
        return -EINVAL;
    set.fds = kmalloc(count * sizeof(struct pollfd) + 1);
    if (!set.fds)
        return -ENOMEM;
    long ready = -EFAULT;
    if (!copy_from_user(set.fds, fds, count * sizeof(struct pollfd))) {
        ready = poll_repeat(check_fds, &set, timeout);
        if (ready >= 0 && copy_to_user(fds, set.fds, count * sizeof(struct pollfd)))
            ready = -EFAULT;
    }
    kfree(set.fds);
    return ready;
}

enum { READ, WRITE, EXCEPT, SETS };

struct select_set {
    unsigned int count;
    uint64_t asked[SETS][SET_WORDS], found[SETS][SET_WORDS];
};

static bool in_set(const uint64_t *set, unsigned int fd)
{
    return set[fd / 64] >> fd % 64 & 1;
}

static long check_sets(void *argument)
{
    static const unsigned int means[SETS] = {POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR,
                                             POLLPRI};
    struct select_set *set = argument;
    long ready = 0;

    memset(set->found, 0, sizeof(set->found));
    for (unsigned int fd = 0; fd < set->count; fd++) {
        if (!in_set(set->asked[READ], fd) && !in_set(set->asked[WRITE], fd) &&
            !in_set(set->asked[EXCEPT], fd))
            continue;
        struct file *file = files_at(current_process()->files, fd);
        if (!file)
            return -EBADF;
        unsigned int events = file_poll(file);
        for (int i = 0; i < SETS; i++) {
            if (!in_set(set->asked[i], fd) || !(events & means[i]))
                continue;
            set->found[i][fd / 64] |= 1ull << fd % 64;
            ready++;
        }
    }
    return ready;
}

long poll_select(uint64_t count, uint64_t read, uint64_t write, uint64_t except, int64_t timeout)
{
    const uint64_t address[SETS] = {read, write, except};
    struct select_set set;

    if ((int64_t)count < 0)
        return -EINVAL;
    memset(&set, 0, sizeof(set));
    set.count = count < FILES_MAX ? count : FILES_MAX;
    size_t bytes = (set.count + 63) / 64 * 8;
    for (int i = 0; i < SETS; i++)
        if (address[i] && copy_from_user(set.asked[i], address[i], bytes))
            return -EFAULT;
    long ready = poll_repeat(check_sets, &set, timeout);
    for (int i = 0; ready >= 0 && i < SETS; i++)
        if (address[i] && copy_to_user(address[i], set.found[i], bytes))
            return -EFAULT;
    return ready;
}
