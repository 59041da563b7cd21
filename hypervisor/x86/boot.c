/* SPDX-License-Identifier: MIT */
/*
 * Boot loaders' information, multiboot 1 and 2, brought into one struct boot_info. Runs on the
 * boot page tables, which map the first 4 GiB.
 * Structures: Multiboot 0.6.96, 3.3; Multiboot2 2.0, 3.6.
 */
#include "bootinfo.h"

#include "cpu.h"
#include "log.h"

#define MB1_LOADER_MAGIC 0x2badb002u
#define MB2_LOADER_MAGIC 0x36d76289u

struct mb1_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr;
    uint32_t syms[4], mmap_length, mmap_addr;
};

struct mb1_module {
    uint32_t start, end, string, reserved;
};

struct mb1_mmap {
    uint32_t size;
    uint64_t base, length;
    uint32_t type;
} __attribute__((packed));

struct mb2_tag {
    uint32_t type, size;
};

struct mb2_mmap_entry {
    uint64_t base, length;
    uint32_t type, reserved;
};

static const void *low(uint64_t phys)
{
    return (const void *)(DIRECTMAP_BASE + phys);
}

static void copy_string(char *dst, const char *src)
{
    size_t n = 0;

    while (n + 1 < BOOT_CMDLINE_MAX && src[n]) {
        dst[n] = src[n];
        n++;
    }
    dst[n] = '\0';
}

/* Keep regions ascending; memory below 1 MiB is left to firmware and later CPUs' start code. */
static void add_ram(struct boot_info *info, uint64_t start, uint64_t end)
{
    unsigned i = info->region_count;

    start = (start + PAGE_SIZE - 1) & PAGE_MASK;
    end &= PAGE_MASK;
    if (start < IMAGE_PHYS) {
        start = IMAGE_PHYS;
    }
    if (start >= end || i == BOOT_REGIONS_MAX) {
        return;
    }
    while (i > 0 && info->region[i - 1].start > start) {
        info->region[i] = info->region[i - 1];
        i--;
    }
    info->region[i] = (struct boot_region){start, end};
    info->region_count++;
}

static void add_module(struct boot_info *info, uint64_t start, uint64_t end, const char *string)
{
    struct boot_module *m;

    if (info->module_count == BOOT_MODULES_MAX) {
        panic("more than %d boot modules", BOOT_MODULES_MAX);
    }
    m = &info->module[info->module_count++];
    m->start = start;
    m->bytes = end - start;
    copy_string(m->cmdline, string);
}

static void read_multiboot1(struct boot_info *info, const struct mb1_info *mb)
{
    const char *at, *end;

    if (mb->flags & (1 << 2)) {
        copy_string(info->cmdline, low(mb->cmdline));
    }
    if (!(mb->flags & (1 << 6))) {
        panic("the boot loader gave no memory map");
    }
    at = low(mb->mmap_addr);
    for (end = at + mb->mmap_length; at < end;) {
        const struct mb1_mmap *e = (const struct mb1_mmap *)at;

        if (e->type == 1) {
            add_ram(info, e->base, e->base + e->length);
        }
        at += e->size + sizeof(e->size);
    }
    if (mb->flags & (1 << 3)) {
        const struct mb1_module *m = low(mb->mods_addr);

        for (uint32_t i = 0; i < mb->mods_count; i++) {
            add_module(info, m[i].start, m[i].end, m[i].string ? low(m[i].string) : "");
        }
    }
}

static void read_mb2_mmap(struct boot_info *info, const struct mb2_tag *tag)
{
    uint32_t entry_size = ((const uint32_t *)tag)[2];
    const char *at = (const char *)tag + 16;

    for (; at + entry_size <= (const char *)tag + tag->size; at += entry_size) {
        const struct mb2_mmap_entry *e = (const struct mb2_mmap_entry *)at;

        if (e->type == 1) {
            add_ram(info, e->base, e->base + e->length);
        }
    }
}

static void read_multiboot2(struct boot_info *info, const char *mb)
{
    const char *end = mb + *(const uint32_t *)mb;

    for (const char *at = mb + 8; at < end;) {
        const struct mb2_tag *tag = (const struct mb2_tag *)at;
        const uint32_t *words = (const uint32_t *)at;

        switch (tag->type) {
        case 0:
            return;
        case 1:
            copy_string(info->cmdline, at + 8);
            break;
        case 3:
            add_module(info, words[2], words[3], at + 16);
            break;
        case 6:
            read_mb2_mmap(info, tag);
            break;
        default:
            break;
        }
        at += (tag->size + 7) & ~7u;
    }
}

