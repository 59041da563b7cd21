/* SPDX-License-Identifier: MIT */
/* pv_image_parse() on good images, on each rule broken by itself, and on damage everywhere. */
#include <check.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "elf_fixture.h"

static struct elf_image image;
static struct pv_image parsed;

static void setup(void)
{
    struct elf_recipe recipe = elf_usual();

    recipe.symbols = true;
    image = elf_make(&recipe);
}

static void teardown(void)
{
    elf_free(&image);
}

static bool parse(void)
{
    struct elf_image exact = elf_copy(&image, image.size);
    bool good = pv_image_parse(&parsed, exact.bytes, exact.size);

    elf_free(&exact);
    ck_assert(good || parsed.error[0] != '\0');
    ck_assert(memchr(parsed.error, '\n', sizeof(parsed.error)) == NULL);
    return good;
}

static void refused(const char *why)
{
    ck_assert(!parse());
    ck_assert_msg(strstr(parsed.error, why) != NULL, "\"%s\" lacks \"%s\"", parsed.error, why);
}

static void remake(void (*change)(struct elf_recipe *r))
{
    struct elf_recipe recipe = elf_usual();

    change(&recipe);
    elf_free(&image);
    image = elf_make(&recipe);
}

START_TEST(a_good_image_is_understood)
{
    ck_assert_msg(parse(), "%s", parsed.error);
    ck_assert_uint_eq(parsed.entry, ELF_BASE + 0x100000);
    ck_assert_uint_eq(parsed.virt_base, ELF_BASE);
    ck_assert_uint_eq(parsed.hypercall_page, ELF_BASE + 0x108000);
    ck_assert_uint_eq(parsed.init_p2m, 0x8000000000ull);
    ck_assert_uint_eq(parsed.hv_start_low, PV_UNSET);
    ck_assert(parsed.mod_start_pfn);
    ck_assert(!parsed.has_supported);
    ck_assert_uint_eq(parsed.segment_count, 1);
    ck_assert_uint_eq(parsed.start, 0x100000);
    ck_assert_uint_eq(parsed.end, 0x120000);
    ck_assert_str_eq(parsed.xen_version, "xen-3.0");
    ck_assert_str_eq(parsed.guest_os, "test");
    ck_assert_uint_eq(parsed.symbol_count, 3);
    ck_assert_uint_eq(parsed.string_bytes, 12);
}
END_TEST

START_TEST(every_truncation_is_survived)
{
    for (size_t size = 0; size < image.size; size += size < 0x400 ? 1 : 97) {
        struct elf_image shorter = elf_copy(&image, size);

        if (pv_image_parse(&parsed, shorter.bytes, shorter.size)) {
            ck_assert_uint_ge(size, image.text + 0x10000); /* only symbols are missing */
        }
        elf_free(&shorter);
    }
}
END_TEST

static void damage(size_t from, size_t to)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};

    for (size_t i = from; i < to; i++) {
        for (unsigned k = 0; k < sizeof(values); k++) {
            uint8_t was = image.bytes[i];

            image.bytes[i] = values[k];
            parse();
            image.bytes[i] = was;
        }
    }
}

START_TEST(any_byte_may_be_wrong)
{
    damage(0, image.text);
    damage(image.shdrs, image.size);
}
END_TEST

START_TEST(any_eight_bytes_may_be_wrong)
{
    static const uint64_t values[] = {~0ull, 1ull << 63, ~0ull >> 1, ~0ull - 15};

    for (size_t i = 0; i + 8 <= image.text; i += 4) {
        uint8_t was[8];

        memcpy(was, image.bytes + i, 8);
        for (unsigned k = 0; k < 4; k++) {
            memcpy(image.bytes + i, &values[k], 8);
            parse();
        }
        memcpy(image.bytes + i, was, 8);
    }
}
END_TEST

