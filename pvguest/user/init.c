/* SPDX-License-Identifier: MIT */
/*
 * /init: pid 1 of pvguest. With "selftest" on the kernel command line it runs /bin/selftest, else a
 * shell on /dev/console; when that ends it powers the domain off. Until then it collects orphans.
 * "init.run=PROGRAM" runs another program instead of the shell (no arguments).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

static char command_line[1024];

static void read_command_line(void)
{
    int fd = open("/proc/cmdline", O_RDONLY);

    if (fd < 0)
        return;
    ssize_t n = read(fd, command_line, sizeof(command_line) - 1);
    command_line[n > 0 ? n : 0] = '\0';
    close(fd);
}

/* The word itself, or with a '=' at its end, what follows; NULL: not given. */
static const char *argument(const char *name)
{
    static char copy[sizeof(command_line)];
    size_t length = strlen(name);
    char *rest = copy, *word;

    memcpy(copy, command_line, sizeof(copy));
    while ((word = strsep(&rest, " \t\n")))
        if (name[length - 1] == '=' ? !strncmp(word, name, length) : !strcmp(word, name))
            return word + length;
    return NULL;
}

static void open_console(void)
{
    int fd = open("/dev/console", O_RDWR);

    if (fd < 0)
        return;
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
}

static void run(const char *path, char *const argv[])
{
    static char *const environment[] = {
        "PATH=/bin:/sbin:/usr/bin:/usr/sbin",
        "HOME=/root",
        "TERM=vt100",
        "USER=root",
        "SHELL=/bin/sh",
        "PS1=pvguest:\\w# ",
        NULL,
    };
    pid_t child = fork();

    if (!child) {
        setsid();
        ioctl(0, TIOCSCTTY, 0);
        execve(path, argv, environment);
        printf("init: %s: %s\n", path, strerror(errno));
        _exit(127);
    }
    if (child < 0) {
        printf("init: fork: %s\n", strerror(errno));
        return;
    }
    int status;
    pid_t ended;
    do
        ended = wait(&status);
    while (ended != child && (ended > 0 || errno == EINTR));
}

int main(void)
{
    char *selftest[] = {"selftest", NULL}, *shell[] = {"sh", NULL};

    open_console();
    setvbuf(stdout, NULL, _IOLBF, 0);
    read_command_line();
    const char *program = argument("init.run=");
    if (argument("selftest")) {
        run("/bin/selftest", selftest);
    } else if (program) {
        char *argv[] = {strdup(program), NULL};
        run(argv[0], argv);
    } else {
        chdir("/root");
        run("/bin/sh", shell);
    }
    kill(-1, SIGTERM);
    reboot(RB_POWER_OFF);
    return 1;
}
