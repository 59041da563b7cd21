/* SPDX-License-Identifier: MIT */
/*
 * Random bytes for getrandom, /dev/urandom and AT_RANDOM: RDRAND words where the CPU has it, mixed
 * with the clock and a counter by a 64-bit finalizer. Without RDRAND this is the clock alone and
 * NOT fit for keys; it keeps programs running and hash tables apart, no more.
 */
#include <stdbool.h>
#include <string.h>

#include "clock.h"
#include "device.h"

static bool has_rdrand(void)
{
    static int known = -1;

    if (known < 0) {
        uint32_t a = 1, b, c = 0, d;
        __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        known = c >> 30 & 1;
    }
    return known;
}

static uint64_t rdrand(void)
{
    uint64_t value = 0;
    bool good = false;

    for (int tries = 0; tries < 10 && !good; tries++)
        __asm__ volatile("rdrand %0\n\tsetc %1" : "=r"(value), "=q"(good) : : "cc");
    return good ? value : 0;
}

/* The finalizer of MurmurHash3: every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 33) * 0xff51afd7ed558ccd;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53;
    return x ^ x >> 33;
}

void random_bytes(void *to, size_t count)
{
    static uint64_t state;

    while (count) {
        uint64_t word, cycles_low, cycles_high;
        __asm__ volatile("rdtsc" : "=a"(cycles_low), "=d"(cycles_high));
        state = mix(state + (cycles_high << 32 | cycles_low) + clock_wall_ns());
        word = state ^ (has_rdrand() ? rdrand() : 0);
        size_t n = count < sizeof(word) ? count : sizeof(word);
        memcpy(to, &word, n);
        to = (char *)to + n;
        count -= n;
    }
}
