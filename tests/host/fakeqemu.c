/* SPDX-License-Identifier: MIT */
/*
 * In place of QEMU (paravane run --qemu): speaks the hypervisor's side of the console channel, as
 * `fake=NAME` among the hypervisor's options tells it. Each script is one situation that the
 * command must cope with; none of them needs a machine.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int log_fd = -1, mux_fd = -1;
static const char *modules;

static void send_all(int fd, const void *data, size_t bytes)
{
    const char *p = data;

    while (bytes) {
        ssize_t n = write(fd, p, bytes);

        if (n <= 0) {
            _exit(9);
        }
        p += n;
        bytes -= (size_t)n;
    }
}

static void send_frame(char type, unsigned domid, const void *data, size_t bytes)
{
    const uint8_t header[4] = {(uint8_t)type, (uint8_t)domid, (uint8_t)bytes,
                               (uint8_t)(bytes >> 8)};

    send_all(mux_fd, header, sizeof(header));
    send_all(mux_fd, data, bytes);
}

static void text(char type, unsigned domid, const char *s)
{
    send_frame(type, domid, s, strlen(s));
}

static void log_line(const char *s)
{
    send_all(log_fd, s, strlen(s));
}

static void wait_for_ever(void)
{
    for (;;) {
        pause();
    }
}

static void end(void)
{
    text('e', 0xff, "");
    exit(1);
}

static bool read_bytes(void *dst, size_t bytes)
{
    uint8_t *p = dst;

    for (size_t done = 0; done < bytes;) {
        ssize_t n = read(mux_fd, p + done, bytes - done);

        if (n <= 0) {
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

/* The next frame from the command; 'q' ends us as it ends the hypervisor. */
static size_t receive(uint8_t *payload, uint8_t *domid)
{
    uint8_t header[4];
    size_t bytes;

    if (!read_bytes(header, sizeof(header))) {
        exit(8);
    }
    bytes = (size_t)(header[2] | header[3] << 8);
    if (bytes > 65535 || !read_bytes(payload, bytes)) {
        exit(8);
    }
    if (header[0] == 'q') {
        log_line("[0.2] I: asked to end\n");
        end();
    }
    *domid = header[1];
    return header[0] == 'i' ? bytes : 0;
}

static void acknowledge(unsigned domid, unsigned bytes)
{
    send_frame('a', domid, (uint8_t[]){(uint8_t)bytes, (uint8_t)(bytes >> 8)}, 2);
}

static void start(void)
{
    log_line("[0.000001] I: Paravane, not really\r\n[0.000002] E: an error\r\n");
    text('s', 1, "state=running name=g");
}

/* Scripts. */

static void script_poweroff(void)
{
    uint8_t all[256];

    for (unsigned i = 0; i < 256; i++) {
        all[i] = (uint8_t)i;
    }
    start();
    send_frame('o', 1, all, sizeof(all));
    text('s', 1, "state=shutdown reason=poweroff name=g");
    end();
}

static void script_reboot(void)
{
    start();
    text('s', 1, "state=shutdown reason=reboot name=g");
    end();
}

static void script_crash(void)
{
    start();
    text('s', 1, "state=shutdown reason=crash name=g");
    end();
}

static void script_killed(void)
{
    start();
    text('s', 1, "state=killed name=g why=it did a \x1b[31mwrong thing");
    end();
}

static void script_failed(void)
{
    log_line("[0.1] I: hello\n");
    text('s', 1, "state=failed name=g why=no room for it");
    end();
}

static void script_panic(void)
{
    start();
    log_line("[0.3] E: PANIC: all is lost\n");
    text('p', 0xff, "all is lost");
    exit(7);
}

static void script_panic_hangs(void)
{
    text('p', 0xff, "all is lost");
    wait_for_ever();
}

static void script_end_hangs(void)
{
    start();
    text('s', 1, "state=shutdown reason=poweroff name=g");
    text('e', 0xff, "");
    wait_for_ever();
}

static void script_dies(void)
{
    start();
    raise(SIGKILL);
}

static void script_dies_early(void)
{
    log_line("[0.0] E: PANIC: before the channel");
    exit(7);
}

static void script_refuses(void)
{
    fprintf(stderr, "fakeqemu: a warning\nfakeqemu: there is no such CPU\n");
    exit(1);
}

static void script_silent(void)
{
    exit(0);
}

static void script_hangs(void)
{
    start();
    wait_for_ever();
}

static void script_mute(void)
{
    wait_for_ever();
}

static void script_waits(void)
{
    uint8_t payload[65536], domid;

    start();
    for (;;) {
        (void)receive(payload, &domid);
    }
}

/* Input comes back as output; Ctrl-D powers off. */
static void script_echo(void)
{
    uint8_t payload[65536], domid;

    start();
    for (;;) {
        size_t bytes = receive(payload, &domid);

        acknowledge(domid, (unsigned)bytes);
        send_frame('o', domid, payload, bytes);
        if (memchr(payload, 4, bytes)) {
            text('s', 1, "state=shutdown reason=poweroff name=g");
            end();
        }
    }
}

