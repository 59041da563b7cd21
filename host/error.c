/* SPDX-License-Identifier: MIT */
/* complain(): the one way the command talks about what went wrong. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

bool complain(const char *fmt, ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    fprintf(stderr, "paravane: %s\n", line);
    return false;
}
