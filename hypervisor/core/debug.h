/* SPDX-License-Identifier: MIT */
/* Debug builds are hostile to guests that rely on what is not promised, and audit while idle. */
#ifndef PARAVANE_CORE_DEBUG_H
#define PARAVANE_CORE_DEBUG_H

#include <stdbool.h>

/* Set when the hypervisor is linked: debug_on.c or debug_off.c. */
extern const bool debug_build;

#endif
