/* SPDX-License-Identifier: MIT */
/* The text of a state frame: `key=value` words, hypervisor(8). */
#ifndef PARAVANE_HOST_STATE_H
#define PARAVANE_HOST_STATE_H

#include <stdbool.h>

enum state { STATE_UNKNOWN, STATE_RUNNING, STATE_ENDED, STATE_CRASHED, STATE_FAILED };

/* What text says of guest `name`; told to the person if it is bad, or anyway if `verbose`. */
enum state state_judge(const char *text, const char *name, bool verbose);

#endif
