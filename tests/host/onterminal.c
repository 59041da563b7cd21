/* SPDX-License-Identifier: MIT */
/*
 * onterminal INPUT COMMAND...: run COMMAND on a terminal of its own, type INPUT (with printf
 * escapes: \r, \xHH, and \p for a pause until the screen is quiet), copy what appears to stdout,
 * and say at the end how COMMAND ended and whether the terminal is as it was.
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#define QUIET_MS 300
#define PATIENCE 200 /* times 50 ms, for the command to end by itself */

static int master;

/* Copy what appears until nothing has for a while. False: the other end is closed. */
static bool copy_until_quiet(int quiet_ms)
{
    struct pollfd in = {.fd = master, .events = POLLIN};
    char buffer[4096];

    while (poll(&in, 1, quiet_ms) > 0) {
        ssize_t n = read(master, buffer, sizeof(buffer));

        if (n <= 0) {
            return false;
        }
        fwrite(buffer, 1, (size_t)n, stdout);
    }
    return true;
}

static void type(char c)
{
    if (write(master, &c, 1) != 1) {
        perror("onterminal: write");
    }
}

static void type_all(const char *input)
{
    for (const char *p = input; *p; p++) {
        if (*p != '\\' || !p[1]) {
            type(*p);
            continue;
        }
        p++;
        if (*p == 'p') {
            copy_until_quiet(QUIET_MS);
        } else if (*p == 'x') {
            char *end;

            type((char)strtol((char[]){p[1], p[2], '\0'}, &end, 16));
            p += 2;
        } else {
            type(*p == 'r' ? '\r' : *p == 'n' ? '\n' : *p);
        }
    }
}

int main(int argc, char **argv)
{
    struct termios before, after;
    int slave, status = 0;
    pid_t pid;

    if (argc < 3 || openpty(&master, &slave, NULL, NULL, NULL) != 0 ||
        tcgetattr(slave, &before) != 0) {
        perror("onterminal");
        return 99;
    }
    pid = fork();
    if (pid == 0) {
        close(master);
        if (login_tty(dup(slave)) == 0) {
            close(slave);
            execvp(argv[2], argv + 2);
        }
        _exit(99);
    }
    type_all(argv[1]);
    for (unsigned i = 0; waitpid(pid, &status, WNOHANG) == 0; i++) {
        if (i == PATIENCE) {
            kill(pid, SIGTERM);
        }
        copy_until_quiet(50);
    }
    copy_until_quiet(50);
    tcgetattr(slave, &after);
    printf("\n[%s %d, terminal %s]\n", WIFEXITED(status) ? "exit" : "signal",
           WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
           before.c_lflag == after.c_lflag && before.c_oflag == after.c_oflag &&
                   before.c_iflag == after.c_iflag
               ? "restored"
               : "changed");
    return 0;
}
