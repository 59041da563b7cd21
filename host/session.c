/* SPDX-License-Identifier: MIT */
/*
 * A run from start to end: QEMU's lines, the terminal, the clock and signals in one poll loop.
 * The guest's console is stdout, byte for byte; everything else that is said goes to stderr.
 */
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "lines.h"
#include "mux.h"
#include "outlet.h"
#include "qemu.h"
#include "signals.h"
#include "terminal.h"

#define GRACE_MS 2000 /* between asking QEMU to end and killing it */

struct session {
    const struct machine *machine;
    struct qemu qemu;
    struct mux mux;
    struct outlet outlet;
    struct lines log, qemu_says;
    bool log_seen;       /* the hypervisor has run */
    char launch[1024];   /* the last that QEMU said */
    uint8_t typed[4096]; /* stdin that the guest has no room for yet */
    size_t typed_bytes;
    bool stdin_open;
    bool qemu_gone;
    int qemu_status; /* of wait(2) */
    bool stopped;    /* by the person, a signal or a broken stdout */
    bool timed_out;
    int64_t deadline_ms; /* of --timeout; 0 = none */
    int64_t kill_ms;     /* when QEMU is no longer waited for; 0 = not ending */
    int64_t leave_ms;    /* when stdout's reader is no longer waited for; 0 = ever */
};

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_error(const char *line)
{
    const char *level = line[0] == '[' ? strstr(line, "] ") : NULL;

    return level && strncmp(level, "] E:", 4) == 0;
}

/* A line of the hypervisor's log. Errors are shown in any case, all of it with -v. */
static void log_line(void *arg, const char *line)
{
    struct session *s = arg;

    s->log_seen = true;
    if (s->machine->log) {
        fprintf(s->machine->log, "%s\n", line);
        fflush(s->machine->log);
    }
    if (s->machine->verbose || is_error(line)) {
        terminal_note("", line);
    }
}

/* A line of QEMU: of interest if it turns out to be its last. */
static void qemu_line(void *arg, const char *line)
{
    struct session *s = arg;
    const char *text = strstr(line, ": ");

    snprintf(s->launch, sizeof(s->launch), "%s", text ? text + 2 : line);
    if (s->machine->verbose) {
        complain("QEMU: %s", s->launch);
    }
}

/* False when there is nothing more to read now. */
static bool read_lines(int *fd, struct lines *l)
{
    char buffer[4096];
    ssize_t n = *fd < 0 ? 0 : read(*fd, buffer, sizeof(buffer));

    if (n > 0) {
        lines_feed(l, buffer, (size_t)n);
    } else if (*fd >= 0 && (n == 0 || errno != EAGAIN)) {
        close(*fd);
        *fd = -1;
    }
    return n > 0;
}

static bool read_mux(struct session *s)
{
    uint8_t buffer[8192];
    ssize_t n = s->qemu.mux_fd < 0 ? 0 : read(s->qemu.mux_fd, buffer, sizeof(buffer));

    if (n > 0) {
        mux_receive(&s->mux, buffer, (size_t)n);
    } else if (s->qemu.mux_fd >= 0 && (n == 0 || errno != EAGAIN)) {
        close(s->qemu.mux_fd);
        s->qemu.mux_fd = -1;
    }
    return n > 0;
}

static void kill_qemu(const struct session *s)
{
    if (!s->qemu_gone) {
        kill(s->qemu.pid, SIGKILL);
    }
}

/* The first time politely, if the hypervisor is there to be asked; then at once. */
static void stop(struct session *s)
{
    if (!s->stopped && s->mux.spoken && !s->qemu_gone) {
        mux_quit(&s->mux);
        s->kill_ms = now_ms() + GRACE_MS;
    } else {
        kill_qemu(s);
        s->leave_ms = now_ms() + GRACE_MS / 4;
    }
    s->stopped = true;
}

/* QEMU has ended: take what is still in its sockets. */
static void reap(struct session *s)
{
    if (s->qemu_gone || waitpid(s->qemu.pid, &s->qemu_status, WNOHANG) != s->qemu.pid) {
        return;
    }
    s->qemu_gone = true;
    while (read_lines(&s->qemu.log_fd, &s->log)) {
    }
    while (read_lines(&s->qemu.err_fd, &s->qemu_says)) {
    }
    while (read_mux(s)) {
    }
    lines_finish(&s->log);
    lines_finish(&s->qemu_says);
    mux_finish(&s->mux);
}

static void take_signals(struct session *s)
{
    int signal;

    while ((signal = signals_take()) != 0) {
        if (signal == SIGCHLD) {
            reap(s);
        } else {
            stop(s);
        }
    }
}

/* On a terminal the escape must always be seen: what the guest cannot take is kept, and dropped
 * when that is full. Elsewhere nothing is read that cannot be kept. */
static void read_stdin(struct session *s)
{
    uint8_t buffer[1024];
    size_t place = sizeof(s->typed) - s->typed_bytes, n_typed;
    ssize_t n =
        read(0, buffer, terminal_is_raw() || place > sizeof(buffer) ? sizeof(buffer) : place);

    if (n <= 0) {
        s->stdin_open = n < 0 && (errno == EINTR || errno == EAGAIN);
        return;
    }
    n_typed = terminal_escape(buffer, (size_t)n);
    n_typed = n_typed < place ? n_typed : place;
    memcpy(s->typed + s->typed_bytes, buffer, n_typed);
    s->typed_bytes += n_typed;
    if (terminal_quit_asked()) {
        stop(s);
    }
}

