/* SPDX-License-Identifier: MIT */
/* The few string functions that the compiler and the kernel need. */
#include <string.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    void *d = to;
    size_t words = n / 8;

    __asm__ volatile("rep movsq" : "+D"(d), "+S"(from), "+c"(words) : : "memory");
    words = n % 8;
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(words) : : "memory");
    return to;
}

void *memset(void *to, int value, size_t n)
{
    void *d = to;
    size_t words = n / 8;

    __asm__ volatile("rep stosq"
                     : "+D"(d), "+c"(words)
                     : "a"(0x0101010101010101ul * (uint8_t)value)
                     : "memory");
    words = n % 8;
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(words) : "a"(value) : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    char *d = to;
    const char *s = from;

    if ((uintptr_t)d - (uintptr_t)s >= n)
        return memcpy(to, from, n);
    while (n--)
        d[n] = s[n];
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i] || !a[i])
            return (unsigned char)a[i] - (unsigned char)b[i];
    return 0;
}

char *strcpy(char *restrict to, const char *restrict from)
{
    memcpy(to, from, strlen(from) + 1);
    return to;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)s;
        if (!*s)
            return NULL;
    }
}

void *memchr(const void *s, int c, size_t n)
{
    const unsigned char *p = s;

    for (; n--; p++)
        if (*p == (unsigned char)c)
            return (void *)p;
    return NULL;
}
