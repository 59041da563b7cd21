/* SPDX-License-Identifier: MIT */
/* Lines of the hypervisor's log and of QEMU's complaints; \r and \n both end one. */
#include "lines.h"

void lines_finish(struct lines *l)
{
    if (l->bytes) {
        l->text[l->bytes] = '\0';
        l->bytes = 0;
        l->take(l->arg, l->text);
    }
}

void lines_feed(struct lines *l, const char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] == '\n' || data[i] == '\r' || l->bytes + 1 == sizeof(l->text)) {
            lines_finish(l);
        }
        if (data[i] != '\n' && data[i] != '\r' && data[i] != '\0') {
            l->text[l->bytes++] = data[i];
        }
    }
}
