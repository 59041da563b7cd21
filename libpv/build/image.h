/* SPDX-License-Identifier: MIT */
/*
 * Private to image.c and notes.c: the state of reading one image, and the only two ways to look
 * into the file. Both check the whole range; nothing else may touch image->file.
 */
#ifndef PARAVANE_LIBPV_IMAGE_H
#define PARAVANE_LIBPV_IMAGE_H

#include <elf.h>
#include <string.h>

#include "build.h"

struct pv_parse {
    struct pv_image *image;
    Elf64_Ehdr ehdr;
    unsigned notes;     /* looked at so far */
    unsigned xen_notes; /* of these, Xen's */
    bool has_entry, has_base, has_paddr_offset, has_pvh;
};

#define pv_fail(p, ...) (pv_build_text((p)->image->error, PV_ERROR_MAX, __VA_ARGS__), false)

/* [offset, offset + bytes) of the file, NULL if it is not all there. */
static inline const uint8_t *pv_image_at(const struct pv_image *image, uint64_t offset,
                                         uint64_t bytes)
{
    if (offset > image->bytes || bytes > image->bytes - offset) {
        return NULL;
    }
    return image->file + offset;
}

static inline bool pv_image_read(const struct pv_image *image, void *dst, uint64_t offset,
                                 uint64_t bytes)
{
    const uint8_t *src = pv_image_at(image, offset, bytes);

    if (src == NULL) {
        return false;
    }
    memcpy(dst, src, bytes);
    return true;
}

/* notes.c: one run of ELF notes, or the text of a __xen_guest section. false: error is set. */
bool pv_notes_parse(struct pv_parse *p, uint64_t offset, uint64_t bytes, uint64_t align);
bool pv_notes_parse_legacy(struct pv_parse *p, uint64_t offset, uint64_t bytes);

#endif
