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
bool terminal_is_raw(void);
/* prefix and text as a line on stderr that also looks right while the terminal is raw. */
void terminal_note(const char *prefix, const char *text);
/* Take escapes out of what was typed, in place; returns how many bytes are for the guest. */
size_t terminal_escape(uint8_t *typed, size_t bytes);
bool terminal_quit_asked(void);

#endif
