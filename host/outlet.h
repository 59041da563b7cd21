/* SPDX-License-Identifier: MIT */
/* Standard output without ever waiting for its reader. */
#ifndef PARAVANE_HOST_OUTLET_H
#define PARAVANE_HOST_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

struct outlet {
    int fd;
    int error; /* errno of the write that failed; from then on everything is dropped */
    char *data;
    size_t start, end, size; /* data[start..end) waits */
};

void outlet_put(struct outlet *o, const void *data, size_t bytes);
/* Write what the reader takes now. */
void outlet_flush(struct outlet *o);
bool outlet_is_empty(const struct outlet *o);
/* So much waits that no more should be fetched. */
bool outlet_is_full(const struct outlet *o);
void outlet_free(struct outlet *o);

#endif
