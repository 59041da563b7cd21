/* SPDX-License-Identifier: MIT */
/*
 * The QEMU process: its arguments, its start, and the same as text. It dies with us, whatever
 * kills us.
 */
#include "qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accel.h"
#include "error.h"
#include "signals.h"

#define ARGS_MAX 48

struct arguments {
    const char *word[ARGS_MAX];
    unsigned count;
};

static void add(struct arguments *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct arguments *a, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0 || a->count + 1 == ARGS_MAX) {
        abort();
    }
    va_end(ap);
    a->word[a->count++] = text;
    a->word[a->count] = NULL;
}

/* QEMU splits the list of modules at commas; a doubled one stands for itself. */
static void put_escaped(FILE *out, const char *s)
{
    for (; *s; s++) {
        fputs(*s == ',' ? ",," : (char[]){*s, '\0'}, out);
    }
}

/* -initrd: each guest's kernel and ramdisk with their options, as hypervisor(8) reads them. */
static char *modules(const struct machine *m, char *const *image, char *const *ramdisk)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    for (unsigned i = 0; out && i < m->guest_count; i++) {
        const struct guest *g = &m->guest[i];

        fprintf(out, "%s%s kernel name=%s memory=%u vcpus=%u%s -- ", i ? "," : "", image[i],
                g->name, g->memory_mib, g->vcpus, i == 0 && m->domain0 ? " domain0" : "");
        put_escaped(out, g->cmdline);
        if (ramdisk[i]) {
            fprintf(out, ",%s ramdisk", ramdisk[i]);
        }
    }
    if (!out || fclose(out) != 0) {
        abort();
    }
    return text;
}

static void machine_arguments(struct arguments *a, const struct machine *m, const char *accel)
{
    add(a, "%s", m->qemu);
    add(a, "-machine");
    add(a, "pc");
    add(a, "-accel");
    add(a, "%s", accel);
    add(a, "-cpu");
    add(a, "%s", accel_cpu(m, accel));
    add(a, "-m");
    add(a, "%uM", m->memory_mib);
    add(a, "-nodefaults");
    add(a, "-no-user-config");
    add(a, "-display");
    add(a, "none");
    add(a, "-no-reboot");
    add(a, "-device");
    add(a, "isa-debug-exit,iobase=0xf4,iosize=0x04");
    if (m->icount) {
        add(a, "-icount");
        add(a, "shift=0,sleep=off");
    }
    if (m->gdb_port) {
        add(a, "-gdb");
        add(a, "tcp:127.0.0.1:%u", m->gdb_port);
        add(a, "-S");
    }
}

/* bootscrub: memory that QEMU just got from the kernel is zero. */
static void boot_arguments(struct arguments *a, const struct machine *m, const char *console,
                           char *const *image, char *const *ramdisk)
{
    char *list = modules(m, image, ramdisk);

    add(a, "-kernel");
    add(a, "%s", m->hypervisor);
    add(a, "-append");
    add(a, "console=%s bootscrub=no debug-exit=0xf4%s%s", console, m->hv_args ? " " : "",
        m->hv_args ? m->hv_args : "");
    add(a, "-initrd");
    add(a, "%s", list);
    free(list);
}

static void quote(const char *word)
{
    if (word[0] && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789-_=.,/:")]) {
        fputs(word, stdout);
        return;
    }
    putchar('\'');
    for (; *word; word++) {
        fputs(*word == '\'' ? "'\\''" : (char[]){*word, '\0'}, stdout);
    }
    putchar('\'');
}

static void print_command(const char *const *word)
{
    for (unsigned i = 0; word[i]; i++) {
        fputs(i ? " " : "", stdout);
        quote(word[i]);
    }
    putchar('\n');
}

/* A path that can stand in a module list; else a command that puts the file where one can. */
static char *plain_path(const char *path, bool is_packed, const char *kind, unsigned index)
{
    char *plain;

    if (!is_packed && !strpbrk(path, " ,\t\n")) {
        return strdup(path);
    }
    if (asprintf(&plain, "%s%u", kind, index) < 0) {
        abort();
    }
    if (is_packed) {
        print_command((const char *[]){"paravane", "inspect", "--elf", plain, path, NULL});
    } else {
        print_command((const char *[]){"cp", "--", path, plain, NULL});
    }
    return plain;
}

