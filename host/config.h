/* SPDX-License-Identifier: MIT */
/* Guest files: paravane.cfg(5). */
#ifndef PARAVANE_HOST_CONFIG_H
#define PARAVANE_HOST_CONFIG_H

#include "guest.h"

/* Read FILE into g, whose defaults are set; false with a line for each thing that is wrong. */
bool config_read(const char *file, struct guest *g);

#endif
