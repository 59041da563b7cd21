/* SPDX-License-Identifier: MIT */
/* The person's terminal: raw while a guest has it, back as it was at every way out. */
#include "terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#define ESCAPE 0x1d /* Ctrl-] */

static struct termios saved;
static bool is_raw, escaped, quit;

void terminal_restore(void)
{
    if (is_raw) {
        tcsetattr(0, TCSAFLUSH, &saved);
        is_raw = false;
    }
}

void terminal_raw(void)
{
    struct termios raw;

    if (!isatty(0) || tcgetattr(0, &saved) != 0) {
        return;
    }
    fprintf(stderr, "paravane: Ctrl-] then q ends the machine, Ctrl-] twice sends Ctrl-]\n");
    raw = saved;
    cfmakeraw(&raw);
    is_raw = tcsetattr(0, TCSAFLUSH, &raw) == 0;
    atexit(terminal_restore);
}

void terminal_note(const char *fmt, ...)
{
    char line[1200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    fprintf(stderr, "%s%s\n", line, is_raw ? "\r" : "");
}

size_t terminal_escape(const uint8_t *in, size_t bytes, uint8_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < bytes; i++) {
        if (!is_raw) {
            out[n++] = in[i];
        } else if (escaped) {
            escaped = false;
            quit |= in[i] == 'q';
            if (in[i] == ESCAPE) {
                out[n++] = ESCAPE;
            }
        } else if (in[i] == ESCAPE) {
            escaped = true;
        } else {
            out[n++] = in[i];
        }
    }
    return n;
}

bool terminal_quit_asked(void)
{
    return quit;
}
