/* SPDX-License-Identifier: MIT */
/*
 * Names for addresses: the hypervisor's own text from a table that symbols.awk makes of nm's
 * output, a guest's text from the symbol table of its image, kept where the boot module had it.
 */
#ifndef PARAVANE_CORE_SYMBOLS_H
#define PARAVANE_CORE_SYMBOLS_H

#include "domain.h"

/* The hypervisor's table, sorted by offset; a linked-in strong definition replaces the empty one.
 */
struct hypervisor_symbol {
    uint32_t offset; /* from hypervisor_symbols_base */
    uint32_t name;   /* in hypervisor_symbol_names */
};
extern const uint64_t hypervisor_symbols_base;
extern const uint32_t hypervisor_symbol_count;
extern const struct hypervisor_symbol hypervisor_symbols[];
extern const char hypervisor_symbol_names[];

/* "name+0x12" for an address in the hypervisor's text, "?" when there is none. */
void symbols_name(uint64_t address, char *dst, size_t bytes);
/* The same for an address in d's kernel. */
void symbols_guest_name(const struct domain *d, uint64_t address, char *dst, size_t bytes);

/* Keep [first, first + frames) of boot memory, which holds d's symbol table (Elf64_Sym records)
 * and names. Given back by symbols_drop(). */
void symbols_keep(struct domain *d, mfn_t first, uint64_t frames, const void *symbols,
                  uint64_t count, const char *names, uint64_t name_bytes);
void symbols_drop(struct domain *d);

#endif
