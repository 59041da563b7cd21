/* SPDX-License-Identifier: MIT */
/*
 * The log: lines to COM1 and to a ring of the last 64 KiB, the why-line of refusals, and panic.
 * log_lock guards the ring, the UART and every domain's rate limit; panic() ignores it, because
 * its holder may be what broke. Read by people and by the paravane command: hypervisor(8).
 */
#include "log.h"

#include <string.h>

#include "console.h"
#include "dispatch.h"
#include "domain.h"
#include "trace.h"

#define RING_BYTES 65536u /* a power of two */
#define LINE_BYTES 512u

enum log_level log_threshold = LOG_INFO;

static spinlock_t log_lock;
static char ring[RING_BYTES];
static uint64_t ring_end; /* bytes ever written */
static const char *line_end = "\n";
static bool midline; /* COM1 stands within a guest's line */
static bool panicking;

static void lock(void)
{
    if (!panicking) {
        spin_lock(&log_lock);
    }
}

static void unlock(void)
{
    if (!panicking) {
        spin_unlock(&log_lock);
    }
}

static void ring_append(const char *text, size_t bytes)
{
    size_t at = ring_end % RING_BYTES;
    size_t first = bytes < RING_BYTES - at ? bytes : RING_BYTES - at;

    memcpy(ring + at, text, first);
    memcpy(ring, text + first, bytes - first);
    ring_end += bytes;
}

size_t log_copy(char *dst, size_t bytes)
{
    uint64_t start, length;

    lock();
    length = ring_end < RING_BYTES ? ring_end : RING_BYTES;
    length = length < bytes ? length : bytes;
    start = ring_end - length;
    for (uint64_t i = 0; i < length; i++) {
        dst[i] = ring[(start + i) % RING_BYTES];
    }
    unlock();
    return length;
}

void log_set_terminal(bool terminal)
{
    line_end = terminal ? "\r\n" : "\n";
}

void log_raw(const char *text, size_t bytes)
{
    if (bytes == 0) {
        return;
    }
    lock();
    machine_uart_write(0, text, bytes);
    midline = text[bytes - 1] != '\n';
    unlock();
}

bool log_is_midline(void)
{
    return midline;
}

/* One whole line into ring and UART; log_lock held. */
static void emit(enum log_level level, const char *fmt, va_list ap)
{
    static const char letters[] = "EWID";
    char line[LINE_BYTES];
    uint64_t us = machine_now() / 1000;
    size_t room = sizeof(line) - 2; /* the line end */
    size_t length;

    length = format(line, room, "[%lu.%06lu] %c: ", us / 1000000, us % 1000000, letters[level]);
    length += vformat(line + length, room - length, fmt, ap);
    if (length >= room) {
        length = room - 1;
        memcpy(line + length - 3, "...", 3);
    }
    line[length] = '\n';
    ring_append(line, length + 1);
    if (midline) {
        midline = false;
        machine_uart_write(0, line_end, strlen(line_end));
    }
    memcpy(line + length, line_end, strlen(line_end));
    machine_uart_write(0, line, length + strlen(line_end));
}

static void emit_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void emit_line(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    emit(level, fmt, ap);
    va_end(ap);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    if (level > log_threshold) {
        return;
    }
    va_start(ap, fmt);
    lock();
    emit(level, fmt, ap);
    unlock();
    va_end(ap);
}

static void say_dropped(struct domain *d)
{
    if (d->log_dropped > 0) {
        emit_line(LOG_WARNING, "d%u %lu more refused", d->id, d->log_dropped);
        d->log_dropped = 0;
    }
}

/* True if d may have one more line in this second; log_lock held. */
static bool take_token(struct domain *d)
{
    uint64_t second = machine_now() / 1000000000ull + 1; /* never 0, which a new domain has */

    if (d->log_second != second) {
        d->log_second = second;
        d->log_tokens = REFUSE_LINES_PER_SECOND;
        say_dropped(d);
    }
    if (d->log_tokens == 0) {
        d->log_dropped++;
        return false;
    }
    d->log_tokens--;
    return true;
}

/* What v was asking for: the hypercall being served, or a trap. */
static const char *request_name(const struct vcpu *v)
{
    return v->hc.nr == HYPERCALL_NONE ? "trap" : hypercall_name(v->hc.nr);
}

int refuse(struct vcpu *v, int err, const char *rule, const char *fmt, ...)
{
    char text[LINE_BYTES / 2];
    va_list ap;

    if (LOG_WARNING > log_threshold) {
        return -err;
    }
    va_start(ap, fmt);
    lock();
    if (v == NULL) {
        vformat(text, sizeof(text), fmt, ap);
        emit_line(LOG_WARNING, "hv %s %s: %s", errno_name(err), rule, text);
    } else {
        v->domain->refused++;
        if (take_token(v->domain)) {
            vformat(text, sizeof(text), fmt, ap);
            emit_line(LOG_WARNING, "d%uv%u %s %s %s: %s", v->domain->id, v->id, request_name(v),
                      errno_name(err), rule, text);
        }
    }
    unlock();
    va_end(ap);
    return -err;
}

void refuse_flush(struct domain *d)
{
    lock();
    say_dropped(d);
    unlock();
}

void panic(const char *fmt, ...)
{
    static bool again;
    char text[LINE_BYTES / 2];
    va_list ap;

    panicking = true;
    va_start(ap, fmt);
    vformat(text, sizeof(text), fmt, ap);
    va_end(ap);
    emit_line(LOG_ERROR, "PANIC: %s", text);
    if (!again) { /* a fault while dumping ends the dump, not the machine's last words */
        again = true;
        machine_dump();
        trace_dump(NULL, 24);
    }
    console_panic(text);
    machine_end(MACHINE_PANIC);
}

static const struct {
    int number;
    const char *name;
} errnos[] = {
#define XEN_ERRNO(name, value) {value, #name},
#include <xen/errno.h>
};

const char *errno_name(int err)
{
    for (size_t i = 0; i < ARRAY_LEN(errnos); i++) {
        if (errnos[i].number == err || errnos[i].number == -err) {
            return errnos[i].name;
        }
    }
    return "E?";
}
