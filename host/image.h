/* SPDX-License-Identifier: MIT */
/* What the ELF of a kernel says of itself, read with libelf. */
#ifndef PARAVANE_HOST_IMAGE_H
#define PARAVANE_HOST_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image {
    bool has_xen_notes;
    char guest_os[32], guest_version[32], xen_version[32], loader[32];
    char features[128];
    uint64_t entry, virt_base, paddr_offset, hypercall_page, init_p2m;
    bool has_entry, has_virt_base, has_hypercall_page, has_init_p2m;
    uint64_t supported_features, mod_start_pfn;
    uint64_t load_start, load_end; /* physical addresses */
    size_t symbols;                /* entries of .symtab */
};

/* Read an ELF in memory. NULL on success, else the reason why it cannot boot here. Fields are
 * filled as far as possible in either case. */
const char *image_read(const void *elf, size_t bytes, struct image *image);

/* Memory in MiB below which the image and its start-of-day structures do not fit. */
unsigned image_min_memory(const struct image *image, uint64_t ramdisk_bytes);

#endif
