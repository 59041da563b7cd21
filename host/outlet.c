/* SPDX-License-Identifier: MIT */
/*
 * A queue in front of standard output. A reader that does not read (a pager, a stopped pipe) holds
 * up the guest's console, but neither signals nor the time limit. The descriptor stays blocking,
 * since others may share it: it is only written to when poll() says so, at most PIPE_BUF at once.
 */
#include "outlet.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FULL_BYTES 65536u

static void make_room(struct outlet *o, size_t bytes)
{
    if (o->start > 0) {
        memmove(o->data, o->data + o->start, o->end - o->start);
        o->end -= o->start;
        o->start = 0;
    }
    if (o->size - o->end < bytes) {
        o->size = 2 * (o->end + bytes);
        o->data = realloc(o->data, o->size);
        if (!o->data) {
            abort();
        }
    }
}

void outlet_put(struct outlet *o, const void *data, size_t bytes)
{
    if (o->error || bytes == 0) {
        return;
    }
    if (o->size - o->end < bytes) {
        make_room(o, bytes);
    }
    memcpy(o->data + o->end, data, bytes);
    o->end += bytes;
}

void outlet_flush(struct outlet *o)
{
    struct pollfd out = {.fd = o->fd, .events = POLLOUT};

    while (o->start < o->end && poll(&out, 1, 0) > 0) {
        size_t bytes = o->end - o->start;
        ssize_t n = write(o->fd, o->data + o->start, bytes < PIPE_BUF ? bytes : PIPE_BUF);

        if (n < 0 && errno != EINTR && errno != EAGAIN) {
            o->error = errno;
            o->end = o->start;
        }
        if (n < 0) {
            return;
        }
        o->start += (size_t)n;
    }
}

bool outlet_is_empty(const struct outlet *o)
{
    return o->start == o->end;
}

bool outlet_is_full(const struct outlet *o)
{
    return o->end - o->start >= FULL_BYTES;
}

void outlet_free(struct outlet *o)
{
    free(o->data);
    o->data = NULL;
    o->start = o->end = o->size = 0;
}
