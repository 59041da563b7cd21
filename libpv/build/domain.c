/* SPDX-License-Identifier: MIT */
/*
 * Fill a new domain's memory: frames and P2M list, kernel and initrd, page tables, start_info, the
 * hypercall page and the first registers. Work is linear in the domain's pages, with no allocation
 * per page; pages of image and initrd become the domain's own where the caller's memory allows
 * (ops->adopt), so that what remains to copy is the odd page at a segment's ends.
 */
#include "tables.h"

#define RFLAGS_IF 0x200
#define DR6_RESET 0xffff0ff0
#define DR7_RESET 0x400
#define ENTRIES_PER_PAGE 512u

typedef unsigned long long ull;

#define fail(b, ...) (pv_build_text((b)->error, PV_ERROR_MAX, __VA_ARGS__), false)

static void p2m_unmap(struct pv_build *b)
{
    if (b->p2m_mapped != NULL) {
        pv_build_unmap(b, b->p2m_mapped);
        b->p2m_mapped = NULL;
    }
}

/* The P2M entry of pfn, where it can be read and written; 0 there = no frame yet. */
static uint64_t *p2m_entry(struct pv_build *b, uint64_t pfn)
{
    uint64_t index = pfn / ENTRIES_PER_PAGE;

    if (b->p2m_mapped == NULL || b->p2m_mapped_index != index) {
        p2m_unmap(b);
        b->p2m_mapped = pv_build_map(b, b->p2m_frame[index]);
        b->p2m_mapped_index = index;
    }
    return &b->p2m_mapped[pfn % ENTRIES_PER_PAGE];
}

uint64_t pv_build_mfn(struct pv_build *b, uint64_t pfn)
{
    return *p2m_entry(b, pfn);
}

/* The P2M list's own frames come first: they hold everything else's numbers. */
static bool allocate_p2m(struct pv_build *b)
{
    b->p2m_frame = b->ops->scratch(b->arg, b->p2m.count * sizeof(uint64_t));
    if (b->p2m_frame == NULL ||
        b->ops->populate(b->arg, b->p2m.pfn, b->p2m.count, true, b->p2m_frame) != 0) {
        return fail(b, "not enough free memory for a P2M list of %llu pages", (ull)b->p2m.count);
    }
    for (uint64_t i = 0; i < b->p2m.count; i++) {
        *p2m_entry(b, b->p2m.pfn + i) = b->p2m_frame[i];
    }
    return true;
}

/* Make whole source pages the domain's own where the caller can; the rest is copied later. */
static void adopt(struct pv_build *b, uint64_t address, const uint8_t *source, uint64_t bytes)
{
    uint64_t skip = -address & (PV_PAGE_BYTES - 1);

    if (b->ops->adopt == NULL || skip > bytes || ((uintptr_t)source + skip) % PV_PAGE_BYTES != 0) {
        return;
    }
    for (; bytes - skip >= PV_PAGE_BYTES; skip += PV_PAGE_BYTES) {
        uint64_t pfn = (address + skip) >> PV_PAGE_SHIFT;
        uint64_t mfn = b->ops->adopt(b->arg, pfn, source + skip);

        if (mfn != 0) {
            *p2m_entry(b, pfn) = mfn;
        }
    }
}

/* From pfn on, `*count` frames at most that all need zeros, or all do not: kernel (.bss) to boot
 * stack and the P2M's tables do; low memory, padding, initrd and the rest the guest fills. */
static bool needs_zeros(const struct pv_build *b, uint64_t pfn, uint64_t *count)
{
    const struct pv_extent zeroed[] = {
        {b->kernel.pfn, b->stack.pfn + 1 - b->kernel.pfn},
        b->p2m_tables,
    };
    bool needs = false;

    for (unsigned i = 0; i < sizeof(zeroed) / sizeof(zeroed[0]); i++) {
        uint64_t boundary = pfn < zeroed[i].pfn ? zeroed[i].pfn : zeroed[i].pfn + zeroed[i].count;

        needs = needs || pfn - zeroed[i].pfn < zeroed[i].count;
        if (pfn < boundary && boundary - pfn < *count) {
            *count = boundary - pfn;
        }
    }
    return needs;
}

