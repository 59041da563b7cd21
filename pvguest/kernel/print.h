/* SPDX-License-Identifier: MIT */
/* Text from the kernel: to the console, one line at a time. */
#ifndef PVGUEST_PRINT_H
#define PVGUEST_PRINT_H

#include <stdarg.h>
#include <stddef.h>

/* %d %u %x %lx %lu %ld %s %c %p %% with width, 0 and -. */
size_t kvsnprintf(char *to, size_t size, const char *format, va_list args);
size_t ksnprintf(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says why, and crashes the domain. */
void panic(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
