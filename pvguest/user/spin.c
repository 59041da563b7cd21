/* SPDX-License-Identifier: MIT */
/*
 * spin [SECONDS]: a busy loop; prints how much it did and how much CPU time it got. Two of them in
 * two domains show whether the scheduler is fair.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
    double start = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID), end;
    uint64_t rounds = 0;
    volatile uint32_t work = 1;

    do {
        for (int i = 0; i < 10000; i++)
            work = work * 1664525 + 1013904223;
        rounds++;
    } while ((end = now(CLOCK_MONOTONIC)) < start + seconds);
    printf("spin: %.2f s, %.2f s of CPU, %llu rounds, %.0f rounds/s\n", end - start,
           now(CLOCK_PROCESS_CPUTIME_ID) - cpu, (unsigned long long)rounds, rounds / (end - start));
    return 0;
}
