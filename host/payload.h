/* SPDX-License-Identifier: MIT */
/* Kernel files: an ELF as it is, or a bzImage whose payload is unpacked. */
#ifndef PARAVANE_HOST_PAYLOAD_H
#define PARAVANE_HOST_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct payload {
    uint8_t *elf; /* the kernel as an ELF file */
    size_t bytes;
    const char *packing; /* "none", "gzip", "xz", "zstd", "lz4" */
    bool is_bzimage;
    void *mapping; /* of the file, when elf points into it */
    size_t mapping_bytes;
};

/* Read FILE; false with one line that names it and the reason. */
bool payload_read(const char *file, struct payload *p);
void payload_free(struct payload *p);

/* unpack.c: SIZE bytes expected at out. NULL on success, else what is wrong with the data. */
const char *unpack_gzip(const uint8_t *in, size_t n, uint8_t *out, size_t size);
const char *unpack_xz(const uint8_t *in, size_t n, uint8_t *out, size_t size);
const char *unpack_zstd(const uint8_t *in, size_t n, uint8_t *out, size_t size);
const char *unpack_lz4(const uint8_t *in, size_t n, uint8_t *out, size_t size);

#endif
