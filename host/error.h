/* SPDX-License-Identifier: MIT */
/* Messages to the person, and the exit statuses of paravane(1). */
#ifndef PARAVANE_HOST_ERROR_H
#define PARAVANE_HOST_ERROR_H

#include <stdbool.h>

enum exit_status {
    EXIT_POWEROFF = 0, /* every guest powered off */
    EXIT_USAGE = 1,    /* usage or launch error */
    EXIT_CRASH = 2,    /* a guest crashed or was killed */
    EXIT_PANIC = 3,    /* the hypervisor panicked, or QEMU died */
    EXIT_TIMEOUT = 4,
};

/* One line "paravane: TEXT" on stderr; always false, so that `return complain(...)` reads well.
 * What is not printable in TEXT is shown as '?': names and reasons may come from anywhere. */
bool complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