bool qemu_print(const struct machine *m)
{
    char *image[GUESTS_MAX] = {0}, *ramdisk[GUESTS_MAX] = {0};
    const char *accel = accel_choose(m);
    struct arguments a = {.count = 0};

    if (!accel) {
        return false;
    }
    for (unsigned i = 0; i < m->guest_count; i++) {
        const struct guest *g = &m->guest[i];

        image[i] = plain_path(g->kernel, g->is_packed, "kernel", i);
        ramdisk[i] = g->ramdisk ? plain_path(g->ramdisk, false, "ramdisk", i) : NULL;
    }
    machine_arguments(&a, m, accel);
    add(&a, "-serial");
    add(&a, "mon:stdio");
    boot_arguments(&a, m, "com1", image, ramdisk);
    print_command(a.word);
    return true;
}

static void run_arguments(struct arguments *a, const struct machine *m, const char *accel,
                          int log_fd, int mux_fd)
{
    char *image[GUESTS_MAX] = {0}, *ramdisk[GUESTS_MAX] = {0};

    for (unsigned i = 0; i < m->guest_count; i++) {
        image[i] = m->guest[i].image;
        ramdisk[i] = m->guest[i].module;
    }
    machine_arguments(a, m, accel);
    add(a, "-chardev");
    add(a, "socket,id=log,fd=%d", log_fd);
    add(a, "-serial");
    add(a, "chardev:log");
    add(a, "-chardev");
    add(a, "socket,id=mux,fd=%d", mux_fd);
    add(a, "-serial");
    add(a, "chardev:mux");
    boot_arguments(a, m, "mux", image, ramdisk);
}

/* In the child; tells errno on status_fd if QEMU cannot be executed. */
static _Noreturn void child(const struct arguments *a, pid_t parent, const int keep[3],
                            int status_fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    setpgid(0, 0); /* Ctrl-C is the command's to handle */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(127); /* it died before the line above */
    }
    signals_restore();
    dup2(null, 0);
    dup2(null, 1);
    fcntl(keep[0], F_SETFD, 0);
    fcntl(keep[1], F_SETFD, 0);
    dup2(keep[2], 2);
    execvp(a->word[0], (char **)a->word);
    if (write(status_fd, &errno, sizeof(errno)) < 0) {
        _exit(126);
    }
    _exit(127);
}

static bool make_pairs(int pair[3][2], int status[2])
{
    for (unsigned i = 0; i < 3; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair[i]) != 0) {
            return complain("cannot make a socket pair: %s", strerror(errno));
        }
        fcntl(pair[i][0], F_SETFL, O_NONBLOCK);
    }
    return pipe2(status, O_CLOEXEC) == 0 || complain("cannot make a pipe: %s", strerror(errno));
}

bool qemu_start(const struct machine *m, struct qemu *q)
{
    const char *accel = accel_choose(m);
    struct arguments a = {.count = 0};
    pid_t parent = getpid();
    int pair[3][2], status[2], err = 0;

    if (!accel || !make_pairs(pair, status)) {
        return false;
    }
    run_arguments(&a, m, accel, pair[0][1], pair[1][1]);
    q->pid = fork();
    if (q->pid == 0) {
        child(&a, parent, (int[]){pair[0][1], pair[1][1], pair[2][1]}, status[1]);
    }
    for (unsigned i = 0; i < 3; i++) {
        close(pair[i][1]);
    }
    close(status[1]);
    if (q->pid < 0) {
        return complain("cannot start a process: %s", strerror(errno));
    }
    /* End of file: the exec has happened. */
    if (read(status[0], &err, sizeof(err)) == sizeof(err)) {
        return complain("%s: cannot start: %s", m->qemu, strerror(err));
    }
    close(status[0]);
    q->log_fd = pair[0][0];
    q->mux_fd = pair[1][0];
    q->err_fd = pair[2][0];
    return true;
}
