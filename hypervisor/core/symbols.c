/* SPDX-License-Identifier: MIT */
/*
 * Addresses to names. A guest's table is as hostile as its image: records are copied out one by
 * one and names end at the table's end. It is unsorted, and searched whole: only crashes ask.
 */
#include "symbols.h"

#include <elf.h>
#include <string.h>

#include "log.h"

void symbols_name(uint64_t address, char *dst, size_t bytes)
{
    uint32_t low = 0, high = hypervisor_symbol_count;
    uint64_t offset = address - hypervisor_symbols_base;

    while (low < high) { /* the first symbol above the address */
        uint32_t middle = low + (high - low) / 2;

        if (hypervisor_symbols[middle].offset <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        format(dst, bytes, "?");
        return;
    }
    const struct hypervisor_symbol *s = &hypervisor_symbols[low - 1];

    format(dst, bytes, "%s+%#lx", hypervisor_symbol_names + s->name, offset - s->offset);
}

/* Nearest symbol at or below address that names code; false: none. */
static bool search(const struct domain *d, uint64_t address, Elf64_Sym *best)
{
    bool found = false;

    for (uint64_t i = 0; i < d->symbol_count; i++) {
        Elf64_Sym s;

        memcpy(&s, (const char *)d->symbols + i * sizeof(s), sizeof(s));
        if (s.st_value > address || s.st_shndx == SHN_UNDEF || s.st_shndx == SHN_ABS ||
            ELF64_ST_TYPE(s.st_info) > STT_FUNC || ELF64_ST_TYPE(s.st_info) == STT_OBJECT ||
            s.st_name == 0 || s.st_name >= d->symbol_name_bytes) {
            continue;
        }
        if (!found || s.st_value > best->st_value) {
            *best = s;
            found = true;
        }
    }
    return found;
}

void symbols_guest_name(const struct domain *d, uint64_t address, char *dst, size_t bytes)
{
    Elf64_Sym s;

    if (d->symbols == NULL || !search(d, address, &s) || address - s.st_value > 1ull << 20) {
        format(dst, bytes, "?");
        return;
    }
    uint64_t room = d->symbol_name_bytes - s.st_name;

    format(dst, bytes, "%.*s+%#lx", room > 128 ? 128 : (int)room, d->symbol_names + s.st_name,
           address - s.st_value);
    for (size_t i = 0; i < bytes && dst[i] != '\0'; i++) {
        if (dst[i] < ' ' || dst[i] > '~') {
            dst[i] = '?'; /* no control characters from an image into the log */
        }
    }
}

void symbols_keep(struct domain *d, mfn_t first, uint64_t frames, const void *symbols,
                  uint64_t count, const char *names, uint64_t name_bytes)
{
    d->symbols = symbols;
    d->symbol_count = count;
    d->symbol_names = names;
    d->symbol_name_bytes = name_bytes;
    d->symbol_frames = first;
    d->symbol_frame_count = frames;
}

void symbols_drop(struct domain *d)
{
    uint64_t frames = d->symbol_frame_count;

    d->symbols = NULL;
    d->symbol_count = 0;
    d->symbol_frame_count = 0;
    if (frames > 0) {
        frame_release_module(d->symbol_frames, frames);
    }
}
