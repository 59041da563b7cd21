/* SPDX-License-Identifier: MIT */
/* complain(): the one way the command talks about what went wrong. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

#include "terminal.h"

bool complain(const char *fmt, ...)
{
    char line[2048];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    terminal_note("paravane: ", line);
    return false;
}
