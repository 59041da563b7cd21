/* SPDX-License-Identifier: MIT */
/* Loading a static ELF program into an address space. */
#ifndef PVGUEST_ELF_H
#define PVGUEST_ELF_H

#include <stddef.h>
#include <stdint.h>

struct inode;
struct space;

struct program {
    uint64_t entry;
    uint64_t headers; /* user address of the program headers */
    uint64_t header_count;
    uint64_t end; /* behind the highest segment: the break starts there */
};

/* `head`: the first `size` bytes of the file. -ENOEXEC: not a program that can run here. */
int elf_load(struct space *space, struct inode *inode, const void *head, size_t size,
             struct program *program);

#endif
