/* SPDX-License-Identifier: MIT */
/* The console: the PV ring of a domU, or console_io and VIRQ_CONSOLE of the initial domain. */
#ifndef PV_CONSOLE_H
#define PV_CONSOLE_H

#include <stddef.h>

#include <pv/xen.h>

/* Works from the first instruction on, through console_io. */
void pv_console_early(const char *text, size_t bytes);

/* Use the ring if start_info has one. `input` is called, events masked, when there may be input. */
int pv_console_init(void (*input)(void));
/* Queue as much as the ring takes; returns the bytes taken. All of it without a ring. */
size_t pv_console_write(const char *text, size_t bytes);
/* Up to `bytes` of input; 0 if there is none. */
size_t pv_console_read(char *to, size_t bytes);

#endif
