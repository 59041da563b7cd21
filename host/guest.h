/* SPDX-License-Identifier: MIT */
/* What a person asked for: the guests and the machine under them. */
#ifndef PARAVANE_HOST_GUEST_H
#define PARAVANE_HOST_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define GUESTS_MAX 32
#define NAME_BYTES 32 /* with the final 0, as the hypervisor keeps it */
#define VCPUS_MAX 32
#define MEMORY_MIB_MAX (1u << 20)

struct guest {
    char name[NAME_BYTES];
    const char *kernel;  /* as given */
    const char *ramdisk; /* as given; NULL if none */
    const char *cmdline; /* never NULL */
    unsigned memory_mib;
    unsigned vcpus;
    const char *origin; /* for messages: the cfg file, or the kernel */
    /* Filled by prepare.c: paths in the private directory that QEMU can take, and sizes. */
    char *image, *module;
    bool is_packed; /* the kernel file is not itself an ELF */
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
    FILE *log;           /* log_file, open; NULL = none */
    const char *console; /* guest whose console is ours, NULL = all or the only one */
    unsigned memory_mib; /* 0 = computed */
    unsigned timeout_s;  /* 0 = none */
    unsigned gdb_port;   /* 0 = none */
    bool icount, verbose, domain0, print_qemu;
};

/* Boot guests are numbered in order: from 0 if the first is domain0, else from 1. */
static inline unsigned first_domid(const struct machine *m)
{
    return m->domain0 ? 0 : 1;
}

/* A name that the hypervisor's option syntax can carry. */
bool guest_name_is_good(const char *name);

#endif