/* Frames for every pfn that has none yet, in runs. */
static bool populate_rest(struct pv_build *b)
{
    for (uint64_t pfn = 0; pfn < b->pages;) {
        uint64_t *entry = p2m_entry(b, pfn);
        uint64_t room = ENTRIES_PER_PAGE - pfn % ENTRIES_PER_PAGE;
        uint64_t run = 0;
        bool zeroed;

        room = room < b->pages - pfn ? room : b->pages - pfn;
        zeroed = needs_zeros(b, pfn, &room);
        while (run < room && entry[run] == 0) {
            run++;
        }
        if (run > 0 && b->ops->populate(b->arg, pfn, run, zeroed, entry) != 0) {
            return fail(b, "not enough free memory: %llu of %llu MiB allocated", (ull)pfn >> 8,
                        (ull)b->pages >> 8);
        }
        pfn += run > 0 ? run : 1;
    }
    if (b->pages % ENTRIES_PER_PAGE != 0) {
        uint64_t *entry = p2m_entry(b, b->pages - 1);

        memset(entry + 1, 0xff,
               (ENTRIES_PER_PAGE - b->pages % ENTRIES_PER_PAGE) * sizeof(uint64_t));
    }
    return true;
}

static void copy_in(struct pv_build *b, uint64_t address, const uint8_t *source, uint64_t bytes)
{
    while (bytes > 0) {
        uint64_t offset = address % PV_PAGE_BYTES;
        uint64_t part = PV_PAGE_BYTES - offset < bytes ? PV_PAGE_BYTES - offset : bytes;
        uint8_t *page = pv_build_map(b, pv_build_mfn(b, address >> PV_PAGE_SHIFT));

        if (page + offset != source) { /* not an adopted page */
            memcpy(page + offset, source, part);
        }
        pv_build_unmap(b, page);
        address += part;
        source += part;
        bytes -= part;
    }
}

/* The initrd, and zeros to the end of its last page. */
static void copy_module(struct pv_build *b)
{
    uint64_t used = b->initrd_bytes % PV_PAGE_BYTES;

    copy_in(b, b->module.pfn << PV_PAGE_SHIFT, b->initrd, b->initrd_bytes);
    if (used != 0) {
        uint8_t *page = pv_build_map(b, pv_build_mfn(b, b->module.pfn + b->module.count - 1));

        memset(page + used, 0, PV_PAGE_BYTES - used);
        pv_build_unmap(b, page);
    }
}

void pv_build_hypercall_page(void *page)
{
    /* mov $nr,%eax stands at byte 3; iret neither returns nor needs what it pushed */
    static const uint8_t call[] = {0x51, 0x41, 0x53, 0xb8, 0,    0,    0,
                                   0,    0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3};
    static const uint8_t iret[] = {0x51, 0x41, 0x53, 0x50, 0xb8, __HYPERVISOR_iret,
                                   0,    0,    0,    0x0f, 0x05};
    uint8_t *slot = page;

    for (unsigned nr = 0; nr < PV_PAGE_BYTES / 32; nr++, slot += 32) {
        memset(slot, 0xcc, 32);
        memcpy(slot, call, sizeof(call));
        slot[4] = (uint8_t)nr;
        if (nr == __HYPERVISOR_iret) {
            memset(slot, 0xcc, 32);
            memcpy(slot, iret, sizeof(iret));
        }
    }
}

static void fill_hypercall_page(struct pv_build *b)
{
    uint64_t pfn = (b->image->hypercall_page - b->image->virt_base) >> PV_PAGE_SHIFT;
    void *page = pv_build_map(b, pv_build_mfn(b, pfn));

    pv_build_hypercall_page(page);
    pv_build_unmap(b, page);
}

