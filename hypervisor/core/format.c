/* SPDX-License-Identifier: MIT */
/*
 * format() and vformat(): the printf subset of the hypervisor (and of the domain builder's error
 * texts). Reentrant, no allocation, no floating point; what does not fit is counted and dropped.
 */
#include <string.h>

#include "log.h"

struct sink {
    char *dst;
    size_t bytes;  /* room including the terminator */
    size_t length; /* characters wanted so far */
};

/* One conversion: "%[flags][width][.precision][length]letter". */
struct conversion {
    bool left, zero, alternate;
    char sign; /* 0, '+' or ' ' */
    int width;
    int precision; /* -1: none given */
    unsigned bits; /* 8, 16, 32 or 64: width of an integer argument */
};

static void put(struct sink *s, char c)
{
    if (s->length + 1 < s->bytes) {
        s->dst[s->length] = c;
    }
    s->length++;
}

static void put_many(struct sink *s, char c, int count)
{
    while (count-- > 0) {
        put(s, c);
    }
}

static void put_text(struct sink *s, const struct conversion *c, const char *text)
{
    size_t length = 0;

    if (text == NULL) {
        text = "(null)";
    }
    while ((c->precision < 0 || length < (size_t)c->precision) && text[length] != '\0') {
        length++;
    }
    int pad = c->width > (int)length ? c->width - (int)length : 0;

    put_many(s, ' ', c->left ? 0 : pad);
    for (size_t i = 0; i < length; i++) {
        put(s, text[i]);
    }
    put_many(s, ' ', c->left ? pad : 0);
}

static void put_number(struct sink *s, const struct conversion *c, uint64_t value, uint32_t base,
                       bool upper, const char *prefix)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[24];
    int count = 0;

    for (; value != 0; value /= base) {
        text[count++] = digits[value % base];
    }
    int zeros = (c->precision < 0 ? 1 : c->precision) - count;
    int length = count + (zeros > 0 ? zeros : 0) + (int)strlen(prefix);
    int pad = c->width > length ? c->width - length : 0;

    if (c->zero && !c->left && c->precision < 0) {
        zeros = (zeros > 0 ? zeros : 0) + pad;
        pad = 0;
    }
    put_many(s, ' ', c->left ? 0 : pad);
    while (*prefix != '\0') {
        put(s, *prefix++);
    }
    put_many(s, '0', zeros);
    while (count > 0) {
        put(s, text[--count]);
    }
    put_many(s, ' ', c->left ? pad : 0);
}

static void put_signed(struct sink *s, const struct conversion *c, int64_t value)
{
    char prefix[2] = {value < 0 ? '-' : c->sign, '\0'};

    put_number(s, c, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, false, prefix);
}

static const char *parse_number(const char *fmt, int *number)
{
    *number = 0;
    while (*fmt >= '0' && *fmt <= '9') {
        if (*number < 100000) {
            *number = *number * 10 + (*fmt - '0');
        }
        fmt++;
    }
    return fmt;
}

static const char *parse_flags(const char *fmt, struct conversion *c)
{
    for (;; fmt++) {
        switch (*fmt) {
        case '-':
            c->left = true;
            break;
        case '0':
            c->zero = true;
            break;
        case '#':
            c->alternate = true;
            break;
        case '+':
        case ' ':
            c->sign = *fmt;
            break;
        default:
            return fmt;
        }
    }
}

static const char *parse_length(const char *fmt, struct conversion *c)
{
    for (;; fmt++) {
        switch (*fmt) {
        case 'l':
        case 'z':
        case 'j':
        case 't':
            c->bits = 64;
            break;
        case 'h':
            c->bits = c->bits == 16 ? 8 : 16;
            break;
        default:
            return fmt;
        }
    }
}

/* Arguments narrower than int arrive as int: cut an unsigned one, sign-extend a signed one. */
static uint64_t cut_unsigned(const struct conversion *c, uint64_t value)
{
    return c->bits == 64 ? value : value & ((1ull << c->bits) - 1);
}

static int64_t cut_signed(const struct conversion *c, int64_t value)
{
    unsigned shift = 64 - c->bits;

    return (int64_t)((uint64_t)value << shift) >> shift;
}

/* Like va_list itself, but passed by pointer so that the caller sees it advance. */
struct arguments {
    va_list ap;
};

static uint64_t next_integer(struct arguments *a, const struct conversion *c)
{
    return c->bits == 64 ? va_arg(a->ap, uint64_t) : (uint64_t)va_arg(a->ap, int);
}

static void convert(struct sink *s, struct conversion *c, char letter, struct arguments *a)
{
    char character[2] = {'\0', '\0'};

    switch (letter) {
    case 'd':
    case 'i':
        put_signed(s, c, cut_signed(c, (int64_t)next_integer(a, c)));
        break;
    case 'u':
        put_number(s, c, cut_unsigned(c, next_integer(a, c)), 10, false, "");
        break;
    case 'x':
    case 'X':
        put_number(s, c, cut_unsigned(c, next_integer(a, c)), 16, letter == 'X',
                   c->alternate ? "0x" : "");
        break;
    case 'o':
        put_number(s, c, cut_unsigned(c, next_integer(a, c)), 8, false, c->alternate ? "0" : "");
        break;
    case 'p':
        put_number(s, c, (uintptr_t)va_arg(a->ap, void *), 16, false, "0x");
        break;
    case 's':
        put_text(s, c, va_arg(a->ap, const char *));
        break;
    case 'c':
        character[0] = (char)va_arg(a->ap, int);
        c->precision = 1;
        put_text(s, c, character);
        break;
    case '%':
        put(s, '%');
        break;
    default: /* ours to fix: shown, not guessed at */
        put(s, '%');
        put(s, letter);
        break;
    }
}

size_t vformat(char *dst, size_t bytes, const char *fmt, va_list ap)
{
    struct sink s = {dst, bytes, 0};
    struct arguments a;

    va_copy(a.ap, ap);
    while (*fmt != '\0') {
        if (*fmt != '%') {
            put(&s, *fmt++);
            continue;
        }
        struct conversion c = {.precision = -1, .bits = 32};

        fmt = parse_flags(fmt + 1, &c);
        if (*fmt == '*') {
            c.width = va_arg(a.ap, int);
            c.left = c.left || c.width < 0;
            c.width = c.width < 0 ? -c.width : c.width;
            fmt++;
        } else {
            fmt = parse_number(fmt, &c.width);
        }
        if (*fmt == '.') {
            if (fmt[1] == '*') {
                c.precision = va_arg(a.ap, int);
                fmt += 2;
            } else {
                fmt = parse_number(fmt + 1, &c.precision);
            }
        }
        fmt = parse_length(fmt, &c);
        if (*fmt == '\0') {
            break;
        }
        convert(&s, &c, *fmt++, &a);
    }
    va_end(a.ap);
    if (bytes > 0) {
        dst[s.length < bytes ? s.length : bytes - 1] = '\0';
    }
    return s.length;
}

size_t format(char *dst, size_t bytes, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    size_t length = vformat(dst, bytes, fmt, ap);

    va_end(ap);
    return length;
}
