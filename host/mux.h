/* SPDX-License-Identifier: MIT */
/* The console channel between this command and the hypervisor. */
#ifndef PARAVANE_HOST_MUX_H
#define PARAVANE_HOST_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest.h"
#include "outlet.h"

#define MUX_CREDIT 2048 /* input bytes a domain may have unacknowledged */

/* What is known of one guest; the index is its place in struct machine. */
struct mux_guest {
    bool running, ended;
    unsigned unacknowledged;
    char line[512]; /* begun, not yet shown */
    size_t line_bytes;
};

struct mux {
    const struct machine *machine;
    struct outlet *outlet;
    uint8_t in[4 + 65535 + 1]; /* one frame and room for a final 0 */
    size_t in_bytes;
    uint8_t out[8192]; /* frames to send */
    size_t out_bytes;
    struct mux_guest guest[GUESTS_MAX];
    bool spoken; /* a frame has come */
    bool ended, panicked, crashed, failed;
};

void mux_init(struct mux *m, const struct machine *machine, struct outlet *outlet);
void mux_receive(struct mux *m, const uint8_t *data, size_t bytes);
/* Bytes that the guest with our input takes now. */
size_t mux_input_room(const struct mux *m);
/* No guest will ever take input again. */
bool mux_input_is_over(const struct mux *m);
void mux_input(struct mux *m, const uint8_t *data, size_t bytes);
/* Ask the hypervisor to end. */
void mux_quit(struct mux *m);
bool mux_has_output(const struct mux *m);
void mux_flush(struct mux *m, int fd);
/* Show what is left of unfinished lines. */
void mux_finish(struct mux *m);

#endif
