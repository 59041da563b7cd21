/* SPDX-License-Identifier: MIT */
/* Self-test: clocks, sleeping, and that a busy process does not keep others from running. */
#include "selftest.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>

#define MS 1000000ull

static void clocks_advance(void)
{
    uint64_t last = now_ns();

    for (int i = 0; i < 10000; i++) {
        uint64_t now = now_ns();
        CHECK(now >= last);
        last = now;
    }
    struct timespec wall, resolution;
    struct timeval day;
    CHECK(!clock_gettime(CLOCK_REALTIME, &wall));
    CHECK(!gettimeofday(&day, NULL));
    CHECK(day.tv_sec - wall.tv_sec <= 1 && day.tv_sec >= wall.tv_sec);
    CHECK(wall.tv_sec > 1600000000); /* later than 2020 */
    CHECK(time(NULL) - wall.tv_sec <= 1);
    CHECK(!clock_getres(CLOCK_MONOTONIC, &resolution) && !resolution.tv_sec);
    CHECK(clock_gettime(12345, &wall) == -1 && errno == EINVAL);
}

/* Never too short; how much too long depends on the emulator and its host, so only a lot counts. */
static void sleep_is_accurate(void)
{
    static const unsigned int milliseconds[] = {1, 10, 50, 200};

    for (int i = 0; i < 4; i++) {
        uint64_t want = milliseconds[i] * MS, start = now_ns();
        CHECK(!nanosleep(&(struct timespec){.tv_nsec = want}, NULL));
        uint64_t took = now_ns() - start;
        printf("    %u ms took %.3f ms\n", milliseconds[i], took / 1e6);
        CHECK(took >= want && took < want + 250 * MS);
    }
    CHECK(nanosleep(&(struct timespec){.tv_nsec = 1000000000}, NULL) == -1 && errno == EINVAL);
}

static void wall_and_monotonic_agree(void)
{
    struct timespec before, after;
    uint64_t start = now_ns();

    clock_gettime(CLOCK_REALTIME, &before);
    usleep(200000);
    clock_gettime(CLOCK_REALTIME, &after);
    uint64_t monotonic = now_ns() - start;
    int64_t wall = (after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec;
    int64_t difference = (int64_t)monotonic - wall;
    CHECK(difference > -20000000 && difference < 20000000);
}

static void absolute_sleep(void)
{
    struct timespec end;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec++;
    uint64_t want = end.tv_sec * 1000000000ull + end.tv_nsec;
    CHECK(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL));
    CHECK(now_ns() >= want);
    CHECK(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL)); /* past: at once */
}

static void timeouts(void)
{
    int ends[2];
    uint64_t start = now_ns();

    CHECK(!pipe(ends));
    struct pollfd fd = {.fd = ends[0], .events = POLLIN};
    CHECK(poll(&fd, 1, 50) == 0 && now_ns() - start >= 50 * MS);
    start = now_ns();
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    struct timeval limit = {.tv_usec = 50000};
    CHECK(select(ends[0] + 1, &set, NULL, NULL, &limit) == 0 && now_ns() - start >= 50 * MS);
    CHECK(poll(&fd, 1, 0) == 0);
}

/* Three busy children and a sleeper: the sleeper must still be woken in time. */
static void busy_loops_are_preempted(void)
{
    pid_t child[3];

    for (int i = 0; i < 3; i++) {
        child[i] = fork();
        if (!child[i])
            for (;;)
                ;
    }
    uint64_t start = now_ns();
    for (int i = 0; i < 10; i++)
        usleep(10000);
    uint64_t took = now_ns() - start;
    for (int i = 0; i < 3; i++) {
        kill(child[i], SIGKILL);
        CHECK(waitpid(child[i], NULL, 0) == child[i]);
    }
    printf("    10 sleeps of 10 ms beside 3 busy processes took %.1f ms\n", took / 1e6);
    CHECK(took < 3000 * MS);
}

static void busy_loops_share(void)
{
    int ends[2];
    uint64_t counts[2] = {0};

    CHECK(!pipe(ends));
    for (uint64_t i = 0; i < 2; i++)
        if (!fork()) {
            uint64_t result[2] = {i, 0}, end = now_ns() + 1000 * MS;
            while (now_ns() < end)
                result[1]++;
            CHECK(write(ends[1], result, sizeof(result)) == sizeof(result));
            _exit(0);
        }
    for (int i = 0; i < 2; i++) {
        uint64_t result[2];
        CHECK(read(ends[0], result, sizeof(result)) == sizeof(result));
        counts[result[0]] = result[1];
        CHECK(wait(NULL) > 0);
    }
    printf("    %llu and %llu rounds\n", (unsigned long long)counts[0],
           (unsigned long long)counts[1]);
    CHECK(counts[0] < counts[1] * 3 && counts[1] < counts[0] * 3);
}

static void cpu_time_counts(void)
{
    struct timespec start, end;

    CHECK(!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start));
    usleep(200000);
    CHECK(!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end));
    uint64_t slept = (end.tv_sec - start.tv_sec) * 1000000000ull + end.tv_nsec - start.tv_nsec;
    CHECK(slept < 100 * MS);
    uint64_t until = now_ns() + 300 * MS;
    while (now_ns() < until)
        ;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    uint64_t used = (start.tv_sec - end.tv_sec) * 1000000000ull + start.tv_nsec - end.tv_nsec;
    CHECK(used > 50 * MS && used < 2000 * MS);
    struct tms times_now;
    CHECK(times(&times_now) != (clock_t)-1);
}

const struct test time_tests[] = {
    {"time: clocks advance", clocks_advance},
    {"time: nanosleep", sleep_is_accurate},
    {"time: wall clock runs with the monotonic", wall_and_monotonic_agree},
    {"time: sleep until", absolute_sleep},
    {"time: timeouts of poll and select", timeouts},
    {"time: busy loops are preempted", busy_loops_are_preempted},
    {"time: busy loops share the CPU", busy_loops_share},
    {"time: CPU time", cpu_time_counts},
    {0},
};
