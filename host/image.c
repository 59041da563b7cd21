/* SPDX-License-Identifier: MIT */
/*
 * The facts of a guest kernel, read with libelf: headers, Xen's notes (xen/elfnote.h), symbols. A
 * damaged file gives fewer facts; the reason stands in the judgement, which is the builder's.
 */
#include "image.h"

#include <gelf.h>
#include <libelf.h>
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
    memset(dst, 0, size);
    for (size_t i = 0; i < n && i + 1 < size && desc[i]; i++) {
        dst[i] = desc[i] >= ' ' && desc[i] < 127 ? (char)desc[i] : '?';
    }
}

static void take_note(struct image *im, uint32_t type, const uint8_t *desc, size_t n)
{
    im->notes++;
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
        im->mod_start_pfn = number(desc, n) != 0;
        break;
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
        im->supported_features = number(desc, n);
        im->has_supported_features = true;
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

static void read_segments(Elf *e, size_t file_bytes, struct image *im)
{
    size_t count = 0;
    GElf_Phdr ph;

    elf_getphdrnum(e, &count);
    for (size_t i = 0; i < count && gelf_getphdr(e, (int)i, &ph); i++) {
        if (ph.p_type == PT_NOTE && ph.p_offset <= file_bytes &&
            ph.p_filesz <= file_bytes - ph.p_offset) {
            take_notes(im, elf_getdata_rawchunk(e, (int64_t)ph.p_offset, ph.p_filesz,
                                                ph.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR));
        } else if (ph.p_type == PT_LOAD && ph.p_memsz && ph.p_paddr + ph.p_memsz > ph.p_paddr) {
            uint64_t end = ph.p_paddr + ph.p_memsz;

            if (im->load_end == 0 || ph.p_paddr < im->load_start) {
                im->load_start = ph.p_paddr;
            }
            im->load_end = end > im->load_end ? end : im->load_end;
        }
    }
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
        } else if (sh.sh_type == SHT_NOTE && im->notes == 0) {
            take_notes(im, elf_getdata(scn, NULL));
        }
    }
}

void image_read(const void *elf, size_t bytes, struct image *im)
{
    GElf_Ehdr eh;
    Elf *e;

    memset(im, 0, sizeof(*im));
    elf_version(EV_CURRENT);
    e = elf_memory((char *)elf, bytes);
    if (e && elf_kind(e) == ELF_K_ELF && gelf_getehdr(e, &eh)) {
        im->entry = eh.e_entry; /* what counts without a note */
        im->has_entry = true;
        read_segments(e, bytes, im);
        read_sections(e, im);
    }
    elf_end(e);
    im->why = pv_image_parse(&im->pv, elf, bytes) ? NULL : im->pv.error;
}
