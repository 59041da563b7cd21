/* SPDX-License-Identifier: MIT */
/* What a person asked for: the guests and the machine under them. */
#ifndef PARAVANE_HOST_GUEST_H
#define PARAVANE_HOST_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#define GUESTS_MAX 32
#define NAME_BYTES 32 /* with the final 0, as the hypervisor keeps it */

struct guest {
    char name[NAME_BYTES];
    char *kernel;  /* as given */
    char *ramdisk; /* NULL if none */
    char *cmdline; /* never NULL */
    unsigned memory_mib;
    unsigned vcpus;
    char *origin; /* for messages: the cfg file, or the kernel */
    /* Filled by payload.c */
    char *image;  /* plain ELF in the private directory */
    uint64_t image_bytes, ramdisk_bytes;
};

struct machine {
    struct guest guest[GUESTS_MAX];
    unsigned guest_count;
    const char *hypervisor; /* image file */
    const char *qemu;       /* program */
    const char *cpu;        /* NULL = default for the accelerator */
    const char *accel;      /* auto, tcg, kvm */
    const char *hv_args;    /* extra words for the hypervisor's command line */
    const char *log_file;
    const char *console; /* guest whose console is ours, NULL = all or the only one */
    unsigned memory_mib; /* 0 = computed */
    unsigned timeout_s;  /* 0 = none */
    unsigned gdb_port;   /* 0 = none */
    bool icount, verbose, domain0, print_qemu;
};

#endif
