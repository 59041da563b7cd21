/* SPDX-License-Identifier: MIT */
/* The console channel between this command and the hypervisor. */
#ifndef PARAVANE_HOST_MUX_H
#define PARAVANE_HOST_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest.h"

#define MUX_DOMAINS 256

struct mux_line {
    char text[512];
    size_t bytes;
};

struct mux {
    const struct machine *machine;
    uint8_t in[4 + 65536 + 1]; /* one frame and room for a final 0 */
    size_t in_bytes;
    uint8_t out[8192];
    size_t out_bytes;
    size_t credit;    /* input bytes that may still be sent */
    int input_domain; /* domid that input went to last, -1 = none yet */
    struct mux_line line[MUX_DOMAINS];
    uint64_t frames;  /* received */
    bool ended, panicked, crashed, failed;
};

void mux_init(struct mux *m, const struct machine *machine);
void mux_receive(struct mux *m, const uint8_t *data, size_t bytes);
size_t mux_input_room(const struct mux *m);
void mux_input(struct mux *m, const uint8_t *data, size_t bytes);
void mux_quit(struct mux *m);
bool mux_has_output(const struct mux *m);
void mux_flush(struct mux *m, int fd);
/* Show what is left of unfinished lines. */
void mux_finish(struct mux *m);

#endif
