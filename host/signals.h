/* SPDX-License-Identifier: MIT */
/* Signals as something to read, so that every way out is the ordinary one. */
#ifndef PARAVANE_HOST_SIGNALS_H
#define PARAVANE_HOST_SIGNALS_H

#include <stdbool.h>

/* From now on SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGCHLD wait in the descriptor. */
void signals_hold(void);
/* For poll(); -1 before signals_hold(). */
int signals_fd(void);
/* The next signal that waits, 0 if none does. */
int signals_take(void);
/* In a child before exec: as the parent found them. */
void signals_restore(void);

#endif
