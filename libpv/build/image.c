/* SPDX-License-Identifier: MIT */
/*
 * Read a 64-bit PV kernel's ELF: headers, segments, where notes and symbols are, and whether what
 * they say fits together. The file is hostile and this runs in ring 0: it is read only through
 * pv_image_at(), and no loop's bound comes from the file.
 * Structures: System V ABI, ELF-64. Man page: paravane-abi(7), IMAGES.
 */
#include "image.h"

#define HEADERS_MAX 128  /* program headers looked at */
#define SECTIONS_MAX 512 /* section headers looked at */
#define PSEUDO_PHYSICAL_MAX (1ull << 44)
#define PAGE_BYTES 4096ull
#define SYMBOLS_MAX (1ull << 20)

typedef unsigned long long ull;

/* Record `index` of a table at `offset` whose records have `size` bytes. */
static bool read_record(const struct pv_image *image, void *dst, uint64_t offset, unsigned index,
                        uint64_t size)
{
    uint64_t where;

    return !__builtin_add_overflow(offset, index * size, &where) &&
           pv_image_read(image, dst, where, size);
}

/* Something else than an ELF file: say what it looks like. */
static bool refuse_format(struct pv_parse *p)
{
    static const struct {
        uint64_t offset;
        const char *magic;
        unsigned length;
        const char *what;
    } formats[] = {
        {0x202, "HdrS", 4, "a Linux bzImage, whose payload must be unpacked first"},
        {0, "\x1f\x8b", 2, "gzip data, which must be unpacked first"},
        {0,
         "\xfd"
         "7zXZ",
         5, "xz data, which must be unpacked first"},
        {0, "\x28\xb5\x2f\xfd", 4, "zstd data, which must be unpacked first"},
        {0, "#!", 2, "a script"},
    };

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        const uint8_t *where = pv_image_at(p->image, formats[i].offset, formats[i].length);

        if (where != NULL && memcmp(where, formats[i].magic, formats[i].length) == 0) {
            return pv_fail(p, "not an ELF file but %s", formats[i].what);
        }
    }
    return pv_fail(p, "not an ELF file");
}

static bool parse_header(struct pv_parse *p)
{
    const struct pv_image *image = p->image;
    const uint8_t *ident = pv_image_at(image, 0, EI_NIDENT);

    if (image->bytes == 0) {
        return pv_fail(p, "the file is empty");
    }
    if (ident == NULL || memcmp(ident, ELFMAG, SELFMAG) != 0) {
        return refuse_format(p);
    }
    if (ident[EI_CLASS] == ELFCLASS32) {
        return pv_fail(p, "a 32-bit ELF; only 64-bit PV kernels can run");
    }
    if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB) {
        return pv_fail(p, "not a 64-bit little-endian ELF");
    }
    if (!pv_image_read(image, &p->ehdr, 0, sizeof(p->ehdr))) {
        return pv_fail(p, "the ELF header is truncated");
    }
    if (p->ehdr.e_machine != EM_X86_64) {
        return pv_fail(p, "an ELF for machine %u; x86-64 is %d", p->ehdr.e_machine, EM_X86_64);
    }
    if (p->ehdr.e_type != ET_EXEC && p->ehdr.e_type != ET_DYN) {
        return pv_fail(p, "ELF type %u is not an executable", p->ehdr.e_type);
    }
    if (p->ehdr.e_phnum == 0 || p->ehdr.e_phentsize != sizeof(Elf64_Phdr)) {
        return pv_fail(p, "no program headers of the usual size");
    }
    if (p->ehdr.e_phnum > HEADERS_MAX) {
        return pv_fail(p, "%u program headers; at most %d are looked at", p->ehdr.e_phnum,
                       HEADERS_MAX);
    }
    return true;
}

static bool read_program_header(struct pv_parse *p, unsigned index, Elf64_Phdr *phdr)
{
    if (!read_record(p->image, phdr, p->ehdr.e_phoff, index, sizeof(*phdr))) {
        return pv_fail(p, "truncated: program header %u is not in the file", index);
    }
    return true;
}

/* Sections are optional: false without an error text at the first that is not there. */
static bool read_section(const struct pv_parse *p, unsigned index, Elf64_Shdr *shdr)
{
    return p->ehdr.e_shentsize == sizeof(*shdr) && index < p->ehdr.e_shnum &&
           index < SECTIONS_MAX &&
           read_record(p->image, shdr, p->ehdr.e_shoff, index, sizeof(*shdr));
}