static void pass_input(struct session *s)
{
    size_t room = mux_input_room(&s->mux);
    size_t n = s->typed_bytes < room ? s->typed_bytes : room;

    if (mux_input_is_over(&s->mux)) {
        s->typed_bytes = 0;
    } else if (n > 0) {
        mux_input(&s->mux, s->typed, n);
        s->typed_bytes -= n;
        memmove(s->typed, s->typed + n, s->typed_bytes);
    }
}

static bool wants_stdin(const struct session *s)
{
    return s->stdin_open && !s->qemu_gone &&
           (terminal_is_raw() ||
            (s->typed_bytes < sizeof(s->typed) && !mux_input_is_over(&s->mux)));
}

static int next_wait(const struct session *s)
{
    const int64_t at[] = {s->deadline_ms, s->qemu_gone ? 0 : s->kill_ms, s->leave_ms};
    int64_t first = INT64_MAX, now = now_ms();

    for (unsigned i = 0; i < 3; i++) {
        first = at[i] && at[i] < first ? at[i] : first;
    }
    return first == INT64_MAX ? -1 : first <= now ? 0 : (int)(first - now);
}

static void clocks(struct session *s)
{
    int64_t now = now_ms();

    if (s->deadline_ms && now >= s->deadline_ms) {
        s->deadline_ms = 0;
        s->timed_out = !s->mux.ended;
        kill_qemu(s);
        s->leave_ms = now + GRACE_MS / 4;
    }
    if ((s->mux.ended || s->mux.panicked) && !s->kill_ms) {
        s->kill_ms = now + GRACE_MS; /* it ought to end by itself */
    }
    if (s->kill_ms && now >= s->kill_ms) {
        kill_qemu(s);
        s->kill_ms = now + GRACE_MS;
    }
    if (s->outlet.error && !s->stopped && !s->mux.ended) {
        complain("standard output: %s", strerror(s->outlet.error));
        stop(s);
    }
}

static void pump(struct session *s)
{
    struct pollfd fds[] = {
        {.fd = s->qemu.log_fd, .events = POLLIN},
        {.fd = s->qemu.err_fd, .events = POLLIN},
        {.fd = s->qemu.mux_fd,
         .events = (short)((outlet_is_full(&s->outlet) ? 0 : POLLIN) |
                           (mux_has_output(&s->mux) ? POLLOUT : 0))},
        {.fd = signals_fd(), .events = POLLIN},
        {.fd = wants_stdin(s) ? 0 : -1, .events = POLLIN},
        {.fd = outlet_is_empty(&s->outlet) ? -1 : s->outlet.fd, .events = POLLOUT},
    };

    if (poll(fds, sizeof(fds) / sizeof(fds[0]), next_wait(s)) < 0) {
        return;
    }
    if (fds[0].revents) {
        read_lines(&s->qemu.log_fd, &s->log);
    }
    if (fds[1].revents) {
        read_lines(&s->qemu.err_fd, &s->qemu_says);
    }
    if (fds[2].revents & POLLOUT) {
        mux_flush(&s->mux, s->qemu.mux_fd);
    }
    if (fds[2].revents & ~POLLOUT) {
        read_mux(s);
    }
    if (fds[3].revents) {
        take_signals(s);
    }
    if (fds[4].revents) {
        read_stdin(s);
    }
    pass_input(s);
    outlet_flush(&s->outlet);
}

static int launch_failed(const struct session *s)
{
    if (WIFEXITED(s->qemu_status) && s->launch[0]) {
        complain("QEMU: %s", s->launch);
    } else {
        complain("QEMU ended before the hypervisor started");
    }
    return WIFEXITED(s->qemu_status) ? EXIT_USAGE : EXIT_PANIC;
}

static int verdict(const struct session *s)
{
    if (s->mux.panicked) {
        return EXIT_PANIC;
    }
    if (s->timed_out) {
        complain("--timeout: the %u seconds are over", s->machine->timeout_s);
        return EXIT_TIMEOUT;
    }
    if (s->stopped) {
        return EXIT_CRASH;
    }
    if (!s->mux.ended && !s->mux.spoken && !s->log_seen) {
        return launch_failed(s);
    }
    if (!s->mux.ended) {
        complain("QEMU ended unexpectedly%s%s", s->launch[0] ? ": " : "", s->launch);
        return EXIT_PANIC;
    }
    if (s->mux.failed) {
        return EXIT_USAGE;
    }
    return s->mux.crashed ? EXIT_CRASH : EXIT_POWEROFF;
}

int session_run(const struct machine *m)
{
    static struct session s;

    s.machine = m;
    s.outlet.fd = STDOUT_FILENO;
    s.stdin_open = true;
    s.log = (struct lines){.take = log_line, .arg = &s};
    s.qemu_says = (struct lines){.take = qemu_line, .arg = &s};
    mux_init(&s.mux, m, &s.outlet);
    for (int signal; (signal = signals_take()) != 0;) {
        if (signal != SIGCHLD) {
            return EXIT_CRASH; /* while the kernel was being unpacked */
        }
    }
    if (!qemu_start(m, &s.qemu)) {
        return EXIT_USAGE;
    }
    if (m->timeout_s) {
        s.deadline_ms = now_ms() + (int64_t)m->timeout_s * 1000;
    }
    terminal_raw();
    while (!s.qemu_gone ||
           (!outlet_is_empty(&s.outlet) && (!s.leave_ms || now_ms() < s.leave_ms))) {
        pump(&s);
        clocks(&s);
    }
    terminal_restore();
    outlet_free(&s.outlet);
    return verdict(&s);
}