START_TEST(random_damage_is_survived)
{
    srand(1);
    for (unsigned round = 0; round < 20000; round++) {
        struct elf_image copy = elf_copy(&image, image.size);

        for (int n = rand() % 6; n >= 0; n--) {
            copy.bytes[(size_t)rand() % (rand() % 2 ? image.text : image.size)] = (uint8_t)rand();
        }
        pv_image_parse(&parsed, copy.bytes, copy.size);
        elf_free(&copy);
    }
}
END_TEST

START_TEST(other_files_are_named)
{
    image.bytes[EI_CLASS] = ELFCLASS32;
    refused("32-bit");
    memcpy(image.bytes, "\x1f\x8b\x08\x00", 4);
    refused("gzip");
    memcpy(image.bytes, "#!/bin/sh", 9);
    refused("a script");
    memcpy(image.bytes + 0x202, "HdrS", 4);
    refused("bzImage");
    image.size = 0;
    refused("empty");
}
END_TEST

START_TEST(the_header_must_fit)
{
    elf_header(&image)->e_machine = EM_AARCH64;
    refused("machine 183");
    elf_header(&image)->e_machine = EM_X86_64;
    elf_header(&image)->e_type = ET_REL;
    refused("not an executable");
    elf_header(&image)->e_type = ET_EXEC;
    elf_header(&image)->e_phnum = 60000;
    refused("60000 program headers");
    elf_header(&image)->e_phnum = 0;
    refused("no program headers");
    elf_header(&image)->e_phnum = 2;
    elf_header(&image)->e_phoff = image.size - 10;
    refused("truncated: program header");
    elf_header(&image)->e_phoff = ~0ull - 4;
    refused("truncated: program header");
}
END_TEST

START_TEST(section_headers_may_be_nonsense)
{
    elf_header(&image)->e_shnum = 65535;
    elf_header(&image)->e_shstrndx = 65534;
    ck_assert(parse());
    elf_header(&image)->e_shoff = ~0ull - 8;
    ck_assert(parse());
    ck_assert_uint_eq(parsed.symbol_count, 0);
}
END_TEST

START_TEST(segments_must_fit)
{
    Elf64_Phdr *load = elf_segment(&image, 1);
    Elf64_Phdr good = *load;

    load->p_memsz = load->p_filesz - 1;
    refused("more bytes in the file than in memory");
    *load = good;
    load->p_offset = ~0ull - 100;
    refused("truncated: the segment");
    *load = good;
    load->p_filesz = ~0ull;
    load->p_memsz = ~0ull;
    refused("truncated: the segment");
    *load = good;
    load->p_paddr = ~0ull - 0xfff;
    refused("not in any possible memory");
    *load = good;
    load->p_memsz = 1ull << 62;
    refused("not in any possible memory");
    *load = good;
    load->p_type = PT_NULL;
    refused("nothing to load");
    *load = good;
    load->p_memsz = 0;
    load->p_filesz = 0;
    refused("nothing to load");
}
END_TEST

START_TEST(segments_may_not_overlap)
{
    Elf64_Phdr *note = elf_segment(&image, 0), *load = elf_segment(&image, 1);

    /* The notes are found through a section then. */
    Elf64_Shdr *section = (Elf64_Shdr *)(image.bytes + image.shdrs);

    section[0] = (Elf64_Shdr){.sh_type = SHT_NOTE,
                              .sh_offset = image.notes,
                              .sh_size = image.notes_size,
                              .sh_addralign = 4};
    *note = *load;
    refused("overlap");
    note->p_paddr = load->p_paddr + load->p_memsz - 1;
    refused("overlap");
    note->p_paddr = load->p_paddr + load->p_memsz;
    ck_assert_msg(parse(), "%s", parsed.error);
    ck_assert_uint_eq(parsed.end, 0x140000);
}
END_TEST

START_TEST(too_many_segments_are_refused)
{
    struct elf_image big = elf_copy(&image, image.size + 40 * sizeof(Elf64_Phdr));
    Elf64_Phdr *headers = (Elf64_Phdr *)(big.bytes + image.size);

    elf_header(&big)->e_phoff = image.size;
    elf_header(&big)->e_phnum = 40;
    for (unsigned i = 0; i < 40; i++) {
        headers[i] = *elf_segment(&image, i == 0 ? 0 : 1);
        headers[i].p_paddr += i * 0x100000ull;
    }
    elf_free(&image);
    image = big;
    refused("segments to load");
}
END_TEST

