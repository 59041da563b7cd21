/* SPDX-License-Identifier: MIT */
/* The memory functions that gcc expects of every environment, by string instructions. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    void *d = dst;
    size_t words = n >> 3;

    asm volatile("rep movsq" : "+D"(d), "+S"(src), "+c"(words) : : "memory");
    words = n & 7;
    asm volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(words) : : "memory");
    return dst;
}

void *memset(void *dst, int value, size_t n)
{
    void *d = dst;
    uint64_t word = 0x0101010101010101ull * (uint8_t)value;
    size_t words = n >> 3;

    asm volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(word) : "memory");
    words = n & 7;
    asm volatile("rep stosb" : "+D"(d), "+c"(words) : "a"(word) : "memory");
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    char *d = dst;
    const char *s = src;

    if ((uintptr_t)d - (uintptr_t)s >= n) {
        return memcpy(dst, src, n);
    }
    while (n--) {
        d[n] = s[n];
    }
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (size_t i = 0; i < n; i++) {
        if (x[i] != y[i]) {
            return x[i] - y[i];
        }
    }
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n]) {
        n++;
    }
    return n;
}