/* Notes from program headers; if Xen has none there, from sections; else the legacy string. */
static bool find_notes(struct pv_parse *p)
{
    Elf64_Phdr phdr;
    Elf64_Shdr shdr, names;

    for (unsigned i = 0; i < p->ehdr.e_phnum; i++) {
        if (!read_program_header(p, i, &phdr)) {
            return false;
        }
        if (phdr.p_type == PT_NOTE &&
            !pv_notes_parse(p, phdr.p_offset, phdr.p_filesz, phdr.p_align)) {
            return false;
        }
    }
    for (unsigned i = 0; p->xen_notes == 0 && read_section(p, i, &shdr); i++) {
        if (shdr.sh_type == SHT_NOTE &&
            !pv_notes_parse(p, shdr.sh_offset, shdr.sh_size, shdr.sh_addralign)) {
            return false;
        }
    }
    if (p->xen_notes != 0 || !read_section(p, p->ehdr.e_shstrndx, &names)) {
        return true;
    }
    for (unsigned i = 0; read_section(p, i, &shdr); i++) {
        uint64_t where = names.sh_offset + shdr.sh_name;

        const uint8_t *name =
            where >= names.sh_offset ? pv_image_at(p->image, where, sizeof("__xen_guest")) : NULL;
        if (name != NULL && memcmp(name, "__xen_guest", sizeof("__xen_guest")) == 0) {
            return pv_notes_parse_legacy(p, shdr.sh_offset, shdr.sh_size);
        }
    }
    return true;
}

static bool add_segment(struct pv_parse *p, const Elf64_Phdr *phdr)
{
    struct pv_image *image = p->image;
    struct pv_segment *s = &image->segment[image->segment_count];
    ull where = phdr->p_paddr;

    if (image->segment_count == PV_SEGMENTS_MAX) {
        return pv_fail(p, "more than %d segments to load", PV_SEGMENTS_MAX);
    }
    if (phdr->p_filesz > phdr->p_memsz) {
        return pv_fail(p, "the segment at %#llx has more bytes in the file than in memory", where);
    }
    if (pv_image_at(image, phdr->p_offset, phdr->p_filesz) == NULL) {
        return pv_fail(p, "truncated: the segment at %#llx needs %llu bytes, the file has %llu",
                       where, (ull)phdr->p_offset + phdr->p_filesz, (ull)image->bytes);
    }
    *s = (struct pv_segment){.start = phdr->p_paddr - image->paddr_offset,
                             .offset = phdr->p_offset,
                             .file_bytes = phdr->p_filesz,
                             .memory_bytes = phdr->p_memsz};
    if (s->start > PSEUDO_PHYSICAL_MAX || s->memory_bytes > PSEUDO_PHYSICAL_MAX - s->start) {
        return pv_fail(p, "the segment at %#llx (PADDR_OFFSET %#llx) is not in any possible memory",
                       where, (ull)image->paddr_offset);
    }
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct pv_segment *o = &image->segment[i];

        if (s->start < o->start + o->memory_bytes && o->start < s->start + s->memory_bytes) {
            return pv_fail(p, "the segments at %#llx and %#llx overlap in memory",
                           (ull)o->start + image->paddr_offset, where);
        }
    }
    image->segment_count++;
    image->start = s->start < image->start ? s->start : image->start;
    if (s->start + s->memory_bytes > image->end) {
        image->end = s->start + s->memory_bytes;
    }
    return true;
}

/* Segments are placed by physical address: Linux has one whose virtual address is 0. */
static bool find_segments(struct pv_parse *p)
{
    Elf64_Phdr phdr;

    p->image->start = PV_UNSET;
    for (unsigned i = 0; i < p->ehdr.e_phnum; i++) {
        if (!read_program_header(p, i, &phdr)) {
            return false;
        }
        if (phdr.p_type == PT_LOAD && phdr.p_memsz != 0 && !add_segment(p, &phdr)) {
            return false;
        }
    }
    if (p->image->segment_count == 0) {
        return pv_fail(p, "nothing to load: no PT_LOAD segment has memory");
    }
    return true;
}

