/* SPDX-License-Identifier: MIT */
/*
 * The QEMU process: its arguments and its start. It dies with us, whatever kills us. KVM is used
 * only where the CPU has virtualization *and* /dev/kvm opens: a /dev/kvm alone may be there and
 * hang whatever runs on it.
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

#include "error.h"

#define ARGS_MAX 48

static bool cpu_has_virtualization(void)
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    char *line = NULL;
    bool found = false;
    size_t n = 0;

    while (f && !found && getline(&line, &n, f) > 0) {
        found = strncmp(line, "flags", 5) == 0 && (strstr(line, " vmx") || strstr(line, " svm"));
    }
    free(line);
    if (f) {
        fclose(f);
    }
    return found;
}

static bool kvm_is_usable(void)
{
    int fd = cpu_has_virtualization() ? open("/dev/kvm", O_RDWR | O_CLOEXEC) : -1;

    if (fd < 0) {
        return false;
    }
    close(fd);
    return true;
}

/* "kvm" or "tcg"; NULL with a message. */
static const char *choose_accel(const struct machine *m)
{
    if (strcmp(m->accel, "tcg") == 0 || (m->icount && strcmp(m->accel, "auto") == 0)) {
        return "tcg";
    }
    if (kvm_is_usable()) {
        if (m->icount) {
            complain("--icount: counting instructions needs tcg");
            return NULL;
        }
        return "kvm";
    }
    if (strcmp(m->accel, "kvm") == 0) {
        complain("--accel: kvm is not usable here: it needs vmx or svm in /proc/cpuinfo and a "
                 "/dev/kvm that opens");
        return NULL;
    }
    return "tcg";
}

/* QEMU splits module lists at commas; a doubled one stands for itself. */
static void put_escaped(FILE *out, const char *s)
{
    for (; *s; s++) {
        fputs(*s == ',' ? ",," : (char[]){*s, 0}, out);
    }
}

static char *modules(const struct machine *m)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    for (unsigned i = 0; i < m->guest_count; i++) {
        const struct guest *g = &m->guest[i];

        fprintf(out, "%s%s kernel name=%s memory=%u vcpus=%u%s -- ", i ? "," : "", g->image,
                g->name, g->memory_mib, g->vcpus, i == 0 && m->domain0 ? " domain0" : "");
        put_escaped(out, g->cmdline);
        if (g->ramdisk) {
            fprintf(out, ",%s ramdisk", g->ramdisk);
        }
    }
    fclose(out);
    return text;
}

static char *make(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *make(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0) {
        abort();
    }
    va_end(ap);
    return text;
}

static void arguments(const struct machine *m, const char *accel, int log_fd, int mux_fd,
                      const char *argv[ARGS_MAX])
{
    const char *cpu = m->cpu ? m->cpu : strcmp(accel, "kvm") == 0 ? "host" : "max,-smap";
    unsigned n = 0;

#define ADD(text) argv[n++] = (text)
    ADD(m->qemu);
    ADD("-machine");
    ADD("pc");
    ADD("-accel");
    ADD(accel);
    ADD("-cpu");
    ADD(cpu);
    ADD("-m");
    ADD(make("%uM", m->memory_mib));
    ADD("-nodefaults");
    ADD("-no-user-config");
    ADD("-display");
    ADD("none");
    ADD("-no-reboot");
    ADD("-chardev");
    ADD(make("socket,id=log,fd=%d", log_fd));
    ADD("-serial");
    ADD("chardev:log");
    ADD("-chardev");
    ADD(make("socket,id=mux,fd=%d", mux_fd));
    ADD("-serial");
    ADD("chardev:mux");
    ADD("-device");
    ADD("isa-debug-exit,iobase=0xf4,iosize=0x04");
    if (m->icount) {
        ADD("-icount");
        ADD("shift=0,sleep=off");
    }
    if (m->gdb_port) {
        ADD("-gdb");
        ADD(make("tcp:127.0.0.1:%u", m->gdb_port));
        ADD("-S");
    }
    ADD("-kernel");
    ADD(m->hypervisor);
    ADD("-append");
    ADD(make("console=mux bootscrub=no debug-exit=0xf4%s%s", m->hv_args ? " " : "",
             m->hv_args ? m->hv_args : ""));
    ADD("-initrd");
    ADD(modules(m));
    ADD(NULL);
#undef ADD
}

static void print_quoted(const char *const *argv)
{
    for (unsigned i = 0; argv[i]; i++) {
        bool plain = argv[i][strspn(argv[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789-_=.,/:")] == '\0';

        printf("%s%s%s%s", i ? " " : "", plain ? "" : "'", argv[i], plain ? "" : "'");
    }
    putchar('\n');
}

bool qemu_print(const struct machine *m)
{
    const char *argv[ARGS_MAX], *accel = choose_accel(m);

    if (!accel) {
        return false;
    }
    arguments(m, accel, 3, 4, argv);
    print_quoted(argv);
    return true;
}

static _Noreturn void child(const struct machine *m, const char *accel, int log_fd, int mux_fd,
                            pid_t parent)
{
    const char *argv[ARGS_MAX];
    sigset_t none;
    int null;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0); /* Ctrl-C is the command's to handle */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(127);
    }
    null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    fcntl(log_fd, F_SETFD, 0);
    fcntl(mux_fd, F_SETFD, 0);
    arguments(m, accel, log_fd, mux_fd, argv);
    execvp(m->qemu, (char **)argv);
    fprintf(stderr, "paravane: %s: cannot start: %s\n", m->qemu, strerror(errno));
    _exit(127);
}

bool qemu_start(const struct machine *m, struct qemu *q)
{
    const char *accel = choose_accel(m);
    int log[2], mux[2];
    pid_t parent = getpid();

    if (!accel) {
        return false;
    }
    if (access(m->hypervisor, R_OK) != 0) {
        return complain("%s: hypervisor image: %s", m->hypervisor, strerror(errno));
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, log) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, mux) != 0) {
        return complain("cannot make a socket pair: %s", strerror(errno));
    }
    q->pid = fork();
    if (q->pid == 0) {
        child(m, accel, log[1], mux[1], parent);
    }
    close(log[1]);
    close(mux[1]);
    if (q->pid < 0) {
        return complain("cannot start a process: %s", strerror(errno));
    }
    q->log_fd = log[0];
    q->mux_fd = mux[0];
    fcntl(q->log_fd, F_SETFL, O_NONBLOCK);
    fcntl(q->mux_fd, F_SETFL, O_NONBLOCK);
    return true;
}
