/* SPDX-License-Identifier: MIT */
/* Raw mode with an escape: Ctrl-] q quits, Ctrl-] Ctrl-] sends one. */
#ifndef PARAVANE_HOST_TERMINAL_H
#define PARAVANE_HOST_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Raw mode if stdin is a terminal, with a line on stderr that tells the escape. */
void terminal_raw(void);
void terminal_restore(void);
/* A line on stderr that also looks right while the terminal is raw. */
void terminal_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Take escapes out of what was typed; returns how many bytes of out are for the guest. */
size_t terminal_escape(const uint8_t *in, size_t bytes, uint8_t *out);
bool terminal_quit_asked(void);

#endif