/* Takes nothing until the line is quiet, then says how much came; three times, then echoes. */
static void script_credit(void)
{
    uint8_t payload[65536], domid = 1;
    struct pollfd in = {.fd = mux_fd, .events = POLLIN};
    char say[64];

    start();
    for (unsigned i = 0; i < 3; i++) {
        size_t bytes = 0;

        while (poll(&in, 1, 300) > 0) {
            bytes += receive(payload, &domid);
        }
        snprintf(say, sizeof(say), "%zu\n", bytes);
        text('o', 1, say);
        acknowledge(1, (unsigned)bytes);
    }
    text('s', 1, "state=shutdown reason=poweroff name=g");
    end();
}

static void script_two(void)
{
    text('s', 1, "state=running name=one");
    text('s', 2, "state=running name=two");
    text('o', 1, "first ");
    text('o', 2, "of two\nsecond of two\nnot ");
    text('o', 1, "of one\r\n");
    text('o', 9, "from nobody\n");
    text('s', 1, "state=shutdown reason=crash name=one");
    text('o', 2, "finished");
    text('s', 2, "state=shutdown reason=poweroff name=two");
    end();
}

/* Input goes to the first guest, and when that has ended to the next. */
static void script_two_inputs(void)
{
    uint8_t payload[65536], domid = 0;
    char say[64];

    text('s', 1, "state=running name=one");
    text('s', 2, "state=running name=two");
    for (unsigned i = 0; i < 2; i++) {
        size_t bytes = receive(payload, &domid);

        snprintf(say, sizeof(say), "got %zu for %u\n", bytes, domid);
        text('o', 2, say);
        text('s', domid, "state=shutdown reason=poweroff");
        acknowledge(domid, (unsigned)bytes);
    }
    end();
}

static void script_odd_frames(void)
{
    start();
    text('z', 1, "of a later version");
    text('s', 1, "mood=good");
    text('s', 1, "");
    text('a', 1, "");
    text('o', 1, "");
    text('o', 200, "nobody");
    text('o', 1, "still here\n");
    text('s', 1, "state=shutdown reason=poweroff name=g");
    end();
}

static void script_flood(void)
{
    static char line[4096];

    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    start();
    for (unsigned i = 0; i < 8192; i++) {
        send_frame('o', 1, line, sizeof(line));
    }
    text('s', 1, "state=shutdown reason=poweroff name=g");
    end();
}

/* A child that keeps our sockets must not keep the command. */
static void script_stray(void)
{
    start();
    text('s', 1, "state=shutdown reason=poweroff name=g");
    if (fork() == 0) {
        sleep(5);
        _exit(0);
    }
    end();
}

/* What QEMU would load: the mode of the directory, then each path's size and first bytes. */
static void script_files(void)
{
    char *list = strdup(modules), *save, say[512];
    unsigned domid = strstr(modules, " domain0") ? 0 : 1;
    struct stat st;

    text('s', domid, "state=running name=g");
    for (char *m = strtok_r(list, ",", &save); m; m = strtok_r(NULL, ",", &save)) {
        char *path = strndup(m, strcspn(m, " "));
        uint8_t head[4] = {0};
        int fd = open(path, O_RDONLY);
        char *slash = strrchr(path, '/');
        ssize_t n = read(fd, head, sizeof(head));

        fstat(fd, &st);
        snprintf(say, sizeof(say), "%s %ld %02x%02x%02x%02x%s\n", slash ? slash + 1 : path,
                 (long)st.st_size, head[0], head[1], head[2], head[3],
                 n == 4 ? m + strlen(path) : "?");
        text('o', domid, say);
        if (slash) {
            *slash = '\0';
            stat(path, &st);
            snprintf(say, sizeof(say), "mode %o\n", st.st_mode & 07777);
            text('o', domid, say);
        }
    }
    text('s', domid, "state=shutdown reason=poweroff name=g");
    end();
}

static const struct {
    const char *name;
    void (*run)(void);
} scripts[] = {
    {"poweroff", script_poweroff},
    {"reboot", script_reboot},
    {"crash", script_crash},
    {"killed", script_killed},
    {"failed", script_failed},
    {"panic", script_panic},
    {"panic-hangs", script_panic_hangs},
    {"end-hangs", script_end_hangs},
    {"dies", script_dies},
    {"dies-early", script_dies_early},
    {"refuses", script_refuses},
    {"silent", script_silent},
    {"hangs", script_hangs},
    {"mute", script_mute},
    {"waits", script_waits},
    {"echo", script_echo},
    {"credit", script_credit},
    {"two", script_two},
    {"two-inputs", script_two_inputs},
    {"odd-frames", script_odd_frames},
    {"flood", script_flood},
    {"stray", script_stray},
    {"files", script_files},
};

int main(int argc, char **argv)
{
    const char *name = "";

    for (int i = 1; i < argc; i++) {
        sscanf(argv[i], "socket,id=log,fd=%d", &log_fd);
        sscanf(argv[i], "socket,id=mux,fd=%d", &mux_fd);
        if (strcmp(argv[i - 1], "-append") == 0 && strstr(argv[i], "fake=")) {
            name = strstr(argv[i], "fake=") + 5;
        }
        if (strcmp(argv[i - 1], "-initrd") == 0) {
            modules = argv[i];
        }
    }
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        if (strcmp(scripts[i].name, name) == 0) {
            scripts[i].run();
        }
    }
    fprintf(stderr, "fakeqemu: there is no script \"%s\"\n", name);
    return 1;
}
