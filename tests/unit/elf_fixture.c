/* SPDX-License-Identifier: MIT */
#include "elf_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>

uint8_t elf_byte(uint64_t i)
{
    return (uint8_t)(i * 7 + (i >> 8) * 13 + 1);
}

static size_t add_note(uint8_t *at, uint32_t type, const void *desc, uint32_t bytes)
{
    Elf64_Nhdr note = {4, bytes, type};
    size_t padded = (bytes + 3) & ~3u;

    if (at != NULL) {
        memcpy(at, &note, sizeof(note));
        memcpy(at + sizeof(note), "Xen", 4);
        memset(at + sizeof(note) + 4, 0, padded);
        memcpy(at + sizeof(note) + 4, desc, bytes);
    }
    return sizeof(note) + 4 + padded;
}

static size_t add_notes(uint8_t *at, const struct elf_recipe *r)
{
    const uint32_t one = 1;
    size_t n = 0;

#define NOTE(type, value, bytes) n += add_note(at ? at + n : NULL, type, value, bytes)
    NOTE(XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
    NOTE(XEN_ELFNOTE_GUEST_OS, "test", 5);
    NOTE(XEN_ELFNOTE_LOADER, "generic", 8);
    if (r->entry != 0) {
        NOTE(XEN_ELFNOTE_ENTRY, &r->entry, 8);
    }
    NOTE(XEN_ELFNOTE_VIRT_BASE, &r->base, 8);
    if (r->hypercall_page != 0) {
        NOTE(XEN_ELFNOTE_HYPERCALL_PAGE, &r->hypercall_page, 8);
    }
    if (r->init_p2m != 0) {
        NOTE(XEN_ELFNOTE_INIT_P2M, &r->init_p2m, 8);
    }
    if (r->mod_start_pfn) {
        NOTE(XEN_ELFNOTE_MOD_START_PFN, &one, 4);
    }
    if (r->features != NULL) {
        NOTE(XEN_ELFNOTE_FEATURES, r->features, (uint32_t)strlen(r->features) + 1);
    }
    if (r->supported != 0) {
        NOTE(XEN_ELFNOTE_SUPPORTED_FEATURES, &r->supported, 4);
    }
#undef NOTE
    return n;
}

static void add_symbols(struct elf_image *image, const struct elf_recipe *r, size_t symbols)
{
    static const char strings[] = "\0alpha\0beta";
    Elf64_Sym sym[3] = {
        {0},
        {.st_name = 1, .st_info = STT_FUNC, .st_shndx = 1, .st_value = r->entry},
        {.st_name = 7, .st_info = STT_FUNC, .st_shndx = 1, .st_value = r->entry + 0x40},
    };
    Elf64_Shdr shdr[3] = {
        {0},
        {.sh_type = SHT_SYMTAB,
         .sh_offset = symbols,
         .sh_size = sizeof(sym),
         .sh_link = 2,
         .sh_entsize = sizeof(Elf64_Sym)},
        {.sh_type = SHT_STRTAB, .sh_offset = symbols + sizeof(sym), .sh_size = sizeof(strings)},
    };

    memcpy(image->bytes + symbols, sym, sizeof(sym));
    memcpy(image->bytes + symbols + sizeof(sym), strings, sizeof(strings));
    memcpy(image->bytes + image->shdrs, shdr, sizeof(shdr));
    image->sections = 3;
    elf_header(image)->e_shoff = image->shdrs;
    elf_header(image)->e_shnum = 3;
    elf_header(image)->e_shentsize = sizeof(Elf64_Shdr);
}

struct elf_image elf_make(const struct elf_recipe *r)
{
    struct elf_image image = {.phdrs = sizeof(Elf64_Ehdr), .segments = 2};
    uint64_t align = r->align ? r->align : 16;
    size_t symbols;

    image.notes = image.phdrs + 2 * sizeof(Elf64_Phdr);
    image.notes_size = add_notes(NULL, r);
    image.text = (image.notes + image.notes_size + align - 1) & ~(align - 1);
    symbols = (image.text + r->file_bytes + 7) & ~7ul;
    image.shdrs = symbols + 3 * sizeof(Elf64_Sym) + 16;
    image.size = r->symbols ? image.shdrs + 3 * sizeof(Elf64_Shdr) : image.text + r->file_bytes;
    image.bytes = aligned_alloc(4096, (image.size + 4095) & ~4095ul);
    memset(image.bytes, 0, (image.size + 4095) & ~4095ul);
    *elf_header(&image) = (Elf64_Ehdr){
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = r->base + r->paddr,
        .e_phoff = image.phdrs,
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 2,
    };
    *elf_segment(&image, 0) = (Elf64_Phdr){
        .p_type = PT_NOTE, .p_offset = image.notes, .p_filesz = image.notes_size, .p_align = 4};
    *elf_segment(&image, 1) = (Elf64_Phdr){.p_type = PT_LOAD,
                                           .p_offset = image.text,
                                           .p_vaddr = r->base + r->paddr,
                                           .p_paddr = r->paddr,
                                           .p_filesz = r->file_bytes,
                                           .p_memsz = r->memory_bytes};
    add_notes(image.bytes + image.notes, r);
    for (uint64_t i = 0; i < r->file_bytes; i++) {
        image.bytes[image.text + i] = elf_byte(i);
    }
    if (r->symbols) {
        add_symbols(&image, r, symbols);
    }
    return image;
}

struct elf_image elf_copy(const struct elf_image *image, size_t size)
{
    struct elf_image copy = *image;

    copy.size = size;
    copy.bytes = malloc(size ? size : 1);
    memcpy(copy.bytes, image->bytes, size < image->size ? size : image->size);
    return copy;
}

void elf_free(struct elf_image *image)
{
    free(image->bytes);
    image->bytes = NULL;
}

struct elf_recipe elf_usual(void)
{
    return (struct elf_recipe){.entry = ELF_BASE + 0x100000,
                               .base = ELF_BASE,
                               .paddr = 0x100000,
                               .file_bytes = 0x10000,
                               .memory_bytes = 0x20000,
                               .hypercall_page = ELF_BASE + 0x108000,
                               .init_p2m = 0x8000000000ull,
                               .mod_start_pfn = true};
}

Elf64_Ehdr *elf_header(struct elf_image *image)
{
    return (Elf64_Ehdr *)image->bytes;
}

Elf64_Phdr *elf_segment(struct elf_image *image, unsigned index)
{
    return (Elf64_Phdr *)(image->bytes + image->phdrs) + index;
}

uint8_t *elf_note(struct elf_image *image, uint32_t type)
{
    for (size_t at = image->notes; at < image->notes + image->notes_size;) {
        Elf64_Nhdr *note = (Elf64_Nhdr *)(image->bytes + at);
        size_t desc = at + sizeof(*note) + 4;

        if (note->n_type == type) {
            return image->bytes + desc;
        }
        at = desc + ((note->n_descsz + 3) & ~3u);
    }
    return NULL;
}