START_TEST(notes_must_fit)
{
    Elf64_Nhdr *first = (Elf64_Nhdr *)(image.bytes + image.notes);

    elf_segment(&image, 0)->p_filesz = ~0ull;
    refused("past the end");
    elf_segment(&image, 0)->p_filesz = image.notes_size;
    first->n_descsz = 0xfffffff0;
    refused("longer than its segment");
    first->n_descsz = 8;
    first->n_namesz = 0xffffffff;
    refused("longer than its segment");
}
END_TEST

START_TEST(numbers_have_four_or_eight_bytes)
{
    ((Elf64_Nhdr *)(elf_note(&image, XEN_ELFNOTE_ENTRY) - 16))->n_descsz = 5;
    refused("number of 5 bytes");
}
END_TEST

START_TEST(a_flood_of_notes_is_refused)
{
    size_t count = 100000;
    struct elf_image big = elf_copy(&image, image.size + count * sizeof(Elf64_Nhdr));

    memset(big.bytes + image.size, 0, count * sizeof(Elf64_Nhdr));
    elf_segment(&big, 0)->p_offset = image.size;
    elf_segment(&big, 0)->p_filesz = count * sizeof(Elf64_Nhdr);
    elf_free(&image);
    image = big;
    refused("more than 512 ELF notes");
}
END_TEST

START_TEST(xen_must_be_meant)
{
    memcpy(elf_note(&image, XEN_ELFNOTE_XEN_VERSION), "xen-4.0", 8);
    refused("\"xen-4.0\"");
    elf_segment(&image, 0)->p_type = PT_NULL;
    refused("no Xen ELF notes");
}
END_TEST

static void pvh_only(struct elf_recipe *r)
{
    r->entry = 0;
}

START_TEST(a_pvh_kernel_is_told_apart)
{
    remake(pvh_only);
    ((Elf64_Nhdr *)(elf_note(&image, XEN_ELFNOTE_VIRT_BASE) - 16))->n_type =
        XEN_ELFNOTE_PHYS32_ENTRY;
    refused("PVH");
}
END_TEST

START_TEST(without_an_entry_note_elf_says_it)
{
    remake(pvh_only);
    ck_assert_msg(parse(), "%s", parsed.error);
    ck_assert_uint_eq(parsed.entry, ELF_BASE + 0x100000);
}
END_TEST

static void put(uint32_t note, uint64_t value)
{
    memcpy(elf_note(&image, note), &value, 8);
}

START_TEST(addresses_must_make_sense)
{
    put(XEN_ELFNOTE_ENTRY, ELF_BASE + 0x120000);
    refused("the entry");
    put(XEN_ELFNOTE_ENTRY, 0x100000);
    refused("the entry");
    put(XEN_ELFNOTE_ENTRY, ELF_BASE + 0x100000);
    put(XEN_ELFNOTE_HYPERCALL_PAGE, ELF_BASE + 0x108010);
    refused("the hypercall page");
    put(XEN_ELFNOTE_HYPERCALL_PAGE, ELF_BASE + 0x120000);
    refused("the hypercall page");
    put(XEN_ELFNOTE_HYPERCALL_PAGE, ELF_BASE + 0x108000);
    put(XEN_ELFNOTE_INIT_P2M, 0xffff800000000000ull);
    refused("INIT_P2M");
    put(XEN_ELFNOTE_INIT_P2M, 0x0000900000000000ull);
    refused("INIT_P2M");
    put(XEN_ELFNOTE_INIT_P2M, 0x8000000800ull);
    refused("INIT_P2M");
    put(XEN_ELFNOTE_INIT_P2M, 0x8000000000ull);
    put(XEN_ELFNOTE_VIRT_BASE, 0xffff800000000000ull);
    refused("VIRT_BASE");
    put(XEN_ELFNOTE_VIRT_BASE, 0xfffffffffffff000ull);
    refused("VIRT_BASE");
    put(XEN_ELFNOTE_VIRT_BASE, ELF_BASE + 8);
    refused("VIRT_BASE");
}
END_TEST

