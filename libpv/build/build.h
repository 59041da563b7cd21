/* SPDX-License-Identifier: MIT */
/*
 * The domain builder: a 64-bit PV ELF in memory becomes a domain ready for its first instruction.
 * One source for the hypervisor (boot modules) and for a control domain (domains made later): it
 * reaches the world only through struct pv_build_ops. Freestanding; nothing here trusts the image.
 * The layout that guests rely on is described in paravane-abi(7), START OF DAY.
 */
#ifndef PARAVANE_LIBPV_BUILD_H
#define PARAVANE_LIBPV_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hypercall-abi/abi.h"

#define PV_UNSET (~0ull)
#define PV_SEGMENTS_MAX 16
#define PV_ERROR_MAX 160

struct pv_segment {
    uint64_t start;  /* pseudo-physical address, PADDR_OFFSET taken off */
    uint64_t offset; /* in the file */
    uint64_t file_bytes, memory_bytes;
};

/* What an image says of itself. Every range in it has been checked against the file. */
struct pv_image {
    const uint8_t *file;
    uint64_t bytes;

    uint64_t entry;     /* virtual address of the first instruction */
    uint64_t virt_base; /* virtual address of pseudo-physical 0 */
    uint64_t paddr_offset;
    uint64_t hypercall_page; /* virtual address, PV_UNSET = none */
    uint64_t init_p2m;       /* virtual address, PV_UNSET = inside the kernel's mapping */
    uint64_t hv_start_low;   /* PV_UNSET = not said */
    uint64_t l1_mfn_mask, l1_mfn_value; /* 0, 0 = not said */
    bool mod_start_pfn;                 /* the initrd may be left unmapped */
    bool suspend_cancel;
    bool has_supported; /* SUPPORTED_FEATURES is there: bits of `supported` mean something */
    uint32_t supported, required; /* XENFEAT_* bits */
    char guest_os[32], xen_version[32], loader[16];

    struct pv_segment segment[PV_SEGMENTS_MAX];
    unsigned segment_count;
    uint64_t start, end; /* pseudo-physical range that the segments fill */

    /* Symbol table: Elf64_Sym records and the strings, as file offsets; count 0 = none. */
    uint64_t symbols, symbol_count, strings, string_bytes;

    char error[PV_ERROR_MAX]; /* one line without newline, when pv_image_parse() returned false */
};

/* Fill image from `bytes` at `file`, which must stay in place while image is used. */
bool pv_image_parse(struct pv_image *image, const void *file, uint64_t bytes);

/* Names the XENFEAT bit, -1 for an unknown name of `length` characters. */
int pv_feature_bit(const char *name, size_t length);

struct pv_build_ops {
    /* Give the domain `count` frames as pseudo-physical frames pfn, pfn+1, ... : their machine
     * frames go to mfn[], and into the machine-to-pseudo-physical table. `zeroed`: they must be;
     * otherwise they may hold anything that the domain is allowed to see. -XEN_ENOMEM. */
    int (*populate)(void *arg, uint64_t pfn, uint64_t count, bool zeroed, uint64_t *mfn);
    /* Where the builder can read and write a frame of the domain until unmap. */
    void *(*map)(void *arg, uint64_t mfn);
    void (*unmap)(void *arg, void *page); /* may be NULL */
    /* Make the page-aligned page `source` itself, part of image or initrd, the domain's frame pfn.
     * 0: no, it must be copied. The source may be written to from then on. May be NULL. */
    uint64_t (*adopt)(void *arg, uint64_t pfn, const void *source);
    /* Zeroed memory for the builder's own use until `release`; NULL: none. */
    void *(*scratch)(void *arg, uint64_t bytes);
    void (*release)(void *arg, void *memory, uint64_t bytes);
};

/* A run of pseudo-physical frames. */
struct pv_extent {
    uint64_t pfn, count;
};

struct pv_build {
    /* Given by the caller. */
    const struct pv_build_ops *ops;
    void *arg;
    const struct pv_image *image;
    const void *initrd; /* NULL = none */
    uint64_t initrd_bytes;
    const char *cmdline;
    uint64_t pages;      /* memory of the domain */
    bool initial_domain; /* SIF_INITDOMAIN | SIF_PRIVILEGED; no xenstore and console page */
    /* Given by the caller before pv_build_start_info(). */
    uint64_t shared_info;              /* machine address */
    uint32_t console_port, store_port; /* store_port 0: xenstore is started later */

    /* Worked out by pv_build_layout(). */
    struct pv_extent kernel, module, p2m, start_info, store, console, tables, stack;
    struct pv_extent p2m_tables; /* count 0: the P2M is inside the kernel's mapping */
    uint64_t mapped;             /* pfns 0..mapped-1 are mapped at virt_base */
    uint64_t p2m_va;
    /* Filled by pv_build_memory(). */
    uint64_t *p2m_frame;  /* scratch: machine frame of each page of the P2M list */
    uint64_t *p2m_mapped; /* page `p2m_mapped_index` of it, as last mapped; NULL = none */
    uint64_t p2m_mapped_index;
    uint64_t l4_mfn, store_mfn, console_mfn, start_info_mfn;

    char error[PV_ERROR_MAX];
};

/* Three steps; false: b->error says why. */
bool pv_build_layout(struct pv_build *b);     /* decides who lives where; touches nothing */
bool pv_build_memory(struct pv_build *b);     /* frames, contents, P2M, page tables */
bool pv_build_start_info(struct pv_build *b); /* the rest, when ports are known */
/* First registers of vCPU 0. */
void pv_build_context(const struct pv_build *b, vcpu_guest_context_t *ctx);
/* Drop what pv_build_memory() allocated for itself; after success or failure, repeatable. */
void pv_build_release(struct pv_build *b);

/* Machine frame of a pfn after pv_build_memory(). */
uint64_t pv_build_mfn(struct pv_build *b, uint64_t pfn);
/* Fill a hypercall page (arch-x86/xen-x86_64.h: 128 slots of 32 bytes). */
void pv_build_hypercall_page(void *page);

/* Supplied by whoever links the builder: format an error text, cut to fit. */
void pv_build_text(char *dst, size_t bytes, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