bool pv_build_memory(struct pv_build *b)
{
    const struct pv_image *image = b->image;

    if (!allocate_p2m(b)) {
        return false;
    }
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct pv_segment *s = &image->segment[i];

        adopt(b, s->start, image->file + s->offset, s->file_bytes);
    }
    adopt(b, b->module.pfn << PV_PAGE_SHIFT, b->initrd, b->initrd_bytes);
    if (!populate_rest(b)) {
        return false;
    }
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct pv_segment *s = &image->segment[i];

        copy_in(b, s->start, image->file + s->offset, s->file_bytes);
    }
    copy_module(b);
    pv_build_tables(b);
    if (image->hypercall_page != PV_UNSET) {
        fill_hypercall_page(b);
    }
    b->start_info_mfn = pv_build_mfn(b, b->start_info.pfn);
    if (!b->initial_domain) {
        b->store_mfn = pv_build_mfn(b, b->store.pfn);
        b->console_mfn = pv_build_mfn(b, b->console.pfn);
    }
    return true;
}

bool pv_build_start_info(struct pv_build *b)
{
    static const char magic[] = "xen-3.0-x86_64";
    const struct pv_image *image = b->image;
    start_info_t *info = pv_build_map(b, b->start_info_mfn);

    if (info == NULL) {
        return fail(b, "cannot map the start_info page");
    }
    memcpy(info->magic, magic, sizeof(magic));
    info->nr_pages = b->pages;
    info->shared_info = b->shared_info;
    info->flags = SIF_VIRT_P2M_4TOOLS;
    if (b->initial_domain) {
        info->flags |= SIF_PRIVILEGED | SIF_INITDOMAIN;
        /* console.dom0 stays zero: there is no video console to describe */
    } else {
        info->store_mfn = b->store_mfn;
        info->store_evtchn = b->store_port;
        info->console.domU.mfn = b->console_mfn;
        info->console.domU.evtchn = b->console_port;
    }
    info->pt_base = image->virt_base + (b->tables.pfn << PV_PAGE_SHIFT);
    info->nr_pt_frames = b->tables.count;
    info->mfn_list = b->p2m_va;
    if (b->p2m_tables.count > 0) {
        info->first_p2m_pfn = b->p2m.pfn;
        info->nr_p2m_frames = b->p2m.count + b->p2m_tables.count;
    }
    if (b->initrd_bytes > 0) {
        info->mod_len = b->initrd_bytes;
        info->mod_start = b->module.pfn;
        if (image->mod_start_pfn) {
            info->flags |= SIF_MOD_START_PFN;
        } else {
            info->mod_start = image->virt_base + (b->module.pfn << PV_PAGE_SHIFT);
        }
    }
    memcpy(info->cmd_line, b->cmdline, strlen(b->cmdline) + 1);
    pv_build_unmap(b, info);
    return true;
}

void pv_build_context(const struct pv_build *b, vcpu_guest_context_t *ctx)
{
    uint64_t base = b->image->virt_base;

    memset(ctx, 0, sizeof(*ctx));
    ctx->flags = VGCF_in_kernel | VGCF_online;
    ctx->user_regs.rip = b->image->entry;
    ctx->user_regs.rsp = base + ((b->stack.pfn + 1) << PV_PAGE_SHIFT);
    ctx->user_regs.rsi = base + (b->start_info.pfn << PV_PAGE_SHIFT);
    ctx->user_regs.rflags = RFLAGS_IF;
    ctx->user_regs.cs = FLAT_KERNEL_CS;
    ctx->user_regs.ss = FLAT_KERNEL_SS;
    ctx->user_regs.ds = FLAT_KERNEL_DS;
    ctx->user_regs.es = FLAT_KERNEL_DS;
    ctx->user_regs.fs = FLAT_KERNEL_DS;
    ctx->user_regs.gs = FLAT_KERNEL_DS;
    ctx->kernel_sp = ctx->user_regs.rsp;
    ctx->kernel_ss = ctx->user_regs.ss;
    ctx->ctrlreg[3] = b->l4_mfn << PV_PAGE_SHIFT;
    ctx->debugreg[6] = DR6_RESET;
    ctx->debugreg[7] = DR7_RESET;
}

void pv_build_release(struct pv_build *b)
{
    p2m_unmap(b);
    if (b->p2m_frame != NULL) {
        b->ops->release(b->arg, b->p2m_frame, b->p2m.count * sizeof(uint64_t));
        b->p2m_frame = NULL;
    }
}
