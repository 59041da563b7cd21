/* SPDX-License-Identifier: MIT */
/* Run a prepared machine in the foreground. */
#ifndef PARAVANE_HOST_SESSION_H
#define PARAVANE_HOST_SESSION_H

#include "guest.h"

/* Returns the exit status (error.h). No QEMU is left when it returns. */
int session_run(const struct machine *m);

#endif
