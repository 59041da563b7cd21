/* SPDX-License-Identifier: MIT */
/* ELF headers, Xen's notes (xen/elfnote.h) and symbols of a guest kernel. */
#include "image.h"

#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <string.h>

#include "hypercall-abi/abi.h"

static uint64_t number(const uint8_t *desc, size_t n)
{
    uint64_t v = 0;

    memcpy(&v, desc, n < 8 ? n : 8);
    return v;
}

static void text(char *dst, size_t size, const uint8_t *desc, size_t n)
{
    snprintf(dst, size, "%.*s", (int)n, (const char *)desc);
}

static void take_note(struct image *im, uint32_t type, const uint8_t *desc, size_t n)
{
    im->has_xen_notes = true;
    switch (type) {
    case XEN_ELFNOTE_ENTRY:
        im->entry = number(desc, n);
        im->has_entry = true;
        break;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
        im->hypercall_page = number(desc, n);
        im->has_hypercall_page = true;
        break;
    case XEN_ELFNOTE_VIRT_BASE:
        im->virt_base = number(desc, n);
        im->has_virt_base = true;
        break;
    case XEN_ELFNOTE_PADDR_OFFSET:
        im->paddr_offset = number(desc, n);
        break;
    case XEN_ELFNOTE_INIT_P2M:
        im->init_p2m = number(desc, n);
        im->has_init_p2m = true;
        break;
    case XEN_ELFNOTE_MOD_START_PFN:
        im->mod_start_pfn = number(desc, n);
        break;
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
        im->supported_features = number(desc, n);
        break;
    case XEN_ELFNOTE_GUEST_OS:
        text(im->guest_os, sizeof(im->guest_os), desc, n);
        break;
    case XEN_ELFNOTE_GUEST_VERSION:
        text(im->guest_version, sizeof(im->guest_version), desc, n);
        break;
    case XEN_ELFNOTE_XEN_VERSION:
        text(im->xen_version, sizeof(im->xen_version), desc, n);
        break;
    case XEN_ELFNOTE_LOADER:
        text(im->loader, sizeof(im->loader), desc, n);
        break;
    case XEN_ELFNOTE_FEATURES:
        text(im->features, sizeof(im->features), desc, n);
        break;
    default:
        break;
    }
}

static void take_notes(struct image *im, Elf_Data *data)
{
    size_t at = 0, name, desc;
    GElf_Nhdr nhdr;

    while (data && (at = gelf_getnote(data, at, &nhdr, &name, &desc)) > 0) {
        if (nhdr.n_namesz == 4 && memcmp((char *)data->d_buf + name, "Xen", 4) == 0) {
            take_note(im, nhdr.n_type, (const uint8_t *)data->d_buf + desc, nhdr.n_descsz);
        }
    }
}

static const char *read_segments(Elf *e, size_t file_bytes, struct image *im)
{
    size_t count = 0;
    GElf_Phdr ph;

    im->load_start = ~0ull;
    elf_getphdrnum(e, &count);
    for (size_t i = 0; i < count; i++) {
        if (!gelf_getphdr(e, (int)i, &ph)) {
            return "the program headers are damaged";
        }
        if (ph.p_offset > file_bytes || ph.p_filesz > file_bytes - ph.p_offset) {
            return "truncated: a segment ends behind the end of the file";
        }
        if (ph.p_type == PT_NOTE) {
            take_notes(im, elf_getdata_rawchunk(e, (int64_t)ph.p_offset, ph.p_filesz,
                                                ph.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR));
        } else if (ph.p_type == PT_LOAD && ph.p_memsz) {
            if (ph.p_paddr + ph.p_memsz < ph.p_paddr || ph.p_memsz < ph.p_filesz) {
                return "a segment's size makes no sense";
            }
            im->load_start = ph.p_paddr < im->load_start ? ph.p_paddr : im->load_start;
            im->load_end =
                ph.p_paddr + ph.p_memsz > im->load_end ? ph.p_paddr + ph.p_memsz : im->load_end;
        }
    }
    return im->load_start < im->load_end ? NULL : "it has no loadable segment";
}

static void read_sections(Elf *e, struct image *im)
{
    Elf_Scn *scn = NULL;
    GElf_Shdr sh;

    while ((scn = elf_nextscn(e, scn))) {
        if (!gelf_getshdr(scn, &sh)) {
            continue;
        }
        if (sh.sh_type == SHT_SYMTAB && sh.sh_entsize) {
            im->symbols = sh.sh_size / sh.sh_entsize;
        } else if (sh.sh_type == SHT_NOTE && !im->has_xen_notes) {
            take_notes(im, elf_getdata(scn, NULL));
        }
    }
}

static const char *judge(const struct image *im)
{
    if (!im->has_xen_notes) {
        return "it has no Xen notes: the kernel is not built as a Xen PV guest";
    }
    if (strncmp(im->xen_version, "xen-3.0", 7) != 0) {
        return "its note XEN_VERSION is not \"xen-3.0\"";
    }
    if (im->loader[0] && strcmp(im->loader, "generic") != 0) {
        return "its note LOADER is not \"generic\"";
    }
    if (!im->has_entry) {
        return "it has no note ENTRY: it can only start as PVH or natively";
    }
    return NULL;
}

const char *image_read(const void *elf, size_t bytes, struct image *im)
{
    const char *wrong;
    GElf_Ehdr eh;
    Elf *e;

    memset(im, 0, sizeof(*im));
    elf_version(EV_CURRENT);
    e = elf_memory((char *)elf, bytes);
    if (!e || elf_kind(e) != ELF_K_ELF || !gelf_getehdr(e, &eh)) {
        elf_end(e);
        return "truncated or damaged ELF header";
    }
    if (gelf_getclass(e) != ELFCLASS64 || eh.e_machine != EM_X86_64) {
        elf_end(e);
        return "not a 64-bit x86-64 kernel";
    }
    if (eh.e_phoff + (uint64_t)eh.e_phnum * eh.e_phentsize > bytes) {
        elf_end(e);
        return "truncated: the program headers are behind the end of the file";
    }
    wrong = read_segments(e, bytes, im);
    if (!wrong) {
        read_sections(e, im);
        wrong = judge(im);
    }
    elf_end(e);
    return wrong;
}

/* Image, ramdisk, page tables and P2M for that much, and the 4 MiB the mapping is rounded to. */
unsigned image_min_memory(const struct image *im, uint64_t ramdisk_bytes)
{
    uint64_t bytes = im->load_end - im->paddr_offset + ramdisk_bytes;

    return (unsigned)((bytes + bytes / 256 + (5u << 20)) >> 20);
}
