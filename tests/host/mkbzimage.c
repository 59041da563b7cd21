/* SPDX-License-Identifier: MIT */
/*
 * mkbzimage PACKING ELF OUTPUT: a bzImage as the Linux build makes one, as far as a loader of its
 * payload looks: setup header, payload compressed with gzip, xz (with the x86 filter, as Debian's),
 * zstd or lz4 (legacy frame), unpacked size behind it. PACKING can also name what is refused.
 */
#include <lz4.h>
#include <lzma.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define SETUP_SECTORS 1
#define SETUP_BYTES ((SETUP_SECTORS + 1) * 512u)
#define CODE_BYTES 4096u /* the decompressor that would stand before the payload */

static uint8_t out[64 << 20];
static size_t out_bytes;

static void put32(uint8_t *p, size_t v)
{
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> 8 * i);
    }
}

static size_t pack_gzip(const uint8_t *in, size_t n, uint8_t *to, size_t room)
{
    z_stream z = {
        .next_in = (Bytef *)in, .avail_in = (uInt)n, .next_out = to, .avail_out = (uInt)room};

    deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
    deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return z.total_out;
}

static size_t pack_xz(const uint8_t *in, size_t n, uint8_t *to, size_t room)
{
    lzma_options_lzma lzma2;
    lzma_filter filters[] = {
        {LZMA_FILTER_X86, NULL}, {LZMA_FILTER_LZMA2, &lzma2}, {LZMA_VLI_UNKNOWN, NULL}};
    size_t at = 0;

    lzma_lzma_preset(&lzma2, 6);
    return lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, in, n, to, &at, room) ==
                   LZMA_OK
               ? at
               : 0;
}

static size_t pack_zstd(const uint8_t *in, size_t n, uint8_t *to, size_t room)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    size_t bytes;

    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 19);
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1); /* as zstd(1) does */
    bytes = ZSTD_compress2(c, to, room, in, n);
    ZSTD_freeCCtx(c);
    return bytes;
}

static size_t pack_lz4(const uint8_t *in, size_t n, uint8_t *to, size_t room)
{
    size_t at = 4;

    memcpy(to, "\x02\x21\x4c\x18", 4);
    for (size_t done = 0; done < n;) {
        size_t block = n - done < 8u << 20 ? n - done : 8u << 20;
        int got = LZ4_compress_default((const char *)in + done, (char *)to + at + 4, (int)block,
                                       (int)(room - at - 4));

        put32(to + at, (size_t)got);
        at += 4 + (size_t)got;
        done += block;
    }
    return at;
}

static size_t pack_bzip2(const uint8_t *in, size_t n, uint8_t *to, size_t room)
{
    (void)in;
    (void)n;
    (void)room;
    memcpy(to, "BZh91AY&SY", 10);
    return 10;
}

static const struct {
    const char *name;
    size_t (*pack)(const uint8_t *in, size_t n, uint8_t *to, size_t room);
} packings[] = {{"gzip", pack_gzip},
                {"xz", pack_xz},
                {"zstd", pack_zstd},
                {"lz4", pack_lz4},
                {"bzip2", pack_bzip2}};

static void make(size_t which, const uint8_t *elf, size_t n)
{
    uint8_t *payload = out + SETUP_BYTES + CODE_BYTES;
    size_t bytes =
        packings[which].pack(elf, n, payload, sizeof(out) - SETUP_BYTES - CODE_BYTES - 4);

    if (strcmp(packings[which].name, "gzip") != 0) { /* whose own last word is the size */
        put32(payload + bytes, n);
        bytes += 4;
    }
    out[0x1f1] = SETUP_SECTORS;
    memcpy(out + 0x202, "HdrS\x0f\x02", 6);
    put32(out + 0x248, CODE_BYTES);
    put32(out + 0x24c, bytes);
    out_bytes = SETUP_BYTES + CODE_BYTES + bytes + 512; /* and something behind it */
}

int main(int argc, char **argv)
{
    static uint8_t elf[32 << 20];
    FILE *f;
    size_t n;

    if (argc != 4 || !(f = fopen(argv[2], "rb"))) {
        fprintf(stderr, "usage: mkbzimage PACKING ELF OUTPUT\n");
        return 1;
    }
    n = fread(elf, 1, sizeof(elf), f);
    fclose(f);
    for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++) {
        if (strcmp(argv[1], packings[i].name) == 0) {
            make(i, elf, n);
        }
    }
    f = fopen(argv[3], "wb");
    return f && fwrite(out, 1, out_bytes, f) == out_bytes && fclose(f) == 0 ? 0 : 1;
}
