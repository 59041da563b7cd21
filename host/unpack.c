/* SPDX-License-Identifier: MIT */
/* The four compressions Linux kernels come in here, by the libraries that own them. */
#include <lz4.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "payload.h"

const char *unpack_gzip(const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
    z_stream z = {
        .next_in = (Bytef *)in, .avail_in = (uInt)n, .next_out = out, .avail_out = (uInt)size};
    int ret;

    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
        return "no memory";
    }
    ret = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return ret == Z_STREAM_END && z.total_out == size ? NULL : "the data is damaged";
}

const char *unpack_xz(const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
    uint64_t limit = 256u << 20;
    size_t in_at = 0, out_at = 0;
    lzma_ret ret = lzma_stream_buffer_decode(&limit, 0, NULL, in, &in_at, n, out, &out_at, size);

    return ret == LZMA_OK && out_at == size ? NULL : "the data is damaged";
}

const char *unpack_zstd(const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
    size_t frame = ZSTD_findFrameCompressedSize(in, n);
    size_t got = ZSTD_isError(frame) ? frame : ZSTD_decompress(out, size, in, frame);

    return !ZSTD_isError(got) && got == size ? NULL : "the data is damaged";
}

/* The legacy frame that the kernel uses: magic, then blocks of up to 8 MiB with their sizes. */
const char *unpack_lz4(const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
    size_t at = 4, done = 0;

    while (done < size) {
        uint32_t block;
        int got;

        if (n - at < 4) {
            return "the data ends early";
        }
        memcpy(&block, in + at, 4);
        at += 4;
        if (block > n - at) {
            return "the data ends early";
        }
        got = LZ4_decompress_safe((const char *)in + at, (char *)out + done, (int)block,
                                  (int)(size - done));
        if (got <= 0) {
            return "the data is damaged";
        }
        at += block;
        done += (size_t)got;
    }
    return NULL;
}
