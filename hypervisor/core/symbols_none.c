/* SPDX-License-Identifier: MIT */
/*
 * The empty symbol table, weak: for the first link, whose addresses make the real one, and for the
 * unit tests. A file of its own, or the compiler would take these values for the final ones.
 */
#include "symbols.h"

const uint64_t hypervisor_symbols_base __attribute__((weak)) = 0;
const uint32_t hypervisor_symbol_count __attribute__((weak)) = 0;
const struct hypervisor_symbol hypervisor_symbols[1] __attribute__((weak)) = {{0, 0}};
const char hypervisor_symbol_names[1] __attribute__((weak)) = "";
