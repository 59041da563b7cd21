/* SPDX-License-Identifier: MIT */
/*
 * How a guest ended, as the hypervisor tells it. A reboot counts as the end of the guest: nobody
 * builds it again.
 */
#include "state.h"

#include <stdio.h>
#include <string.h>

#include "error.h"

/* The value of `key=`; up to the next space, or to the end for `why=`. */
static void value_of(const char *text, const char *key, char *dst, size_t size)
{
    size_t n = strlen(key);

    while (text && strncmp(text, key, n) != 0) {
        text = strchr(text, ' ');
        text = text ? text + 1 : NULL;
    }
    if (!text) {
        return;
    }
    text += n;
    snprintf(dst, size, "%.*s", (int)(strcmp(key, "why=") == 0 ? strlen(text) : strcspn(text, " ")),
             text);
}

enum state state_judge(const char *text, const char *name, bool verbose)
{
    char what[32] = "", reason[32] = "", why[512] = "no reason given";

    value_of(text, "state=", what, sizeof(what));
    value_of(text, "reason=", reason, sizeof(reason));
    value_of(text, "why=", why, sizeof(why));
    if (strcmp(what, "running") == 0) {
        return STATE_RUNNING;
    }
    if (strcmp(what, "killed") == 0) {
        complain("%s: killed: %s", name, why);
        return STATE_CRASHED;
    }
    if (strcmp(what, "failed") == 0) {
        complain("%s: cannot start: %s", name, why);
        return STATE_FAILED;
    }
    if (strcmp(what, "shutdown") != 0) {
        return STATE_UNKNOWN;
    }
    if (strcmp(reason, "poweroff") != 0 && strcmp(reason, "reboot") != 0) {
        complain("%s ended: %s", name, reason);
        return STATE_CRASHED;
    }
    if (verbose) {
        complain("%s ended: %s", name, reason);
    }
    return STATE_ENDED;
}
