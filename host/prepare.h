/* SPDX-License-Identifier: MIT */
/* Check every file of every guest and lay them out for QEMU. */
#ifndef PARAVANE_HOST_PREPARE_H
#define PARAVANE_HOST_PREPARE_H

#include "guest.h"

/* False with a message that names the file, the key and the reason. Sets m->memory_mib if it is 0.
 */
bool prepare(struct machine *m);

#endif
