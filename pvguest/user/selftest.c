/* SPDX-License-Identifier: MIT */
/*
 * selftest [NAME...]: runs all tests, or those whose names begin like one of the arguments. A line
 * each, then "selftest: N passed, M failed"; exit status 0 when none failed.
 */
#include "selftest.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define LIMIT_SECONDS 120 /* one test; an emulated CPU is slow */

static const struct test *const groups[] = {
    process_tests, memory_tests, signal_tests, time_tests,  file_tests,
    pipe_tests,    fault_tests,  random_tests, shell_tests,
};

uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ull + now.tv_nsec;
}

int in_child(void (*body)(void))
{
    int status;

    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (!child) {
        body();
        fflush(stdout);
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0)
        CHECK(errno == EINTR);
    return status;
}

const char *scratch(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "/tmp/selftest.%d", (int)getpid());
    mkdir(path, 0700);
    snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", name);
    return path;
}

static void remove_scratch(pid_t pid)
{
    char command[64];

    snprintf(command, sizeof(command), "rm -rf /tmp/selftest.%d", (int)pid);
    if (system(command))
        printf("    %s failed\n", command);
}

/* Waits for the test; one that takes too long is killed. */
static int wait_limited(pid_t child)
{
    uint64_t end = now_ns() + LIMIT_SECONDS * 1000000000ull;
    int status;

    while (now_ns() < end) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child)
            return status;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    kill(-child, SIGKILL);
    waitpid(child, &status, 0);
    printf("    no end after %d s\n", LIMIT_SECONDS);
    return status;
}

static int run_test(const struct test *test)
{
    fflush(stdout);
    uint64_t start = now_ns();
    pid_t child = fork();
    if (!child) {
        setpgid(0, 0);
        test->run();
        fflush(stdout);
        _exit(0);
    }
    int status = child < 0 ? -1 : wait_limited(child);
    if (child > 0)
        kill(-child, SIGKILL); /* what it left behind */
    printf("%-7s %s (%llu ms)\n", status ? "FAILED" : "ok", test->name,
           (unsigned long long)(now_ns() - start) / 1000000);
    if (status > 0 && WIFSIGNALED(status))
        printf("    ended by signal %d\n", WTERMSIG(status));
    if (child > 0)
        remove_scratch(child);
    return status != 0;
}

static int is_chosen(const struct test *test, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strncmp(test->name, argv[i], strlen(argv[i])))
            return 1;
    return argc < 2;
}

int main(int argc, char **argv)
{
    int failed = 0, passed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        for (const struct test *test = groups[i]; test->name; test++) {
            if (!is_chosen(test, argc, argv))
                continue;
            int bad = run_test(test);
            failed += bad;
            passed += !bad;
        }
    printf("selftest: %d passed, %d failed\n", passed, failed);
    return failed != 0;
}
