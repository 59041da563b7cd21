/* SPDX-License-Identifier: MIT */
/*
 * The ELF loader: x86-64, ET_EXEC and static ET_DYN (static-pie). Programs that ask for an
 * interpreter (dynamic ones) are refused with -ELIBACC. Nothing in the file is believed before it
 * is checked: every segment must lie in user memory and inside the file.
 */
#include "elf.h"

#include <string.h>

#include <asm/errno.h>
#include <linux/elf.h>
#include <linux/mman.h>

#include "device.h"
#include "inode.h"
#include "space.h"
#include "space_file.h"

#define PAGE 4096ul
#define HEADERS_MAX 64
#define PIE_BASE 0x100000000ul
#define PIE_RANDOM 0x3fffff000ul /* 16 GiB of places */

static int check_header(const Elf64_Ehdr *header, size_t size)
{
    if (size < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG))
        return -ENOEXEC;
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64 ||
        (header->e_type != ET_EXEC && header->e_type != ET_DYN))
        return -ENOEXEC;
    if (header->e_phentsize != sizeof(Elf64_Phdr) || !header->e_phnum ||
        header->e_phnum > HEADERS_MAX || header->e_phoff > size ||
        size - header->e_phoff < header->e_phnum * sizeof(Elf64_Phdr))
        return -ENOEXEC;
    return 0;
}

static int check_segment(const Elf64_Phdr *segment, uint64_t file_size, uint64_t bias)
{
    uint64_t end;

    if (segment->p_type == PT_INTERP)
        return -ELIBACC;
    if (segment->p_type != PT_LOAD || !segment->p_memsz)
        return 0;
    if (segment->p_filesz > segment->p_memsz || segment->p_offset > file_size ||
        segment->p_filesz > file_size - segment->p_offset)
        return -ENOEXEC;
    if (segment->p_vaddr % PAGE != segment->p_offset % PAGE)
        return -ENOEXEC;
    if (__builtin_add_overflow(segment->p_vaddr, bias, &end) || end < USER_START ||
        __builtin_add_overflow(end, segment->p_memsz, &end) || end > USER_MMAP)
        return -ENOEXEC;
    return 0;
}

static int protection_of(const Elf64_Phdr *segment)
{
    return (segment->p_flags & PF_R ? PROT_READ : 0) | (segment->p_flags & PF_W ? PROT_WRITE : 0) |
           (segment->p_flags & PF_X ? PROT_EXEC : 0);
}

/* Maps the part that is in the file, zeroes the rest of its last page, and maps zeros behind it. */
static int map_segment(struct space *space, struct inode *inode, const Elf64_Phdr *segment,
                       uint64_t bias)
{
    static const char zeros[PAGE];
    int protection = protection_of(segment);
    uint64_t start = segment->p_vaddr + bias, first = start & ~(PAGE - 1);
    uint64_t file_end = start + segment->p_filesz, end = start + segment->p_memsz;
    uint64_t file_pages_end = (file_end + PAGE - 1) & ~(PAGE - 1);
    uint64_t pages_end = (end + PAGE - 1) & ~(PAGE - 1);
    int error = 0;

    if (segment->p_filesz)
        error = space_map_inode(space, first, file_pages_end - first, protection, inode,
                                segment->p_offset & ~(PAGE - 1));
    else
        file_pages_end = first;
    if (!error && pages_end > file_pages_end)
        error = space_map(space, file_pages_end, pages_end - file_pages_end, protection);
    if (!error && end > file_end && file_end < file_pages_end && protection & PROT_WRITE)
        error = space_write(space, file_end, zeros, file_pages_end - file_end);
    return error;
}

static uint64_t pie_bias(void)
{
    uint64_t random;

    random_bytes(&random, sizeof(random));
    return PIE_BASE + (random & PIE_RANDOM);
}

int elf_load(struct space *space, struct inode *inode, const void *head, size_t size,
             struct program *program)
{
    const Elf64_Ehdr *header = head;
    int error = check_header(header, size);

    if (error)
        return error;
    const Elf64_Phdr *segments = (const void *)((const char *)head + header->e_phoff);
    uint64_t bias = header->e_type == ET_DYN ? pie_bias() : 0;
    *program = (struct program){.entry = header->e_entry + bias, .header_count = header->e_phnum};
    for (unsigned int i = 0; !error && i < header->e_phnum; i++)
        error = check_segment(&segments[i], inode->size, bias);
    for (unsigned int i = 0; !error && i < header->e_phnum; i++) {
        const Elf64_Phdr *segment = &segments[i];
        if (segment->p_type != PT_LOAD || !segment->p_memsz)
            continue;
        error = map_segment(space, inode, segment, bias);
        if (header->e_phoff >= segment->p_offset &&
            header->e_phoff - segment->p_offset < segment->p_filesz)
            program->headers = segment->p_vaddr + bias + header->e_phoff - segment->p_offset;
        if (segment->p_vaddr + bias + segment->p_memsz > program->end)
            program->end = segment->p_vaddr + bias + segment->p_memsz;
    }
    if (!error && (!program->end || program->entry >= USER_END))
        error = -ENOEXEC;
    return error;
}
