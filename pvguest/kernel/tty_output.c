/* SPDX-License-Identifier: MIT */
/*
 * Terminal output: OPOST with ONLCR, OCRNL, ONOCR, ONLRET and tab expansion, towards the console.
 */
#include <asm/errno.h>
#include <linux/signal.h>

#include "console.h"
#include "tty_internal.h"

struct chunk {
    char bytes[256];
    size_t count;
};

static void chunk_flush(struct chunk *chunk)
{
    if (chunk->count)
        console_write(chunk->bytes, chunk->count);
    chunk->count = 0;
}

static void chunk_put(struct chunk *chunk, char c)
{
    if (chunk->count == sizeof(chunk->bytes))
        chunk_flush(chunk);
    chunk->bytes[chunk->count++] = c;
}

static void output_processed(struct chunk *chunk, unsigned char c)
{
    tcflag_t flags = tty.termios.c_oflag;

    if (c == '\r' && flags & ONOCR && !tty.column)
        return;
    if (c == '\r' && flags & OCRNL)
        c = '\n';
    if (c == '\n' && flags & ONLCR)
        chunk_put(chunk, '\r');
    if (c == '\t') {
        unsigned int width = 8 - tty.column % 8;
        tty.column += width;
        if ((flags & TABDLY) == XTABS) {
            while (width--)
                chunk_put(chunk, ' ');
            return;
        }
    } else if (c == '\r' || (c == '\n' && flags & (ONLCR | ONLRET))) {
        tty.column = 0;
    } else if (c == '\b') {
        tty.column -= tty.column != 0;
    } else if (c >= 0x20 && (c & 0xc0) != 0x80) {
        tty.column++;
    }
    chunk_put(chunk, c);
}

void tty_output(const char *bytes, size_t count)
{
    struct chunk chunk = {.count = 0};

    for (size_t i = 0; i < count; i++) {
        if (tty.termios.c_oflag & OPOST)
            output_processed(&chunk, bytes[i]);
        else
            chunk_put(&chunk, bytes[i]);
    }
    chunk_flush(&chunk);
}

long tty_write(struct file *file, struct iov_iter *from, uint64_t *pos)
{
    char bytes[256];
    size_t done = 0;

    (void)file;
    (void)pos;
    if (tty.termios.c_lflag & TOSTOP) {
        int error = tty_check_background(SIGTTOU);
        if (error)
            return error;
    }
    while (from->count) {
        size_t n = copy_from_iter(from, bytes, sizeof(bytes));
        tty_output(bytes, n);
        done += n;
        if (from->fault)
            return done ? (long)done : -EFAULT;
    }
    return done;
}
