/* SPDX-License-Identifier: MIT */
/* A small printf and its users. */
#include "print.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "console.h"
#include "memory.h"

struct out {
    char *to;
    size_t size, length;
};

struct spec {
    bool zero, left;
    unsigned int width, longs;
};

static void put(struct out *out, char c)
{
    if (out->length + 1 < out->size)
        out->to[out->length] = c;
    out->length++;
}

static void put_padded(struct out *out, const char *text, size_t n, const struct spec *spec)
{
    size_t pad = spec->width > n ? spec->width - n : 0;

    for (; pad && !spec->left; pad--)
        put(out, spec->zero ? '0' : ' ');
    while (n--)
        put(out, *text++);
    for (; pad; pad--)
        put(out, ' ');
}

static void put_number(struct out *out, uint64_t value, bool negative, unsigned int base,
                       const struct spec *spec)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (negative)
        digits[--at] = '-';
    put_padded(out, digits + at, sizeof(digits) - at, spec);
}

static const char *parse(const char *f, struct spec *spec)
{
    memset(spec, 0, sizeof(*spec));
    for (; *f == '0' || *f == '-'; f++) {
        spec->zero |= *f == '0';
        spec->left |= *f == '-';
    }
    for (; *f >= '0' && *f <= '9'; f++)
        spec->width = spec->width * 10 + (unsigned int)(*f - '0');
    for (; *f == 'l' || *f == 'z'; f++)
        spec->longs++;
    return f;
}

static void convert(struct out *out, char type, const struct spec *spec, va_list args)
{
    const char *text;
    int64_t value;
    char c;

    switch (type) {
    case 'd':
    case 'i':
        value = spec->longs ? va_arg(args, long) : va_arg(args, int);
        put_number(out, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0, 10, spec);
        break;
    case 'u':
    case 'x':
        put_number(out, spec->longs ? va_arg(args, unsigned long) : va_arg(args, unsigned int),
                   false, type == 'x' ? 16 : 10, spec);
        break;
    case 'p':
        put_number(out, va_arg(args, uint64_t), false, 16, spec);
        break;
    case 's':
        text = va_arg(args, const char *);
        put_padded(out, text, strlen(text), spec);
        break;
    case 'c':
        c = (char)va_arg(args, int);
        put_padded(out, &c, 1, spec);
        break;
    default:
        put(out, type);
    }
}

size_t kvsnprintf(char *to, size_t size, const char *format, va_list args)
{
    struct out out = {to, size, 0};
    struct spec spec;
    va_list copy;

    va_copy(copy, args);
    for (const char *f = format; *f; f++) {
        if (*f != '%') {
            put(&out, *f);
            continue;
        }
        f = parse(f + 1, &spec);
        if (!*f)
            break;
        convert(&out, *f, &spec, copy);
    }
    va_end(copy);
    if (size)
        to[out.length < size ? out.length : size - 1] = '\0';
    return out.length;
}

size_t ksnprintf(char *to, size_t size, const char *format, ...)
{
    va_list args;
    size_t n;

    va_start(args, format);
    n = kvsnprintf(to, size, format, args);
    va_end(args);
    return n;
}

static void print_lines(const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            console_write("\r", 1);
        console_write(text, 1);
    }
}

void kprintf(const char *format, ...)
{
    char line[512];
    va_list args;

    va_start(args, format);
    kvsnprintf(line, sizeof(line), format, args);
    va_end(args);
    print_lines(line);
}

void panic(const char *format, ...)
{
    char line[512];
    va_list args;

    va_start(args, format);
    kvsnprintf(line, sizeof(line), format, args);
    va_end(args);
    print_lines("pvguest: panic: ");
    print_lines(line);
    print_lines("\n");
    pv_shutdown(SHUTDOWN_crash);
}
