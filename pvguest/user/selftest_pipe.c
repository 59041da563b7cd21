/* SPDX-License-Identifier: MIT */
/* Self-test: pipes, FIFOs and poll. */
#define _GNU_SOURCE
#include "selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void pipe_carries(void)
{
    int ends[2], status;
    static char out[300000], in[300000];
    size_t got = 0;

    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = i * 7 >> 2;
    CHECK(!pipe(ends));
    pid_t child = fork();
    if (!child) {
        CHECK(write(ends[1], out, sizeof(out)) == sizeof(out));
        _exit(0);
    }
    close(ends[1]);
    ssize_t n;
    while ((n = read(ends[0], in + got, sizeof(in) - got)) > 0)
        got += n;
    CHECK(got == sizeof(in) && !memcmp(in, out, sizeof(in)));
    CHECK(waitpid(child, &status, 0) == child && !status);
}

static void pipe_ends(void)
{
    int ends[2];
    char byte;

    CHECK(!pipe2(ends, O_NONBLOCK));
    CHECK(read(ends[0], &byte, 1) == -1 && errno == EAGAIN);
    size_t total = 0;
    static char block[4096];
    while (write(ends[1], block, sizeof(block)) == sizeof(block))
        total += sizeof(block);
    CHECK(errno == EAGAIN && total == 65536);
    close(ends[1]);
    while (read(ends[0], block, sizeof(block)) > 0)
        total -= sizeof(block);
    CHECK(total == 0 && read(ends[0], &byte, 1) == 0);
    CHECK(lseek(ends[0], 0, SEEK_CUR) == -1 && errno == ESPIPE);
    CHECK(write(ends[0], "x", 1) == -1 && errno == EBADF);
}

/* Small writes of several writers are never mixed. */
static void writes_are_whole(void)
{
    enum { WRITERS = 4, ROUNDS = 200, SIZE = 512 };
    int ends[2];
    char block[SIZE];

    CHECK(!pipe(ends));
    for (int writer = 0; writer < WRITERS; writer++)
        if (!fork()) {
            memset(block, 'a' + writer, SIZE);
            for (int i = 0; i < ROUNDS; i++)
                CHECK(write(ends[1], block, SIZE) == SIZE);
            _exit(0);
        }
    close(ends[1]);
    for (int i = 0; i < WRITERS * ROUNDS; i++) {
        size_t got = 0;
        while (got < SIZE) {
            ssize_t n = read(ends[0], block + got, SIZE - got);
            CHECK(n > 0);
            got += n;
        }
        for (int j = 1; j < SIZE; j++)
            CHECK(block[j] == block[0]);
    }
    CHECK(read(ends[0], block, 1) == 0);
}

static void poll_reports(void)
{
    int ends[2];
    char byte;

    CHECK(!pipe(ends));
    struct pollfd fds[3] = {{ends[0], POLLIN, 0}, {ends[1], POLLOUT, 0}, {200, POLLIN, 0}};
    CHECK(poll(fds, 3, -1) == 2);
    CHECK(!fds[0].revents && fds[1].revents == POLLOUT && fds[2].revents == POLLNVAL);
    pid_t child = fork();
    if (!child) {
        usleep(50000);
        CHECK(write(ends[1], "x", 1) == 1);
        _exit(0);
    }
    CHECK(poll(fds, 1, -1) == 1 && fds[0].revents == POLLIN);
    CHECK(read(ends[0], &byte, 1) == 1);
    CHECK(waitpid(child, NULL, 0) == child);
    close(ends[1]);
    CHECK(poll(fds, 1, -1) == 1 && fds[0].revents == POLLHUP);
}

static void fifo_meets(void)
{
    char buffer[8];
    const char *path = scratch("fifo");

    CHECK(!mkfifo(path, 0600));
    CHECK(open(path, O_WRONLY | O_NONBLOCK) == -1 && errno == ENXIO);
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        int fd = open(path, O_WRONLY);
        CHECK(write(fd, "hello", 5) == 5);
        _exit(0);
    }
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && read(fd, buffer, 8) == 5 && !memcmp(buffer, "hello", 5));
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK(read(fd, buffer, 8) == 0);
}

static void ping_pong(void)
{
    int to[2], from[2];
    char byte = 0;

    CHECK(!pipe(to) && !pipe(from));
    pid_t child = fork();
    if (!child) {
        close(to[1]);
        while (read(to[0], &byte, 1) == 1)
            CHECK(write(from[1], &byte, 1) == 1);
        _exit(0);
    }
    uint64_t start = now_ns();
    for (int i = 0; i < 1000; i++) {
        char sent = i, got;
        CHECK(write(to[1], &sent, 1) == 1 && read(from[0], &got, 1) == 1 && got == sent);
    }
    printf("    1,000 round trips: %.1f us each\n", (now_ns() - start) / 1e6);
    close(to[1]);
    CHECK(waitpid(child, NULL, 0) == child);
}

const struct test pipe_tests[] = {
    {"pipe: 300,000 bytes", pipe_carries},
    {"pipe: full, empty and closed", pipe_ends},
    {"pipe: small writes are whole", writes_are_whole},
    {"pipe: poll", poll_reports},
    {"pipe: FIFO", fifo_meets},
    {"pipe: ping-pong", ping_pong},
    {0},
};
