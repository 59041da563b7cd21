/* SPDX-License-Identifier: MIT */
/* Self-test: fork, vfork, exec, wait, process groups and sessions. */
#include "selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void exit_with_7(void)
{
    _exit(7);
}

static void fork_exit_status(void)
{
    int status = in_child(exit_with_7);

    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void fork_many(void)
{
    for (int i = 0; i < 200; i++) {
        int status;
        pid_t child = fork();
        CHECK(child >= 0);
        if (!child)
            _exit(i & 0x7f);
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WEXITSTATUS(status) == (i & 0x7f));
    }
}

static void wait_options(void)
{
    int status;
    pid_t child = fork();

    if (!child) {
        pause();
        _exit(0);
    }
    CHECK(waitpid(child, &status, WNOHANG) == 0);
    CHECK(waitpid(child + 10000, &status, 0) == -1 && errno == ECHILD);
    kill(child, SIGKILL);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK(wait(&status) == -1 && errno == ECHILD);
}

static void orphan_goes_to_init(void)
{
    int ends[2];
    pid_t parent;

    CHECK(!pipe(ends));
    pid_t child = fork();
    if (!child) {
        if (!fork()) {
            for (int i = 0; i < 1000 && getppid() != 1; i++)
                usleep(1000);
            parent = getppid();
            CHECK(write(ends[1], &parent, sizeof(parent)) == sizeof(parent));
        }
        _exit(0);
    }
    close(ends[1]);
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK(read(ends[0], &parent, sizeof(parent)) == sizeof(parent));
    CHECK(parent == 1);
}

static void exec_program(void)
{
    execl("/bin/busybox", "sh", "-c", "[ \"$0 $1\" = 'zero one' ] && exit 3", "zero", "one", NULL);
}

static void exec_arguments(void)
{
    int status = in_child(exec_program);

    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static void exec_errors(void)
{
    char *argv[] = {"x", NULL};

    CHECK(execv("/nowhere", argv) == -1 && errno == ENOENT);
    CHECK(execv("/tmp", argv) == -1 && errno == EACCES);
    const char *path = scratch("garbage");
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    CHECK(write(fd,
                "\x7f"
                "ELFgarbage",
                11) == 11);
    CHECK(execv(path, argv) == -1 && errno == EACCES);
    CHECK(!fchmod(fd, 0700));
    close(fd);
    CHECK(execv(path, argv) == -1 && errno == ENOEXEC);
    const char *volatile bad = (char *)1;
    CHECK(execv(bad, argv) == -1 && errno == EFAULT);
}

static void exec_script(void)
{
    const char text[] = "#!/bin/sh -e\n[ $# = 1 ] && [ $1 = argument ] && exit 5\n";
    const char *path = scratch("script");
    int fd = open(path, O_CREAT | O_WRONLY, 0700);
    char *argv[] = {"name", "argument", NULL};
    int status;

    CHECK(write(fd, text, sizeof(text) - 1) == sizeof(text) - 1);
    close(fd);
    pid_t child = fork();
    if (!child) {
        execv(path, argv);
        _exit(1);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}

static void exec_closes(void)
{
    int kept = open("/dev/null", O_RDONLY), closed = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char command[80];

    snprintf(command, sizeof(command), "[ -e /proc/self/fd/%d ] && [ ! -e /proc/self/fd/%d ]", kept,
             closed);
    CHECK(system(command) == 0);
}

static volatile int shared_with_vfork;

static void vfork_shares(void)
{
    int status;
    pid_t child = vfork();

    if (!child) {
        shared_with_vfork = 1;
        _exit(9);
    }
    CHECK(shared_with_vfork == 1);
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 9);
}

static void spawn_reports_error(void)
{
    char *argv[] = {"x", NULL}, *environment[] = {NULL};
    pid_t child;

    CHECK(posix_spawn(&child, "/nowhere", NULL, NULL, argv, environment) == ENOENT);
    argv[0] = "true";
    CHECK(posix_spawn(&child, "/bin/busybox", NULL, NULL, argv, environment) == 0);
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void groups_and_sessions(void)
{
    CHECK(getpgrp() == getpid());
    CHECK(setsid() == -1 && errno == EPERM); /* leads a group */
    pid_t child = fork();
    if (!child) {
        CHECK(getpgrp() == getppid());
        CHECK(setsid() == getpid());
        CHECK(getpgrp() == getpid() && getsid(0) == getpid());
        CHECK(setpgid(0, 0) == -1 && errno == EPERM);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(waitpid(-getpgrp(), &status, 0) == -1 && errno == ECHILD);
}

static void auxiliary_vector(void)
{
    const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
    int zeros = 0;

    CHECK(getauxval(AT_PAGESZ) == 4096);
    CHECK(getauxval(AT_PHDR) && getauxval(AT_PHNUM) && getauxval(AT_ENTRY));
    CHECK(random);
    for (int i = 0; i < 16; i++)
        zeros += !random[i];
    CHECK(zeros < 16);
}

static void unknown_call(void)
{
    CHECK(syscall(999) == -1 && errno == ENOSYS);
    CHECK(syscall(-1) == -1 && errno == ENOSYS);
    CHECK(syscall(0x7fffffffffffffff) == -1 && errno == ENOSYS);
}

static void many_at_once(void)
{
    pid_t child[64];
    int status;

    for (int i = 0; i < 64; i++) {
        child[i] = fork();
        CHECK(child[i] >= 0);
        if (!child[i]) {
            for (int round = 0; round < 20; round++)
                sched_yield();
            _exit(i);
        }
    }
    for (int i = 63; i >= 0; i--) {
        CHECK(waitpid(child[i], &status, 0) == child[i]);
        CHECK(WEXITSTATUS(status) == i);
    }
}

const struct test process_tests[] = {
    {"process: fork and exit status", fork_exit_status},
    {"process: 200 forks", fork_many},
    {"process: 64 children at once", many_at_once},
    {"process: wait options", wait_options},
    {"process: orphans go to init", orphan_goes_to_init},
    {"process: exec passes arguments", exec_arguments},
    {"process: exec errors", exec_errors},
    {"process: exec of a script", exec_script},
    {"process: exec closes descriptors", exec_closes},
    {"process: vfork shares memory", vfork_shares},
    {"process: posix_spawn", spawn_reports_error},
    {"process: groups and sessions", groups_and_sessions},
    {"process: auxiliary vector", auxiliary_vector},
    {"process: unknown system call", unknown_call},
    {0},
};
