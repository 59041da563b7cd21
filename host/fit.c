/* SPDX-License-Identifier: MIT */
/*
 * Whether an image can start here is asked of the domain builder that the hypervisor uses
 * (libpv/build), so that both always agree and give the same reasons.
 */
#include <stdarg.h>
#include <stdio.h>

#include "guest.h"
#include "image.h"

void pv_build_text(char *dst, size_t bytes, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(dst, bytes, fmt, ap);
    va_end(ap);
}

unsigned image_least_memory(const struct image *image, uint64_t ramdisk_bytes, const char *cmdline,
                            bool domain0, char *why)
{
    struct pv_build b = {.image = &image->pv,
                         .initrd_bytes = ramdisk_bytes,
                         .cmdline = cmdline,
                         .initial_domain = domain0};
    unsigned too_little = 0, enough = 1;

    /* Doubling finds a size that does, halving the least. */
    for (;; enough *= 2) {
        b.pages = (uint64_t)enough << 8;
        if (pv_build_layout(&b)) {
            break;
        }
        if (enough >= MEMORY_MIB_MAX) {
            snprintf(why, PV_ERROR_MAX, "%s", b.error);
            return 0;
        }
        too_little = enough;
    }
    while (enough - too_little > 1) {
        unsigned middle = (too_little + enough) / 2;

        b.pages = (uint64_t)middle << 8;
        *(pv_build_layout(&b) ? &enough : &too_little) = middle;
    }
    return enough;
}
