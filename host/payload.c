/* SPDX-License-Identifier: MIT */
/*
 * From a kernel file to an ELF in memory. A bzImage carries its compressed vmlinux at
 * payload_offset behind the setup sectors, with the unpacked size in its last four bytes (Linux,
 * Documentation/x86/boot.rst, payload_offset).
 */
#include "payload.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

#define SETUP_SECTS 0x1f1
#define SETUP_MAGIC 0x202 /* "HdrS" */
#define SETUP_VERSION 0x206
#define PAYLOAD_OFFSET 0x248
#define PAYLOAD_LENGTH 0x24c
#define UNPACKED_MAX (1u << 30)

struct packing {
    const char *name;
    const char *magic;
    size_t magic_bytes;
    const char *(*unpack)(const uint8_t *in, size_t n, uint8_t *out, size_t size);
};

static const struct packing packings[] = {
    {"gzip", "\x1f\x8b", 2, unpack_gzip},
    {"xz",
     "\xfd"
     "7zXZ",
     6, unpack_xz},
    {"zstd", "\x28\xb5\x2f\xfd", 4, unpack_zstd},
    {"lz4", "\x02\x21\x4c\x18", 4, unpack_lz4},
    {"bzip2", "BZh", 3, NULL},
    {"lzma", "\x5d\x00\x00", 3, NULL},
    {"lzo", "\x89LZO", 4, NULL},
};

static uint32_t le32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool map_file(const char *file, struct payload *p)
{
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO would wait */

    if (fd < 0) {
        return complain("%s: kernel: %s", file, strerror(errno));
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
        close(fd);
        return complain("%s: kernel: %s", file,
                        S_ISDIR(st.st_mode)   ? "is a directory"
                        : S_ISREG(st.st_mode) ? "is empty"
                                              : "is not a regular file");
    }
    p->mapping_bytes = (size_t)st.st_size;
    p->mapping = mmap(NULL, p->mapping_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (p->mapping == MAP_FAILED) {
        p->mapping = NULL;
        return complain("%s: kernel: cannot read: %s", file, strerror(errno));
    }
    return true;
}

static bool unpack(const char *file, const uint8_t *in, size_t n, struct payload *p)
{
    const struct packing *k = NULL;
    const char *wrong;
    uint32_t size;

    for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++) {
        if (n > packings[i].magic_bytes &&
            memcmp(in, packings[i].magic, packings[i].magic_bytes) == 0) {
            k = &packings[i];
        }
    }
    if (!k) {
        return complain("%s: bzImage payload: unknown compression (starts %02x %02x %02x %02x)",
                        file, in[0], in[1], in[2], in[3]);
    }
    if (!k->unpack) {
        return complain("%s: bzImage payload: %s compression is not supported; gzip, xz, zstd and "
                        "lz4 are",
                        file, k->name);
    }
    size = le32(in + n - 4);
    if (size < sizeof(Elf64_Ehdr) || size > UNPACKED_MAX) {
        return complain("%s: bzImage payload: claims to unpack to %u bytes", file, size);
    }
    p->elf = malloc(size);
    if (!p->elf) {
        return complain("%s: no memory for %u bytes", file, size);
    }
    p->bytes = size;
    p->packing = k->name;
    /* The size word stands behind the stream: gzip's own last word is the same number. */
    wrong = k->unpack(in, n, p->elf, size);
    if (wrong) {
        return complain("%s: bzImage payload: %s: %s", file, k->name, wrong);
    }
    return true;
}

static bool read_bzimage(const char *file, const uint8_t *d, size_t n, struct payload *p)
{
    size_t setup = (d[SETUP_SECTS] ? d[SETUP_SECTS] : 4), start;
    uint32_t offset = le32(d + PAYLOAD_OFFSET), length = le32(d + PAYLOAD_LENGTH);

    if (d[SETUP_VERSION] + d[SETUP_VERSION + 1] * 256 < 0x208) {
        return complain("%s: bzImage: boot protocol %u.%02u has no payload field; 2.08 has", file,
                        d[SETUP_VERSION + 1], d[SETUP_VERSION]);
    }
    start = (setup + 1) * 512;
    if (length < 8 || start > n || offset > n - start || length > n - start - offset) {
        return complain("%s: bzImage: truncated: the payload ends behind the end of the file",
                        file);
    }
    p->is_bzimage = true;
    return unpack(file, d + start + offset, length, p);
}

bool payload_read(const char *file, struct payload *p)
{
    const uint8_t *d;

    memset(p, 0, sizeof(*p));
    if (!map_file(file, p)) {
        return false;
    }
    d = p->mapping;
    if (p->mapping_bytes >= SELFMAG && memcmp(d, ELFMAG, SELFMAG) == 0) {
        p->elf = p->mapping;
        p->bytes = p->mapping_bytes;
        p->packing = "none";
        return true;
    }
    if (p->mapping_bytes > 0x260 && memcmp(d + SETUP_MAGIC, "HdrS", 4) == 0) {
        if (read_bzimage(file, d, p->mapping_bytes, p)) {
            return true;
        }
    } else {
        complain("%s: kernel: neither an ELF nor a bzImage (names of guest files end in .cfg)",
                 file);
    }
    payload_free(p);
    return false;
}

void payload_free(struct payload *p)
{
    if (p->elf && p->elf != p->mapping) {
        free(p->elf);
    }
    if (p->mapping) {
        munmap(p->mapping, p->mapping_bytes);
    }
    memset(p, 0, sizeof(*p));
}