static void linux_features(struct elf_recipe *r)
{
    r->features = "!writable_page_tables|pae_pgdir_above_4gb";
    r->supported = 0x8801;
}

static void unknown_required(struct elf_recipe *r)
{
    r->features = "pae_pgdir_above_4gb|!time_travel";
}

static void translated(struct elf_recipe *r)
{
    r->features = "!auto_translated_physmap";
}

static void unknown_supported(struct elf_recipe *r)
{
    r->features = "||time_travel|!|dom0";
}

START_TEST(features_are_read)
{
    remake(linux_features);
    ck_assert_msg(parse(), "%s", parsed.error);
    ck_assert(parsed.has_supported);
    ck_assert_uint_eq(parsed.supported, 0x8811);
    ck_assert_uint_eq(parsed.required, 1);
    remake(unknown_required);
    refused("time_travel");
    remake(translated);
    refused("auto_translated_physmap");
    remake(unknown_supported);
    refused("unknown feature \"\"");
}
END_TEST

START_TEST(the_older_string_is_read)
{
    static const char text[] = "GUEST_OS=old,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,"
                               "ELF_PADDR_OFFSET=0,VIRT_ENTRY=0xffffffff80100010,"
                               "HYPERCALL_PAGE=0x108,LOADER=generic,PAE";
    static const char names[] = "\0__xen_guest";
    struct elf_image old = elf_copy(&image, image.size + 512);
    Elf64_Shdr *section = (Elf64_Shdr *)(old.bytes + image.shdrs);

    memset(old.bytes + image.size, 0, 512);
    memcpy(old.bytes + image.size, text, sizeof(text));
    memcpy(old.bytes + image.size + 256, names, sizeof(names));
    section[0] = (Elf64_Shdr){.sh_name = 1,
                              .sh_type = SHT_PROGBITS,
                              .sh_offset = image.size,
                              .sh_size = sizeof(text) - 1};
    section[1] = (Elf64_Shdr){
        .sh_type = SHT_STRTAB, .sh_offset = image.size + 256, .sh_size = sizeof(names)};
    elf_header(&old)->e_shstrndx = 1;
    elf_segment(&old, 0)->p_type = PT_NULL;
    elf_free(&image);
    image = old;
    ck_assert_msg(parse(), "%s", parsed.error);
    ck_assert_uint_eq(parsed.entry, ELF_BASE + 0x100010);
    ck_assert_uint_eq(parsed.hypercall_page, ELF_BASE + 0x108000);
    ck_assert_str_eq(parsed.guest_os, "old");
    damage(image.size - 512, image.size - 512 + sizeof(text));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("image");
    TCase *tc = tcase_create("image");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_good_image_is_understood);
    tcase_add_test(tc, every_truncation_is_survived);
    tcase_add_test(tc, any_byte_may_be_wrong);
    tcase_add_test(tc, any_eight_bytes_may_be_wrong);
    tcase_add_test(tc, random_damage_is_survived);
    tcase_add_test(tc, other_files_are_named);
    tcase_add_test(tc, the_header_must_fit);
    tcase_add_test(tc, section_headers_may_be_nonsense);
    tcase_add_test(tc, segments_must_fit);
    tcase_add_test(tc, segments_may_not_overlap);
    tcase_add_test(tc, too_many_segments_are_refused);
    tcase_add_test(tc, notes_must_fit);
    tcase_add_test(tc, numbers_have_four_or_eight_bytes);
    tcase_add_test(tc, a_flood_of_notes_is_refused);
    tcase_add_test(tc, xen_must_be_meant);
    tcase_add_test(tc, a_pvh_kernel_is_told_apart);
    tcase_add_test(tc, without_an_entry_note_elf_says_it);
    tcase_add_test(tc, addresses_must_make_sense);
    tcase_add_test(tc, features_are_read);
    tcase_add_test(tc, the_older_string_is_read);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed != 0;
}
