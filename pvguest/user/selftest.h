/* SPDX-License-Identifier: MIT */
/*
 * The self-test of pvguest: a list of tests in several files. Each runs in a process of its own and
 * ends with exit status 0 when it passes. They ask what Linux promises, so they pass on Linux too.
 */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

struct test {
    const char *name;
    void (*run)(void);
};

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("    %s:%d: not true: %s\n", __FILE_NAME__, __LINE__, #condition);              \
            fflush(stdout);                                                                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* NULL-terminated by an entry without a name. */
extern const struct test process_tests[], memory_tests[], signal_tests[], time_tests[];
extern const struct test file_tests[], pipe_tests[], shell_tests[], fault_tests[], random_tests[];

/* Runs `body` in a child and returns its wait status. */
int in_child(void (*body)(void));
uint64_t now_ns(void);
/* Writes the path of a file in a fresh directory of this process. */
const char *scratch(const char *name);

#endif
