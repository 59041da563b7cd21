/* SPDX-License-Identifier: MIT */
/* What the machine's start code hands to core: memory, modules, command line. */
#ifndef PARAVANE_CORE_BOOT_H
#define PARAVANE_CORE_BOOT_H

#include "types.h"

#define BOOT_REGIONS_MAX 32
#define BOOT_MODULES_MAX 64
#define BOOT_CMDLINE_MAX 1024

struct boot_region {
    uint64_t start, end; /* RAM, machine addresses, page aligned, ascending */
};

struct boot_module {
    uint64_t start, bytes;
    char cmdline[BOOT_CMDLINE_MAX];
};

struct boot_info {
    char cmdline[BOOT_CMDLINE_MAX];
    unsigned region_count, module_count;
    struct boot_region region[BOOT_REGIONS_MAX];
    struct boot_module module[BOOT_MODULES_MAX];
};

/* Options of the hypervisor's command line; called before paging is final. (bootdomain.c) */
void boot_options(const struct boot_info *info);
/* Build and start every guest the modules describe; frees the modules' memory. (bootdomain.c) */
void boot_domains(struct boot_info *info);

#endif
