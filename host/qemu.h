/* SPDX-License-Identifier: MIT */
/* QEMU as the machine: COM1 (log) and COM2 (frames) arrive on sockets. */
#ifndef PARAVANE_HOST_QEMU_H
#define PARAVANE_HOST_QEMU_H

#include <sys/types.h>

#include "guest.h"

struct qemu {
    pid_t pid;
    int log_fd; /* hypervisor's log, text */
    int mux_fd; /* frames of hypervisor(8) */
    int err_fd; /* what QEMU itself says */
};

/* Start it for a prepared machine; false with a message. */
bool qemu_start(const struct machine *m, struct qemu *q);
/* Print shell commands that do the same by hand, with every console and the log on stdout. */
bool qemu_print(const struct machine *m);

#endif
