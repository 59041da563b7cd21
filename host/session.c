/* SPDX-License-Identifier: MIT */
/*
 * A run from start to end: QEMU's two lines, the terminal, the clock and signals in one poll loop.
 * The guest's console is stdout, byte for byte; everything else that is said goes to stderr.
 */
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "mux.h"
#include "qemu.h"
#include "terminal.h"

struct session {
    const struct machine *machine;
    struct qemu qemu;
    struct mux mux;
    int signal_fd;
    FILE *log;
    char log_line[1024];
    size_t log_bytes;
    bool qemu_gone, stdin_open, stopped;
    bool no_qemu; /* it could not even be started, and has said so */
    int64_t deadline_ms; /* 0 = none */
    int64_t kill_ms;     /* when QEMU is no longer waited for; 0 = not ending */
};

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A whole line of the hypervisor's log. Errors are shown in any case, all of it with -v. */
static void log_line(struct session *s, const char *line)
{
    const char *level = strstr(line, "] ");

    if (s->log) {
        fprintf(s->log, "%s\n", line);
        fflush(s->log);
    }
    if (s->machine->verbose || (level && strncmp(level, "] E:", 4) == 0)) {
        terminal_note("%s", line);
    }
}

static void log_input(struct session *s)
{
    char buffer[4096];
    ssize_t n = read(s->qemu.log_fd, buffer, sizeof(buffer));

    for (ssize_t i = 0; i < n; i++) {
        if (buffer[i] == '\n' || s->log_bytes + 1 == sizeof(s->log_line)) {
            s->log_line[s->log_bytes] = '\0';
            log_line(s, s->log_line);
            s->log_bytes = 0;
        }
        if (buffer[i] != '\n' && buffer[i] != '\r') {
            s->log_line[s->log_bytes++] = buffer[i];
        }
    }
    if (n == 0) {
        close(s->qemu.log_fd);
        s->qemu.log_fd = -1;
    }
}

static void mux_readable(struct session *s)
{
    uint8_t buffer[8192];
    ssize_t n = read(s->qemu.mux_fd, buffer, sizeof(buffer));

    if (n > 0) {
        mux_receive(&s->mux, buffer, (size_t)n);
    } else if (n == 0) {
        close(s->qemu.mux_fd);
        s->qemu.mux_fd = -1;
    }
}

static void ask_to_stop(struct session *s)
{
    if (!s->kill_ms) {
        mux_quit(&s->mux);
        s->stopped = true;
        s->kill_ms = now_ms() + 2000;
    } else {
        kill(s->qemu.pid, SIGKILL);
    }
}

static void signal_readable(struct session *s)
{
    struct signalfd_siginfo info;
    int status;

    if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info)) {
        return;
    }
    if (info.ssi_signo == SIGCHLD) {
        if (waitpid(s->qemu.pid, &status, WNOHANG) == s->qemu.pid) {
            s->qemu_gone = true;
            s->no_qemu = WIFEXITED(status) && WEXITSTATUS(status) == 127;
        }
        return;
    }
    ask_to_stop(s);
}

static void stdin_readable(struct session *s)
{
    uint8_t buffer[1024], typed[1024];
    size_t room = mux_input_room(&s->mux), n_typed;
    ssize_t n = read(0, buffer, room < sizeof(buffer) ? room : sizeof(buffer));

    if (n <= 0) {
        s->stdin_open = n < 0 && (errno == EINTR || errno == EAGAIN);
        return;
    }
    n_typed = terminal_escape(buffer, (size_t)n, typed);
    mux_input(&s->mux, typed, n_typed);
    if (terminal_quit_asked()) {
        ask_to_stop(s);
    }
}

static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static int next_wait(const struct session *s)
{
    int64_t at = s->deadline_ms, now = now_ms();

    if (s->kill_ms && (!at || s->kill_ms < at)) {
        at = s->kill_ms;
    }
    return !at ? -1 : at <= now ? 0 : (int)(at - now);
}

/* True when the time given is over. */
static bool clocks(struct session *s)
{
    int64_t now = now_ms();

    if (s->kill_ms && now >= s->kill_ms) {
        kill(s->qemu.pid, SIGKILL);
        s->kill_ms = now + 2000;
    }
    return s->deadline_ms && now >= s->deadline_ms;
}

static bool pump(struct session *s)
{
    struct pollfd fds[4] = {
        {.fd = s->qemu.log_fd, .events = POLLIN},
        {.fd = s->qemu.mux_fd,
         .events = (short)(POLLIN | (mux_has_output(&s->mux) ? POLLOUT : 0))},
        {.fd = s->signal_fd, .events = POLLIN},
        {.fd = s->stdin_open && mux_input_room(&s->mux) ? 0 : -1, .events = POLLIN},
    };

    if (poll(fds, 4, next_wait(s)) < 0 && errno != EINTR) {
        return false;
    }
    if (fds[0].revents) {
        log_input(s);
    }
    if (fds[1].revents & POLLOUT) {
        mux_flush(&s->mux, s->qemu.mux_fd);
    }
    if (fds[1].revents & (POLLIN | POLLHUP | POLLERR)) {
        mux_readable(s);
    }
    if (fds[2].revents) {
        signal_readable(s);
    }
    if (fds[3].revents) {
        stdin_readable(s);
    }
    return true;
}

/* What QEMU still had in its sockets when it ended. */
static void drain(struct session *s)
{
    for (unsigned i = 0; i < 1000 && s->qemu.log_fd >= 0; i++) {
        log_input(s);
        if (errno == EAGAIN) {
            break;
        }
    }
    for (unsigned i = 0; i < 10000 && s->qemu.mux_fd >= 0; i++) {
        errno = 0;
        mux_readable(s);
        if (errno == EAGAIN) {
            break;
        }
    }
}

static int verdict(struct session *s, bool timed_out)
{
    if (s->mux.panicked) {
        return EXIT_PANIC;
    }
    if (timed_out) {
        complain("the time of %u s is over", s->machine->timeout_s);
        return EXIT_TIMEOUT;
    }
    if (s->stopped) {
        return EXIT_CRASH;
    }
    if (s->no_qemu) {
        return EXIT_USAGE;
    }
    if (!s->mux.ended) {
        complain("QEMU ended unexpectedly");
        return s->mux.frames ? EXIT_PANIC : EXIT_USAGE;
    }
    if (s->mux.failed) {
        return EXIT_USAGE;
    }
    return s->mux.crashed ? EXIT_CRASH : EXIT_POWEROFF;
}

int session_run(const struct machine *m)
{
    struct session s = {.machine = m, .stdin_open = true};
    bool timed_out = false;

    if (m->log_file && !(s.log = fopen(m->log_file, "we"))) {
        complain("%s: log: %s", m->log_file, strerror(errno));
        return EXIT_USAGE;
    }
    s.signal_fd = open_signals();
    mux_init(&s.mux, m);
    if (!qemu_start(m, &s.qemu)) {
        return EXIT_USAGE;
    }
    if (m->timeout_s) {
        s.deadline_ms = now_ms() + (int64_t)m->timeout_s * 1000;
    }
    terminal_raw();
    while (!s.qemu_gone && !timed_out && pump(&s)) {
        timed_out = clocks(&s);
    }
    if (!s.qemu_gone) {
        kill(s.qemu.pid, SIGKILL);
        waitpid(s.qemu.pid, NULL, 0);
    }
    drain(&s);
    mux_finish(&s.mux);
    terminal_restore();
    if (s.log) {
        fclose(s.log);
    }
    return verdict(&s, timed_out);
}
