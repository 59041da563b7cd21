/* SPDX-License-Identifier: MIT */
/*
 * Where everything of a new domain lives in its pseudo-physical memory: the order of Xen's own
 * builder, which old kernels came to rely on. Pure arithmetic: nothing is allocated or written.
 *
 *   mapped at VIRT_BASE:  low memory, kernel, [initrd], [P2M list], start_info, xenstore page,
 *                         console page, page tables, boot stack, at least 512 KiB of padding
 *   behind that:          initrd (MOD_START_PFN), P2M list and its page tables (INIT_P2M)
 */
#include "tables.h"

#define PADDING_PAGES 128ull /* 512 KiB that the guest may use before it has an allocator */
#define MAPPING_ALIGN (4ull << 20)

typedef unsigned long long ull;

#define fail(b, ...) (pv_build_text((b)->error, PV_ERROR_MAX, __VA_ARGS__), false)

static uint64_t pages_of(uint64_t bytes)
{
    return (bytes >> PV_PAGE_SHIFT) + (bytes % PV_PAGE_BYTES != 0);
}

static struct pv_extent take(uint64_t *cursor, uint64_t count)
{
    struct pv_extent extent = {*cursor, count};

    *cursor += count;
    return extent;
}

/* Pages to map so that `used` pages and the padding are, up to a 4 MiB boundary of addresses. */
static uint64_t padded(const struct pv_image *image, uint64_t used)
{
    uint64_t end = image->virt_base + ((used + PADDING_PAGES) << PV_PAGE_SHIFT);

    end = (end + MAPPING_ALIGN - 1) & ~(MAPPING_ALIGN - 1);
    return (end - image->virt_base) >> PV_PAGE_SHIFT;
}

static bool is_guest_range(uint64_t va, uint64_t pages)
{
    uint64_t last;

    if (__builtin_add_overflow(va, (pages << PV_PAGE_SHIFT) - 1, &last)) {
        return false;
    }
    return last < 1ull << 47 || va >= HYPERVISOR_VIRT_END;
}

/* Page tables and stack come last; how many tables depends on how much they themselves make. */
static bool place_tables(struct pv_build *b, uint64_t *cursor)
{
    uint64_t count = 1;

    for (;;) {
        uint64_t need = 0, mapped = padded(b->image, *cursor + count + 1);

        if (!is_guest_range(b->image->virt_base, mapped)) {
            return fail(b, "VIRT_BASE %#llx leaves no room for a mapping of %llu MiB",
                        (ull)b->image->virt_base, (ull)mapped >> 8);
        }
        b->mapped = mapped;
        for (unsigned level = 4; level >= 1; level--) {
            need += pv_tables_needed(b->image->virt_base, mapped, level);
        }
        if (need <= count) {
            break;
        }
        count = need;
    }
    b->tables = take(cursor, count);
    b->stack = take(cursor, 1);
    return true;
}

/* INIT_P2M has its own page tables below the L4, so its L4 slots must be its own. */
static bool place_p2m_tables(struct pv_build *b)
{
    const struct pv_image *image = b->image;
    uint64_t mapping_last = image->virt_base + (b->mapped << PV_PAGE_SHIFT) - 1;
    uint64_t last = image->init_p2m + (b->p2m.count << PV_PAGE_SHIFT) - 1;

    if (!is_guest_range(image->init_p2m, b->p2m.count)) {
        return fail(b, "INIT_P2M %#llx leaves no room for a list of %llu pages",
                    (ull)image->init_p2m, (ull)b->p2m.count);
    }
    if (image->init_p2m >> 39 <= mapping_last >> 39 && image->virt_base >> 39 <= last >> 39) {
        return fail(b, "INIT_P2M %#llx is within 512 GiB of the kernel at %#llx",
                    (ull)image->init_p2m, (ull)image->virt_base);
    }
    b->p2m_va = image->init_p2m;
    return true;
}

static bool check_request(struct pv_build *b)
{
    const struct pv_image *image = b->image;

    if (b->pages == 0 || b->pages > PV_PAGES_MAX) {
        return fail(b, "%llu MiB of memory is out of range", (ull)b->pages >> 8);
    }
    if (pages_of(image->end) > b->pages || pages_of(b->initrd_bytes) > b->pages) {
        return fail(b,
                    "%llu MiB of memory is too small: the kernel reaches to %llu MiB, "
                    "the initrd has %llu MiB",
                    (ull)b->pages >> 8, (ull)(pages_of(image->end) + 255) >> 8,
                    (ull)(pages_of(b->initrd_bytes) + 255) >> 8);
    }
    if (strlen(b->cmdline) >= MAX_GUEST_CMDLINE) {
        return fail(b, "the command line has more than %d characters", MAX_GUEST_CMDLINE - 1);
    }
    if (b->initial_domain && image->has_supported && !(image->supported & 1u << XENFEAT_dom0)) {
        return fail(b, "the kernel cannot be the initial domain (SUPPORTED_FEATURES lacks dom0)");
    }
    return true;
}

bool pv_build_layout(struct pv_build *b)
{
    const struct pv_image *image = b->image;
    bool p2m_inside = image->init_p2m == PV_UNSET;
    uint64_t module_pages = pages_of(b->initrd_bytes);
    uint64_t tail = 0, cursor;

    b->error[0] = '\0';
    if (!check_request(b)) {
        return false;
    }
    cursor = pages_of(image->end);
    b->kernel =
        (struct pv_extent){image->start >> PV_PAGE_SHIFT, cursor - (image->start >> PV_PAGE_SHIFT)};
    if (!image->mod_start_pfn) {
        b->module = take(&cursor, module_pages);
    }
    b->p2m.count = pages_of(b->pages * sizeof(uint64_t));
    if (p2m_inside) {
        b->p2m = take(&cursor, b->p2m.count);
        b->p2m_va = image->virt_base + (b->p2m.pfn << PV_PAGE_SHIFT);
    }
    b->start_info = take(&cursor, 1);
    b->store = take(&cursor, b->initial_domain ? 0 : 1);
    b->console = take(&cursor, b->initial_domain ? 0 : 1);
    if (!place_tables(b, &cursor)) {
        return false;
    }
    if (!p2m_inside) {
        b->p2m_tables.count = pv_tables_needed(image->init_p2m, b->p2m.count, 3) +
                              pv_tables_needed(image->init_p2m, b->p2m.count, 2) +
                              pv_tables_needed(image->init_p2m, b->p2m.count, 1);
        tail += b->p2m.count + b->p2m_tables.count;
    }
    tail += image->mod_start_pfn ? module_pages : 0;
    if (cursor + tail > b->pages) {
        return fail(b, "%llu MiB of memory is too small: kernel, initrd and tables need %llu MiB",
                    (ull)b->pages >> 8, (ull)(cursor + tail + 255) >> 8);
    }
    if (b->mapped > b->pages - tail) {
        b->mapped = b->pages - tail; /* a very small domain: less padding */
    }
    cursor = b->mapped;
    if (image->mod_start_pfn) {
        b->module = take(&cursor, module_pages);
    }
    if (!p2m_inside) {
        b->p2m = take(&cursor, b->p2m.count);
        b->p2m_tables = take(&cursor, b->p2m_tables.count);
        return place_p2m_tables(b);
    }
    return true;
}
