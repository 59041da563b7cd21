/* SPDX-License-Identifier: MIT */
/*
 * The console as a terminal: Linux's line discipline (canonical and raw input, echo, output
 * processing) and job control. There is one terminal, so /dev/console and /dev/tty are the same.
 */
#ifndef PVGUEST_TTY_H
#define PVGUEST_TTY_H

#include <stdbool.h>
#include <stddef.h>

#include "file.h"

/* Bytes that arrived from the console; called with events off or by the console's thread. */
void tty_receive(const char *bytes, size_t count);
/* How many more bytes tty_receive() can hold now. */
size_t tty_room(void);

/* The session that has the terminal ends: its foreground group is hung up. */
void tty_session_exit(int session);

bool tty_is_controlling(int session);

extern const struct file_ops tty_ops;

#endif
