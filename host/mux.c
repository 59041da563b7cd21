/* SPDX-License-Identifier: MIT */
/*
 * The frames on COM2 (hypervisor(8), CONSOLE FRAMES): type, domain, length, payload. Output of
 * guests goes to stdout; input is sent in credit, so that a guest that does not read cannot stop
 * the line for others.
 */
#include "mux.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "state.h"
#include "terminal.h"

#define HEADER 4
#define DOMID_NONE 0xff

void mux_init(struct mux *m, const struct machine *machine, struct outlet *outlet)
{
    memset(m, 0, sizeof(*m));
    m->machine = machine;
    m->outlet = outlet;
}

/* -1: not one of ours. */
static int guest_of(const struct mux *m, unsigned domid)
{
    unsigned index = domid - first_domid(m->machine);

    return index < m->machine->guest_count ? (int)index : -1;
}

static bool is_chosen(const struct mux *m, unsigned index)
{
    return !m->machine->console || strcmp(m->machine->guest[index].name, m->machine->console) == 0;
}

/* Whose console stdin is: the chosen guest, else the first that has not ended. -1: nobody's. */
static int input_guest(const struct mux *m)
{
    for (unsigned i = 0; i < m->machine->guest_count; i++) {
        if (is_chosen(m, i) && !m->guest[i].ended) {
            return (int)i;
        }
    }
    return -1;
}

/* Several guests on one screen: whole lines, each with its guest's name. */
static void put_line(struct mux *m, unsigned index)
{
    struct mux_guest *g = &m->guest[index];
    const char *name = m->machine->guest[index].name;
    bool finished = g->line_bytes && g->line[g->line_bytes - 1] == '\n';

    outlet_put(m->outlet, name, strlen(name));
    outlet_put(m->outlet, ": ", 2);
    outlet_put(m->outlet, g->line, g->line_bytes - finished);
    outlet_put(m->outlet, "\r\n" + !terminal_is_raw(), 1 + terminal_is_raw());
    g->line_bytes = 0;
}

static void output_lines(struct mux *m, unsigned index, const uint8_t *data, size_t bytes)
{
    struct mux_guest *g = &m->guest[index];

    for (size_t i = 0; i < bytes; i++) {
        g->line[g->line_bytes++] = (char)data[i];
        if (data[i] == '\n' || g->line_bytes == sizeof(g->line)) {
            put_line(m, index);
        }
    }
}

static void output(struct mux *m, unsigned index, const uint8_t *data, size_t bytes)
{
    m->guest[index].running = true;
    if (m->machine->guest_count > 1 && !m->machine->console) {
        output_lines(m, index, data, bytes);
    } else if (is_chosen(m, index)) {
        outlet_put(m->outlet, data, bytes);
    }
}

static void acknowledged(struct mux *m, unsigned index, unsigned bytes)
{
    struct mux_guest *g = &m->guest[index];

    g->unacknowledged -= bytes < g->unacknowledged ? bytes : g->unacknowledged;
}

static void state(struct mux *m, unsigned index, const char *text)
{
    switch (state_judge(text, m->machine->guest[index].name, m->machine->verbose)) {
    case STATE_RUNNING:
        m->guest[index].running = true;
        return;
    case STATE_CRASHED:
        m->crashed = true;
        break;
    case STATE_FAILED:
        m->failed = true;
        break;
    case STATE_ENDED:
        break;
    case STATE_UNKNOWN:
        return;
    }
    m->guest[index].ended = true;
}

static void frame(struct mux *m, uint8_t type, uint8_t domid, uint8_t *data, size_t bytes)
{
    int index = guest_of(m, domid);

    m->spoken = true;
    data[bytes] = '\0';
    if (type == 'p') {
        m->panicked = true;
        complain("the hypervisor panicked: %s", (char *)data);
    } else if (type == 'e') {
        m->ended = true;
    } else if (index >= 0 && type == 'o') {
        output(m, (unsigned)index, data, bytes);
    } else if (index >= 0 && type == 'a' && bytes == 2) {
        acknowledged(m, (unsigned)index, (unsigned)(data[0] | data[1] << 8));
    } else if (index >= 0 && type == 's') {
        state(m, (unsigned)index, (char *)data);
    } /* else of a newer hypervisor */
}

void mux_receive(struct mux *m, const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        size_t length;

        m->in[m->in_bytes++] = data[i];
        if (m->in_bytes < HEADER) {
            continue;
        }
        length = (size_t)(m->in[2] | m->in[3] << 8);
        if (m->in_bytes == HEADER + length) {
            m->in_bytes = 0;
            frame(m, m->in[0], m->in[1], m->in + HEADER, length);
        }
    }
}

static void queue(struct mux *m, uint8_t type, uint8_t domid, const uint8_t *data, size_t bytes)
{
    uint8_t *at = m->out + m->out_bytes;

    at[0] = type;
    at[1] = domid;
    at[2] = (uint8_t)bytes;
    at[3] = (uint8_t)(bytes >> 8);
    if (bytes) {
        memcpy(at + HEADER, data, bytes);
    }
    m->out_bytes += HEADER + bytes;
}

size_t mux_input_room(const struct mux *m)
{
    int index = input_guest(m);
    size_t place = sizeof(m->out) - m->out_bytes, room;

    /* Before a guest runs, the hypervisor would drop its input. Two headers: one is for 'q'. */
    if (index < 0 || !m->guest[index].running || place <= 2 * HEADER) {
        return 0;
    }
    room = MUX_CREDIT - m->guest[index].unacknowledged;
    return room < place - 2 * HEADER ? room : place - 2 * HEADER;
}

bool mux_input_is_over(const struct mux *m)
{
    return input_guest(m) < 0;
}

void mux_input(struct mux *m, const uint8_t *data, size_t bytes)
{
    int index = input_guest(m);

    if (bytes && index >= 0) {
        queue(m, 'i', (uint8_t)(first_domid(m->machine) + (unsigned)index), data, bytes);
        m->guest[index].unacknowledged += (unsigned)bytes;
    }
}

void mux_quit(struct mux *m)
{
    if (sizeof(m->out) - m->out_bytes >= HEADER) {
        queue(m, 'q', DOMID_NONE, NULL, 0);
    }
}

bool mux_has_output(const struct mux *m)
{
    return m->out_bytes != 0;
}

void mux_flush(struct mux *m, int fd)
{
    ssize_t n = write(fd, m->out, m->out_bytes);

    if (n > 0) {
        m->out_bytes -= (size_t)n;
        memmove(m->out, m->out + n, m->out_bytes);
    }
}

void mux_finish(struct mux *m)
{
    for (unsigned i = 0; i < m->machine->guest_count; i++) {
        if (m->guest[i].line_bytes) {
            put_line(m, i);
        }
    }
}
