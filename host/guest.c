/* SPDX-License-Identifier: MIT */
/* Rules of guest names: they travel in boot module strings, `name=NAME`, split at spaces. */
#include "guest.h"

#include <ctype.h>
#include <string.h>

bool guest_name_is_good(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < n; i++) {
        if (!isgraph((unsigned char)name[i]) || name[i] == ',' || name[i] == '=') {
            return false;
        }
    }
    return n > 0 && n < NAME_BYTES;
}
