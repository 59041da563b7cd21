/* SPDX-License-Identifier: MIT */
/* Which names of xl.cfg(5) a guest file may set. */
#ifndef PARAVANE_HOST_CONFIG_KEYS_H
#define PARAVANE_HOST_CONFIG_KEYS_H

#include <stdbool.h>

/* Judge every name that text sets; false with a line for each that may not be. */
bool config_keys_check(const char *file, const char *text);

#endif
