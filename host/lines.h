/* SPDX-License-Identifier: MIT */
/* Whole lines from a stream that comes in pieces. */
#ifndef PARAVANE_HOST_LINES_H
#define PARAVANE_HOST_LINES_H

#include <stddef.h>

struct lines {
    void (*take)(void *arg, const char *line);
    void *arg;
    char text[1024]; /* a longer line is given in parts */
    size_t bytes;
};

void lines_feed(struct lines *l, const char *data, size_t bytes);
/* Give the last line although it has no end. */
void lines_finish(struct lines *l);

#endif
