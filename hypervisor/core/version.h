/* SPDX-License-Identifier: MIT */
/* What this hypervisor says it is: the ABI version guests test for, and its own name beside it. */
#ifndef PARAVANE_CORE_VERSION_H
#define PARAVANE_CORE_VERSION_H

#include "types.h"

/* The Xen release whose PV ABI this is. */
#define VERSION_MAJOR 4u
#define VERSION_MINOR 17u
#define VERSION_EXTRA ".paravane"

/* The hypervisor's own command line, for XENVER_commandline; kept by copy. */
void version_set_commandline(const char *text);

#endif