static void find_symbols(struct pv_parse *p)
{
    struct pv_image *image = p->image;
    Elf64_Shdr shdr, strings;

    for (unsigned i = 0; read_section(p, i, &shdr); i++) {
        if (shdr.sh_type != SHT_SYMTAB || shdr.sh_entsize != sizeof(Elf64_Sym)) {
            continue;
        }
        if (shdr.sh_size / sizeof(Elf64_Sym) <= SYMBOLS_MAX &&
            pv_image_at(image, shdr.sh_offset, shdr.sh_size) != NULL &&
            read_section(p, shdr.sh_link, &strings) && strings.sh_type == SHT_STRTAB &&
            pv_image_at(image, strings.sh_offset, strings.sh_size) != NULL) {
            image->symbols = shdr.sh_offset;
            image->symbol_count = shdr.sh_size / sizeof(Elf64_Sym);
            image->strings = strings.sh_offset;
            image->string_bytes = strings.sh_size;
        }
        return;
    }
}

/* True if [va, va + bytes) may be mapped in a guest: canonical, and not the hypervisor's. */
static bool is_guest_range(uint64_t va, uint64_t bytes)
{
    uint64_t last = va + bytes - 1;

    return bytes != 0 && last >= va && (last < 1ull << 47 || va >= HYPERVISOR_VIRT_END);
}

/* What the notes say must fit the segments and the machine. */
static bool check(struct pv_parse *p)
{
    struct pv_image *image = p->image;
    uint64_t end = image->end;

    if (!is_guest_range(image->virt_base, end)) {
        return pv_fail(p, "VIRT_BASE %#llx does not leave room for %llu MiB of kernel",
                       (ull)image->virt_base, (ull)end >> 20);
    }
    if (image->virt_base % PAGE_BYTES != 0) {
        return pv_fail(p, "VIRT_BASE %#llx is not page aligned", (ull)image->virt_base);
    }
    if (image->entry - image->virt_base < image->start || image->entry - image->virt_base >= end) {
        return pv_fail(p, "the entry %#llx is outside the kernel %#llx..%#llx", (ull)image->entry,
                       (ull)(image->virt_base + image->start), (ull)(image->virt_base + end));
    }
    if (image->hypercall_page != PV_UNSET &&
        (image->hypercall_page % PAGE_BYTES != 0 ||
         image->hypercall_page - image->virt_base < image->start ||
         image->hypercall_page - image->virt_base > end - 1)) {
        return pv_fail(p, "the hypercall page %#llx is not a page of the kernel",
                       (ull)image->hypercall_page);
    }
    if (image->init_p2m != PV_UNSET &&
        (image->init_p2m % PAGE_BYTES != 0 || !is_guest_range(image->init_p2m, PAGE_BYTES))) {
        return pv_fail(p, "INIT_P2M %#llx is not an address that a guest may map",
                       (ull)image->init_p2m);
    }
    if (image->hv_start_low != PV_UNSET && image->hv_start_low > HYPERVISOR_VIRT_START) {
        return pv_fail(p, "HV_START_LOW %#llx claims part of the hypervisor's address space",
                       (ull)image->hv_start_low);
    }
    if (image->required &
        (1u << XENFEAT_auto_translated_physmap | 1u << XENFEAT_supervisor_mode_kernel)) {
        return pv_fail(p, "the kernel requires auto_translated_physmap or supervisor_mode_kernel, "
                          "which PV guests do not have");
    }
    return true;
}

static bool check_notes(struct pv_parse *p)
{
    const struct pv_image *image = p->image;

    if (p->xen_notes == 0) {
        return pv_fail(p, "no Xen ELF notes: this kernel was not built for Xen PV");
    }
    if (!p->has_entry && !p->has_base && p->has_pvh) {
        return pv_fail(p, "only a PVH entry (PHYS32_ENTRY): this kernel was not built for Xen PV");
    }
    if (memcmp(image->xen_version, "xen-3.0", 7) != 0) {
        return pv_fail(p, "the kernel is for \"%s\"; \"xen-3.0\" is the PV ABI",
                       image->xen_version);
    }
    return true;
}

bool pv_image_parse(struct pv_image *image, const void *file, uint64_t bytes)
{
    struct pv_parse p = {.image = image};

    memset(image, 0, sizeof(*image));
    image->file = file;
    image->bytes = bytes;
    image->hypercall_page = PV_UNSET;
    image->init_p2m = PV_UNSET;
    image->hv_start_low = PV_UNSET;
    if (!parse_header(&p) || !find_notes(&p) || !check_notes(&p) || !find_segments(&p)) {
        return false;
    }
    if (!p.has_entry) {
        image->entry = p.ehdr.e_entry;
    }
    find_symbols(&p);
    return check(&p);
}
