/* SPDX-License-Identifier: MIT */
/*
 * Xen's ELF notes and the older __xen_guest string: what a PV kernel tells its builder. Hostile
 * input, read in ring 0: lengths are checked against the run of notes that holds them, and the
 * number of notes has a bound. Meanings: <xen/elfnote.h>, <xen/features.h>.
 */
#include "image.h"

#define NOTES_MAX 512 /* looked at, over all segments */

/* At most size-1 characters of a string that may lack its terminator; the rest of dst is zero. */
static void copy_text(char *dst, size_t size, const uint8_t *src, uint64_t length)
{
    memset(dst, 0, size);
    for (size_t i = 0; i + 1 < size && i < length && src[i] != '\0'; i++) {
        dst[i] = src[i] >= ' ' && src[i] < 127 ? (char)src[i] : '?';
    }
}

static bool text_is(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

int pv_feature_bit(const char *name, size_t length)
{
    static const struct {
        const char *name;
        int bit;
    } features[] = {
        {"writable_page_tables", XENFEAT_writable_page_tables},
        {"writable_descriptor_tables", XENFEAT_writable_descriptor_tables},
        {"auto_translated_physmap", XENFEAT_auto_translated_physmap},
        {"supervisor_mode_kernel", XENFEAT_supervisor_mode_kernel},
        {"pae_pgdir_above_4gb", XENFEAT_pae_pgdir_above_4gb},
        {"mmu_pt_update_preserve_ad", XENFEAT_mmu_pt_update_preserve_ad},
        {"highmem_assist", XENFEAT_highmem_assist},
        {"gnttab_map_avail_bits", XENFEAT_gnttab_map_avail_bits},
        {"hvm_callback_vector", XENFEAT_hvm_callback_vector},
        {"hvm_safe_pvclock", XENFEAT_hvm_safe_pvclock},
        {"hvm_pirqs", XENFEAT_hvm_pirqs},
        {"dom0", XENFEAT_dom0},
        {"linux_rsdp_unrestricted", XENFEAT_linux_rsdp_unrestricted},
    };

    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        if (text_is(name, length, features[i].name)) {
            return features[i].bit;
        }
    }
    return -1;
}

/* "a|!b|c": supported features, '!' in front of those the kernel cannot do without. */
static bool parse_features(struct pv_parse *p, const char *text, uint64_t length)
{
    struct pv_image *image = p->image;

    for (uint64_t i = 0; i < length && text[i] != '\0';) {
        uint64_t word = i;

        while (i < length && text[i] != '\0' && text[i] != '|') {
            i++;
        }
        bool required = i > word && text[word] == '!';

        word += required;
        int bit = pv_feature_bit(text + word, i - word);

        if (bit >= 0 && bit < 32) {
            image->supported |= 1u << bit;
            image->required |= required ? 1u << bit : 0;
        } else if (required) {
            char name[48];

            copy_text(name, sizeof(name), (const uint8_t *)text + word, i - word);
            return pv_fail(p, "the kernel requires the unknown feature \"%s\"", name);
        }
        i += i < length && text[i] == '|';
    }
    return true;
}

/* Numeric notes have 4 or 8 bytes. */
static bool note_number(struct pv_parse *p, uint32_t type, const uint8_t *desc, uint32_t bytes,
                        uint64_t *value)
{
    uint32_t narrow;

    if (bytes == 8) {
        memcpy(value, desc, 8);
    } else if (bytes == 4) {
        memcpy(&narrow, desc, 4);
        *value = narrow;
    } else {
        return pv_fail(p, "Xen ELF note %u is a number of %u bytes; 4 or 8 expected", type, bytes);
    }
    return true;
}

static bool parse_flag_note(struct pv_parse *p, uint32_t type, const uint8_t *desc, uint32_t bytes,
                            bool *flag)
{
    uint64_t value = 0;

    if (!note_number(p, type, desc, bytes, &value)) {
        return false;
    }
    *flag = value != 0;
    return true;
}

static bool parse_l1_mfn_valid(struct pv_parse *p, const uint8_t *desc, uint32_t bytes)
{
    if (bytes < 16) {
        return pv_fail(p, "Xen ELF note L1_MFN_VALID has %u bytes; 16 expected", bytes);
    }
    memcpy(&p->image->l1_mfn_mask, desc, 8);
    memcpy(&p->image->l1_mfn_value, desc + 8, 8);
    return true;
}

static bool parse_xen_note(struct pv_parse *p, uint32_t type, const uint8_t *desc, uint32_t bytes)
{
    struct pv_image *image = p->image;
    uint64_t value = 0;

    switch (type) {
    case XEN_ELFNOTE_ENTRY:
        p->has_entry = true;
        return note_number(p, type, desc, bytes, &image->entry);
    case XEN_ELFNOTE_HYPERCALL_PAGE:
        return note_number(p, type, desc, bytes, &image->hypercall_page);
    case XEN_ELFNOTE_VIRT_BASE:
        p->has_base = true;
        return note_number(p, type, desc, bytes, &image->virt_base);
    case XEN_ELFNOTE_PADDR_OFFSET:
        p->has_paddr_offset = true;
        return note_number(p, type, desc, bytes, &image->paddr_offset);
    case XEN_ELFNOTE_HV_START_LOW:
        return note_number(p, type, desc, bytes, &image->hv_start_low);
    case XEN_ELFNOTE_INIT_P2M:
        return note_number(p, type, desc, bytes, &image->init_p2m);
    case XEN_ELFNOTE_MOD_START_PFN:
        return parse_flag_note(p, type, desc, bytes, &image->mod_start_pfn);
    case XEN_ELFNOTE_SUSPEND_CANCEL:
        return parse_flag_note(p, type, desc, bytes, &image->suspend_cancel);
    case XEN_ELFNOTE_L1_MFN_VALID:
        return parse_l1_mfn_valid(p, desc, bytes);
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
        image->has_supported = true;
        if (!note_number(p, type, desc, bytes, &value)) {
            return false;
        }
        image->supported |= (uint32_t)value;
        return true;
    case XEN_ELFNOTE_FEATURES:
        return parse_features(p, (const char *)desc, bytes);
    case XEN_ELFNOTE_XEN_VERSION:
        copy_text(image->xen_version, sizeof(image->xen_version), desc, bytes);
        return true;
    case XEN_ELFNOTE_GUEST_OS:
        copy_text(image->guest_os, sizeof(image->guest_os), desc, bytes);
        return true;
    case XEN_ELFNOTE_LOADER:
        copy_text(image->loader, sizeof(image->loader), desc, bytes);
        return true;
    case XEN_ELFNOTE_PHYS32_ENTRY:
        p->has_pvh = true;
        return true;
    default:
        return true;
    }
}

