/* SPDX-License-Identifier: MIT */
/*
 * The frames on COM2 (hypervisor(8), CONSOLE FRAMES): type, domain, length, payload. Output of
 * guests goes to stdout; input is sent in credit, so that a guest that does not read cannot stop
 * the line for others.
 */
#include "mux.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "terminal.h"

#define HEADER 4
#define CREDIT 2048 /* input bytes a domain may have unacknowledged */

void mux_init(struct mux *m, const struct machine *machine)
{
    memset(m, 0, sizeof(*m));
    m->machine = machine;
    m->credit = CREDIT;
    m->input_domain = -1;
}

/* Boot guests are numbered in order: from 0 if the first is domain0, else from 1. */
static const struct guest *guest_of(const struct mux *m, unsigned domid)
{
    unsigned first = m->machine->domain0 ? 0 : 1;

    return domid - first < m->machine->guest_count ? &m->machine->guest[domid - first] : NULL;
}

static int domain_of_input(const struct mux *m)
{
    unsigned first = m->machine->domain0 ? 0 : 1;

    for (unsigned i = 0; i < m->machine->guest_count; i++) {
        if (!m->machine->console || strcmp(m->machine->guest[i].name, m->machine->console) == 0) {
            return (int)(first + i);
        }
    }
    return -1;
}

static void write_out(const void *data, size_t bytes)
{
    const char *p = data;

    while (bytes) {
        ssize_t n = write(1, p, bytes);

        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (n < 0) {
            return;
        }
        p += n;
        bytes -= (size_t)n;
    }
}

static void prefix_line(struct mux *m, unsigned domid)
{
    const struct guest *g = guest_of(m, domid);
    struct mux_line *l = &m->line[domid];

    write_out(g->name, strlen(g->name));
    write_out(": ", 2);
    write_out(l->text, l->bytes);
    if (l->bytes == 0 || l->text[l->bytes - 1] != '\n') {
        write_out("\n", 1);
    }
    l->bytes = 0;
}

/* Several guests on one screen: whole lines, each with its guest's name. */
static void output_lines(struct mux *m, unsigned domid, const uint8_t *data, size_t bytes)
{
    struct mux_line *l = &m->line[domid];

    for (size_t i = 0; i < bytes; i++) {
        l->text[l->bytes++] = (char)data[i];
        if (data[i] == '\n' || l->bytes == sizeof(l->text)) {
            prefix_line(m, domid);
        }
    }
}

static void output(struct mux *m, unsigned domid, const uint8_t *data, size_t bytes)
{
    const struct guest *g = guest_of(m, domid);

    if (!g) {
        return;
    }
    if (m->machine->guest_count == 1) {
        write_out(data, bytes);
    } else if (!m->machine->console) {
        output_lines(m, domid, data, bytes);
    } else if (strcmp(g->name, m->machine->console) == 0) {
        write_out(data, bytes);
    }
}

/* The value of `key=` in a state text; up to the next space, or to the end for `why`. */
static bool state_value(const char *text, const char *key, char *dst, size_t size)
{
    const char *at = text;
    size_t n = strlen(key);

    while (at && strncmp(at, key, n) != 0) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    if (!at) {
        return false;
    }
    at += n;
    snprintf(dst, size, "%.*s", (int)(strcmp(key, "why=") == 0 ? strlen(at) : strcspn(at, " ")), at);
    return true;
}

static void state(struct mux *m, const char *text)
{
    char what[32] = "", reason[32] = "", name[64] = "a guest", why[256] = "";

    state_value(text, "state=", what, sizeof(what));
    state_value(text, "reason=", reason, sizeof(reason));
    state_value(text, "name=", name, sizeof(name));
    state_value(text, "why=", why, sizeof(why));
    if (strcmp(what, "killed") == 0) {
        m->crashed = true;
        terminal_note("paravane: %s was stopped: %s", name, why);
    } else if (strcmp(what, "failed") == 0) {
        m->failed = true;
        terminal_note("paravane: %s could not be started: %s", name, why);
    } else if (strcmp(what, "shutdown") == 0) {
        if (strcmp(reason, "poweroff") != 0 && strcmp(reason, "reboot") != 0) {
            m->crashed = true;
            terminal_note("paravane: %s ended: %s", name, reason);
        } else if (m->machine->verbose) {
            terminal_note("paravane: %s ended: %s", name, reason);
        }
    }
}

static void frame(struct mux *m, uint8_t type, uint8_t domid, uint8_t *data, size_t bytes)
{
    m->frames++;
    switch (type) {
    case 'o':
        output(m, domid, data, bytes);
        break;
    case 'a':
        if (bytes == 2 && (int)domid == m->input_domain) {
            m->credit += (size_t)(data[0] | data[1] << 8);
            m->credit = m->credit > CREDIT ? CREDIT : m->credit;
        }
        break;
    case 's':
        data[bytes] = '\0';
        state(m, (char *)data);
        break;
    case 'p':
        data[bytes] = '\0';
        m->panicked = true;
        terminal_note("paravane: the hypervisor panicked: %s", (char *)data);
        break;
    case 'e':
        m->ended = true;
        break;
    default:
        break; /* of a newer hypervisor */
    }
}

void mux_receive(struct mux *m, const uint8_t *data, size_t bytes)
{
    while (bytes--) {
        size_t length;

        m->in[m->in_bytes++] = *data++;
        if (m->in_bytes < HEADER) {
            continue;
        }
        length = (size_t)(m->in[2] | m->in[3] << 8);
        if (m->in_bytes == HEADER + length) {
            frame(m, m->in[0], m->in[1], m->in + HEADER, length);
            m->in_bytes = 0;
        }
    }
}

static void queue(struct mux *m, uint8_t type, uint8_t domid, const uint8_t *data, size_t bytes)
{
    if (m->out_bytes + HEADER + bytes > sizeof(m->out)) {
        return; /* cannot be: input is limited by credit */
    }
    m->out[m->out_bytes++] = type;
    m->out[m->out_bytes++] = domid;
    m->out[m->out_bytes++] = (uint8_t)bytes;
    m->out[m->out_bytes++] = (uint8_t)(bytes >> 8);
    if (bytes) {
        memcpy(m->out + m->out_bytes, data, bytes);
        m->out_bytes += bytes;
    }
}

size_t mux_input_room(const struct mux *m)
{
    /* Nothing is sent before the hypervisor has spoken: its port may not be set up yet. */
    return m->frames ? m->credit : 0;
}

void mux_input(struct mux *m, const uint8_t *data, size_t bytes)
{
    m->input_domain = domain_of_input(m);
    if (bytes && m->input_domain >= 0) {
        queue(m, 'i', (uint8_t)m->input_domain, data, bytes);
        m->credit -= bytes;
    }
}

void mux_quit(struct mux *m)
{
    queue(m, 'q', 0xff, NULL, 0);
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
    for (unsigned domid = 0; domid < MUX_DOMAINS; domid++) {
        if (m->line[domid].bytes && guest_of(m, domid)) {
            prefix_line(m, domid);
        }
    }
}
