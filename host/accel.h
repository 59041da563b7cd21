/* SPDX-License-Identifier: MIT */
/* Which of QEMU's accelerators a machine gets. */
#ifndef PARAVANE_HOST_ACCEL_H
#define PARAVANE_HOST_ACCEL_H

#include "guest.h"

/* "kvm" or "tcg"; NULL with a message. */
const char *accel_choose(const struct machine *m);
/* The CPU model for it. SMAP breaks ring-3 iretq under QEMU 7.2's TCG. */
const char *accel_cpu(const struct machine *m, const char *accel);

#endif
