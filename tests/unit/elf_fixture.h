/* SPDX-License-Identifier: MIT */
/* ELF images put together in memory, to be parsed, broken and built from. */
#ifndef PARAVANE_TEST_ELF_FIXTURE_H
#define PARAVANE_TEST_ELF_FIXTURE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_BASE 0xffffffff80000000ull

struct elf_image {
    uint8_t *bytes; /* malloc, exactly `size` long, so that ASan sees the first byte too many */
    size_t size;
    size_t phdrs, notes, notes_size, text, shdrs; /* offsets */
    unsigned segments, sections;
};

/* What to put into the image; zero means "leave out" but for entry and base. */
struct elf_recipe {
    uint64_t entry, base;
    uint64_t paddr;      /* of the first segment */
    uint64_t file_bytes; /* of its contents: byte i of the segment is elf_byte(i) */
    uint64_t memory_bytes;
    uint64_t hypercall_page, init_p2m;
    bool mod_start_pfn;
    bool symbols;   /* a symbol table with "alpha" at entry, "beta" 0x40 above */
    uint64_t align; /* file offset of the contents is a multiple of this; 0 = 16 */
    const char *features;
    uint32_t supported; /* SUPPORTED_FEATURES, 0 = no note */
};

struct elf_image elf_make(const struct elf_recipe *recipe);
struct elf_image elf_copy(const struct elf_image *image, size_t size);
void elf_free(struct elf_image *image);
uint8_t elf_byte(uint64_t i);
/* A recipe that boots: 64 KiB of kernel at 1 MiB with as much .bss. */
struct elf_recipe elf_usual(void);

Elf64_Ehdr *elf_header(struct elf_image *image);
Elf64_Phdr *elf_segment(struct elf_image *image, unsigned index); /* 0: PT_NOTE, 1: PT_LOAD */
/* Descriptor of the Xen note of this type, NULL if there is none. */
uint8_t *elf_note(struct elf_image *image, uint32_t type);

#endif
