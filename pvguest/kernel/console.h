/* SPDX-License-Identifier: MIT */
/* The console below the terminal: bytes in, bytes out. */
#ifndef PVGUEST_CONSOLE_H
#define PVGUEST_CONSOLE_H

#include <stddef.h>

void console_init(void);
/* All of it; waits for the other side when the ring is full. */
void console_write(const char *text, size_t bytes);
/* The terminal has room again: take what waits in the ring. */
void console_input_ready(void);

#endif