void boot_read(struct boot_info *info, uint32_t magic, uint32_t address)
{
    if (magic == MB1_LOADER_MAGIC) {
        read_multiboot1(info, low(address));
    } else if (magic == MB2_LOADER_MAGIC) {
        read_multiboot2(info, low(address));
    } else {
        panic("not started by a multiboot loader (eax = %#x)", magic);
    }
    if (info->region_count == 0) {
        panic("the boot loader's memory map has no RAM above 1 MiB");
    }
}

/* True if [start, end) touches the image or a module; *next is then where to look further. */
static bool is_used(const struct boot_info *info, uint64_t start, uint64_t end, uint64_t *next)
{
    extern char image_end[];
    uint64_t image_top = (uint64_t)image_end - IMAGE_BASE;

    if (start < image_top && end > IMAGE_PHYS) {
        *next = image_top;
        return true;
    }
    for (unsigned i = 0; i < info->module_count; i++) {
        uint64_t m = info->module[i].start & PAGE_MASK;
        uint64_t m_end =
            (info->module[i].start + info->module[i].bytes + PAGE_SIZE - 1) & PAGE_MASK;

        if (start < m_end && end > m) {
            *next = m_end;
            return true;
        }
    }
    return false;
}

uint64_t boot_alloc(struct boot_info *info, uint64_t bytes, uint64_t align)
{
    for (unsigned i = 0; i < info->region_count; i++) {
        struct boot_region *r = &info->region[i];
        uint64_t at = (r->start + align - 1) & ~(align - 1);
        uint64_t next;

        while (at + bytes <= r->end && at + bytes <= 1ull << 32) {
            if (is_used(info, at, at + bytes, &next) || boot_is_taken(at, at + bytes, &next)) {
                at = (next + align - 1) & ~(align - 1);
                continue;
            }
            boot_take(at, at + bytes);
            return at;
        }
    }
    panic("no room for %lu KiB of the hypervisor's tables below 4 GiB", bytes >> 10);
}

/* What boot_alloc gave out. */
static struct boot_region taken[BOOT_REGIONS_MAX];
static unsigned taken_count;

void boot_take(uint64_t start, uint64_t end)
{
    if (taken_count && taken[taken_count - 1].end == start) {
        taken[taken_count - 1].end = end;
        return;
    }
    if (taken_count == BOOT_REGIONS_MAX) {
        panic("the memory map is too fragmented for the hypervisor's tables");
    }
    taken[taken_count++] = (struct boot_region){start, end};
}

bool boot_is_taken(uint64_t start, uint64_t end, uint64_t *next)
{
    for (unsigned i = 0; i < taken_count; i++) {
        if (start < taken[i].end && end > taken[i].start) {
            *next = taken[i].end;
            return true;
        }
    }
    return false;
}

/* Lowest start of something used at or above `at`, or `end`. */
static uint64_t next_used(const struct boot_info *info, uint64_t at, uint64_t end)
{
    uint64_t nearest = end;

    for (unsigned i = 0; i < info->module_count; i++) {
        uint64_t m = info->module[i].start & PAGE_MASK;

        if (m > at && m < nearest) {
            nearest = m;
        }
    }
    for (unsigned i = 0; i < taken_count; i++) {
        if (taken[i].start > at && taken[i].start < nearest) {
            nearest = taken[i].start;
        }
    }
    return nearest;
}

void boot_release_memory(const struct boot_info *info)
{
    for (unsigned i = 0; i < info->region_count; i++) {
        uint64_t at = info->region[i].start, end = info->region[i].end, next;

        while (at < end) {
            uint64_t stop;

            if (is_used(info, at, at + PAGE_SIZE, &next) ||
                boot_is_taken(at, at + PAGE_SIZE, &next)) {
                at = next;
                continue;
            }
            stop = next_used(info, at, end);
            frame_release_boot(MFN(at >> PAGE_SHIFT), (stop - at) >> PAGE_SHIFT);
            at = stop;
        }
    }
}
