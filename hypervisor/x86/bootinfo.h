/* SPDX-License-Identifier: MIT */
/* Boot memory: what loaders tell, and the allocations made before the frame table exists. */
#ifndef PARAVANE_X86_BOOTINFO_H
#define PARAVANE_X86_BOOTINFO_H

#include "boot.h"
#include "frame.h"

/* Fill info from the loader's magic (eax) and information address (ebx). Panics if it cannot. */
void boot_read(struct boot_info *info, uint32_t magic, uint32_t address);

/* `bytes` of RAM below 4 GiB (machine address), never given to the frame allocator. Not cleared. */
uint64_t boot_alloc(struct boot_info *info, uint64_t bytes, uint64_t align);
void boot_take(uint64_t start, uint64_t end);
bool boot_is_taken(uint64_t start, uint64_t end, uint64_t *next);

/* Hand all RAM that is neither image, module nor taken to the frame allocator. */
void boot_release_memory(const struct boot_info *info);

#endif