/* One run of notes; names and descriptors are padded to `align`, 4 but for GNU property notes. */
bool pv_notes_parse(struct pv_parse *p, uint64_t offset, uint64_t bytes, uint64_t align)
{
    const struct pv_image *image = p->image;

    align = align == 8 ? 8 : 4;
    if (pv_image_at(image, offset, bytes) == NULL) {
        return pv_fail(p, "the ELF notes at %#llx reach past the end of the file",
                       (unsigned long long)offset);
    }
    for (uint64_t end = offset + bytes; end - offset >= sizeof(Elf64_Nhdr);) {
        Elf64_Nhdr note;

        if (p->notes++ == NOTES_MAX) {
            return pv_fail(p, "more than %d ELF notes", NOTES_MAX);
        }
        (void)pv_image_read(image, &note, offset, sizeof(note));
        uint64_t name = offset + sizeof(note);
        uint64_t desc = offset + ((sizeof(note) + note.n_namesz + align - 1) & ~(align - 1));
        uint64_t next = desc + ((note.n_descsz + align - 1) & ~(align - 1));

        if (desc + note.n_descsz > end) {
            return pv_fail(p, "an ELF note at %#llx is longer than its segment",
                           (unsigned long long)offset);
        }
        if (note.n_namesz == 4 && memcmp(image->file + name, "Xen", 4) == 0) {
            p->xen_notes++;
            if (!parse_xen_note(p, note.n_type, image->file + desc, note.n_descsz)) {
                return false;
            }
        }
        offset = next < end ? next : end;
    }
    return true;
}

/* "NAME=VALUE,NAME,..." of kernels older than ELF notes (xen/elfnote.h calls it LEGACY). */
static bool parse_legacy_pair(struct pv_parse *p, const char *key, size_t key_length,
                              const char *value, size_t value_length)
{
    struct pv_image *image = p->image;
    uint64_t number = 0;
    size_t i = value_length > 2 && value[0] == '0' && (value[1] | 0x20) == 'x' ? 2 : 0;
    unsigned base = i == 2 ? 16 : 10;

    for (; i < value_length; i++) {
        char c = value[i];
        unsigned digit =
            c >= '0' && c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);

        if (digit >= base) {
            break;
        }
        number = number * base + digit;
    }
    if (text_is(key, key_length, "VIRT_BASE")) {
        p->has_base = true;
        image->virt_base = number;
    } else if (text_is(key, key_length, "VIRT_ENTRY")) {
        p->has_entry = true;
        image->entry = number;
    } else if (text_is(key, key_length, "ELF_PADDR_OFFSET")) {
        p->has_paddr_offset = true;
        image->paddr_offset = number;
    } else if (text_is(key, key_length, "HYPERCALL_PAGE")) {
        image->hypercall_page = number << 12; /* a frame; made an address when the base is known */
    } else if (text_is(key, key_length, "XEN_VER")) {
        copy_text(image->xen_version, sizeof(image->xen_version), (const uint8_t *)value,
                  value_length);
    } else if (text_is(key, key_length, "GUEST_OS")) {
        copy_text(image->guest_os, sizeof(image->guest_os), (const uint8_t *)value, value_length);
    } else if (text_is(key, key_length, "LOADER")) {
        copy_text(image->loader, sizeof(image->loader), (const uint8_t *)value, value_length);
    } else if (text_is(key, key_length, "FEATURES")) {
        return parse_features(p, value, value_length);
    }
    return true;
}

bool pv_notes_parse_legacy(struct pv_parse *p, uint64_t offset, uint64_t bytes)
{
    const char *text = (const char *)pv_image_at(p->image, offset, bytes);

    if (text == NULL) {
        return pv_fail(p, "the __xen_guest section reaches past the end of the file");
    }
    for (uint64_t i = 0; i < bytes && text[i] != '\0';) {
        uint64_t key = i, equals = PV_UNSET;

        for (; i < bytes && text[i] != '\0' && text[i] != ','; i++) {
            if (text[i] == '=' && equals == PV_UNSET) {
                equals = i;
            }
        }
        uint64_t key_end = equals == PV_UNSET ? i : equals;
        uint64_t value = equals == PV_UNSET ? i : equals + 1;

        if (!parse_legacy_pair(p, text + key, key_end - key, text + value, i - value)) {
            return false;
        }
        i += i < bytes && text[i] == ',';
    }
    if (!p->has_paddr_offset) {
        p->image->paddr_offset = p->image->virt_base;
    }
    if (p->image->hypercall_page != PV_UNSET) {
        p->image->hypercall_page += p->image->virt_base;
    }
    p->xen_notes++;
    return true;
}
