/* SPDX-License-Identifier: MIT */
/*
 * The person's terminal: raw while a guest has it, back as it was at every way out. The one place
 * that writes to stderr during a run.
 */
#include "terminal.h"

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
    terminal_note("paravane: ", "Ctrl-] then q ends the machine, Ctrl-] twice sends Ctrl-]");
    raw = saved;
    cfmakeraw(&raw);
    atexit(terminal_restore);
    is_raw = tcsetattr(0, TCSADRAIN, &raw) == 0;
}

bool terminal_is_raw(void)
{
    return is_raw;
}

void terminal_note(const char *prefix, const char *text)
{
    fputs(prefix, stderr);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        /* Bytes above 127 are a person's own language in a file name, or harmless. */
        fputc((c < ' ' && c != '\t') || c == 127 ? '?' : c, stderr);
    }
    fputs(is_raw ? "\r\n" : "\n", stderr);
    fflush(stderr);
}

size_t terminal_escape(uint8_t *typed, size_t bytes)
{
    size_t n = 0;

    for (size_t i = 0; i < bytes; i++) {
        uint8_t c = typed[i];

        if (is_raw && !escaped && c == ESCAPE) {
            escaped = true;
            continue;
        }
        if (escaped && c != ESCAPE) { /* neither q nor anything else here is for the guest */
            quit |= c == 'q';
        } else {
            typed[n++] = c;
        }
        escaped = false;
    }
    return n;
}

bool terminal_quit_asked(void)
{
    return quit;
}
