/* SPDX-License-Identifier: MIT */
/* What a kernel image says of itself, and whether the hypervisor can start it. */
#ifndef PARAVANE_HOST_IMAGE_H
#define PARAVANE_HOST_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libpv/build/build.h"

struct image {
    /* Facts, as far as the file gives them. */
    char guest_os[32], guest_version[32], xen_version[32], loader[32];
    char features[160];
    uint64_t entry, virt_base, paddr_offset, hypercall_page, init_p2m;
    bool has_entry, has_virt_base, has_hypercall_page, has_init_p2m;
    bool has_supported_features, mod_start_pfn;
    uint64_t supported_features;
    uint64_t load_start, load_end; /* physical addresses of the segments; 0, 0 if none */
    size_t notes, symbols;         /* Xen's notes; entries of .symtab */
    /* Judgement: of the builder that the hypervisor itself uses. */
    struct pv_image pv;
    const char *why; /* it cannot start; NULL if it can */
};

/* Look at an ELF in memory, which must stay while image is used. */
void image_read(const void *elf, size_t bytes, struct image *image);

/* A guest's memory in MiB from which on the image can start with this ramdisk and command line.
 * 0: none is enough, and why (PV_ERROR_MAX bytes) is filled. */
unsigned image_least_memory(const struct image *image, uint64_t ramdisk_bytes, const char *cmdline,
                            bool domain0, char *why);

#endif
