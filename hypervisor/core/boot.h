/* SPDX-License-Identifier: MIT */
/* What the machine's start code hands to core: memory, modules, command line. */
#ifndef PARAVANE_CORE_BOOT_H
#define PARAVANE_CORE_BOOT_H

#include "types.h"

#define BOOT_REGIONS_MAX 32
#define BOOT_MODULES_MAX 64
#define BOOT_CMDLINE_MAX 1536 /* a guest gets 1023 (MAX_GUEST_CMDLINE), after path and options */

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

/* Options of the hypervisor's command line; called before paging is final. (bootoption.c) */
void boot_options(const struct boot_info *info);

/* What a module's string asks for: "PATH kernel name=N memory=MIB vcpus=N domain0 -- CMDLINE" or
 * "PATH ramdisk". The path may be missing: boot loaders differ. */
struct boot_request {
    enum { BOOT_KERNEL, BOOT_RAMDISK } kind;
    char name[32];
    uint64_t memory_mib;
    unsigned vcpus;
    bool domain0;
    const char *cmdline; /* within the string */
};
/* false: error (of BOOT_ERROR_MAX bytes) says why. (bootoption.c) */
#define BOOT_ERROR_MAX 192
bool boot_request_parse(struct boot_request *request, const char *string, char *error);

/* Build and start every guest the modules describe; frees the modules' memory. (bootdomain.c) */
void boot_domains(struct boot_info *info);

#endif
