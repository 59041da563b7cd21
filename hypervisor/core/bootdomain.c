/* SPDX-License-Identifier: MIT */
/*
 * From boot modules to running guests: the hypervisor's side of the one domain builder
 * (libpv/build). Whole pages of a module become the guest's own frames instead of being copied,
 * the symbol table stays where it is for stack traces, and the rest goes to the allocator.
 */
#include <string.h>

#include "boot.h"
#include "console.h"
#include "libpv/build/build.h"
#include "log.h"
#include "pagetype.h"
#include "symbols.h"
#include "timer.h"

#define SYMBOL_FRAMES_MAX 1024u /* a larger symbol table is not kept */

/* One guest in the making. */
struct making {
    domid_t id;
    struct boot_request request;
    const struct boot_module *kernel, *ramdisk;
    struct domain *d;
    struct pv_image image;
    struct pv_build build;
    char error[BOOT_ERROR_MAX];
};

static struct making making; /* one at a time; too large for the stack */
static vcpu_guest_context_t context;

#define fail(m, ...) (format((m)->error, BOOT_ERROR_MAX, __VA_ARGS__), false)

void pv_build_text(char *dst, size_t bytes, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vformat(dst, bytes, fmt, ap);
    va_end(ap);
}

/* Operations of the builder; arg is the domain. */

static int op_populate(void *arg, uint64_t pfn, uint64_t count, bool zeroed, uint64_t *mfn)
{
    while (count > 0) {
        uint64_t got = frame_alloc_domain_run(arg, count, zeroed, mfn);

        if (got == 0) {
            return -XEN_ENOMEM;
        }
        for (uint64_t i = 0; i < got; i++) {
            m2p[mfn[i]] = pfn + i;
        }
        count -= got;
        pfn += got;
        mfn += got;
    }
    return 0;
}

static void *op_map(void *arg, uint64_t mfn)
{
    (void)arg;
    return machine_map(MFN(mfn));
}

static uint64_t op_adopt(void *arg, uint64_t pfn, const void *source)
{
    mfn_t mfn = machine_mfn_of(source);

    if (!frame_adopt_boot(arg, mfn)) {
        return 0;
    }
    m2p[mfn.n] = pfn;
    return mfn.n;
}

static uint64_t frames_of(uint64_t bytes)
{
    return (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static void *op_scratch(void *arg, uint64_t bytes)
{
    mfn_t mfn = frame_alloc_hypervisor_run(frames_of(bytes));

    (void)arg;
    return mfn_equal(mfn, MFN_INVALID) ? NULL : machine_map(mfn);
}

static void op_release(void *arg, void *memory, uint64_t bytes)
{
    (void)arg;
    frame_free_hypervisor(machine_mfn_of(memory), frames_of(bytes));
}

static const struct pv_build_ops ops = {
    .populate = op_populate,
    .map = op_map,
    .adopt = op_adopt,
    .scratch = op_scratch,
    .release = op_release,
};

static const uint8_t *module_data(const struct boot_module *m)
{
    return (const uint8_t *)machine_map(MFN(m->start >> PAGE_SHIFT)) + m->start % PAGE_SIZE;
}

static bool create_domain(struct making *m)
{
    const struct boot_request *r = &m->request;
    uint64_t pages = r->memory_mib << (20 - PAGE_SHIFT);

    m->d = domain_create(m->id, r->name, r->domain0, pages);
    if (m->d == NULL) {
        return fail(m, "not enough free memory for a domain");
    }
    m->d->memory_map_pages = pages;
    for (unsigned i = 0; i < r->vcpus; i++) {
        if (vcpu_create(m->d, i) == NULL) {
            return fail(m, "not enough free memory for vCPU %u", i);
        }
    }
    return true;
}

static bool build_memory(struct making *m)
{
    struct pv_build *b = &m->build;

    b->arg = m->d;
    if (!pv_build_memory(b)) {
        return fail(m, "%s", b->error);
    }
    if (!b->initial_domain) {
        int err = console_attach_ring(m->d, MFN(b->console_mfn), &b->console_port);

        if (err) {
            return fail(m, "no console: %s", errno_name(err));
        }
    }
    b->shared_info = m->d->shared_info_mfn.n << PAGE_SHIFT;
    return pv_build_start_info(b) || fail(m, "%s", b->error);
}

/* Hand the page tables over to the page-type rules, as if the guest had pinned them itself. */
static bool start_vcpu(struct making *m)
{
    int err = pagetype_pin(NULL, m->d, MFN(m->build.l4_mfn), PT_L4);

    if (err) {
        return fail(m, "the first page tables are not valid: %s", errno_name(err));
    }
    pv_build_context(&m->build, &context);
    err = vcpu_set_context(NULL, m->d->vcpu[0], &context);
    if (err) {
        return fail(m, "the first registers are not valid: %s", errno_name(err));
    }
    return true;
}

static bool prepare(struct making *m)
{
    struct pv_build *b = &m->build;

    if (!pv_image_parse(&m->image, module_data(m->kernel), m->kernel->bytes)) {
        return fail(m, "%s", m->image.error);
    }
    *b = (struct pv_build){
        .ops = &ops,
        .image = &m->image,
        .initrd = m->ramdisk ? module_data(m->ramdisk) : NULL,
        .initrd_bytes = m->ramdisk ? m->ramdisk->bytes : 0,
        .cmdline = m->request.cmdline,
        .pages = m->request.memory_mib << (20 - PAGE_SHIFT),
        .initial_domain = m->request.domain0,
    };
    if (!pv_build_layout(b)) {
        return fail(m, "%s", b->error);
    }
    if (b->pages > frame_free_count() + frames_of(m->kernel->bytes) + frames_of(b->initrd_bytes)) {
        return fail(m, "%lu MiB of memory wanted, the machine has %lu MiB free",
                    m->request.memory_mib, frame_free_count() >> (20 - PAGE_SHIFT));
    }
    return true;
}

/* True if another module begins or ends in this frame: boot loaders need not align them. */
static bool is_shared(const struct boot_info *info, const struct boot_module *self, mfn_t mfn)
{
    for (unsigned i = 0; i < info->module_count; i++) {
        const struct boot_module *m = &info->module[i];

        if (m != self && m->bytes > 0 && m->start >> PAGE_SHIFT <= mfn.n &&
            mfn.n <= (m->start + m->bytes - 1) >> PAGE_SHIFT) {
            return true;
        }
    }
    return false;
}

/* Keep the image's symbol table in place, if no frame of it serves anything else. */
static void keep_symbols(const struct boot_info *info, struct making *m)
{
    const struct pv_image *image = &m->image;
    uint64_t low = image->symbols < image->strings ? image->symbols : image->strings;
    uint64_t symbols_end = image->symbols + image->symbol_count * 24; /* Elf64_Sym */
    uint64_t strings_end = image->strings + image->string_bytes;
    uint64_t high = symbols_end > strings_end ? symbols_end : strings_end;
    mfn_t first = MFN((m->kernel->start + low) >> PAGE_SHIFT);
    uint64_t frames = frames_of(m->kernel->start + high) - first.n;

    if (image->symbol_count == 0 || frames > SYMBOL_FRAMES_MAX) {
        return;
    }
    for (uint64_t i = 0; i < frames; i++) {
        mfn_t mfn = MFN(first.n + i);

        if (atomic_load(&frame_of(mfn)->count) != 0 ||
            ((i == 0 || i + 1 == frames) && is_shared(info, m->kernel, mfn))) {
            return;
        }
    }
    symbols_keep(m->d, first, frames, image->file + image->symbols, image->symbol_count,
                 (const char *)image->file + image->strings, image->string_bytes);
}

/* Give the allocator what is left of a module: frames that nobody owns and no symbols are in. */
static void release_module(const struct boot_info *info, struct boot_module *m,
                           const struct domain *d)
{
    uint64_t first = m->start >> PAGE_SHIFT, end = frames_of(m->start + m->bytes), run = 0;

    for (uint64_t n = first; n <= end; n++) {
        bool ours = n < end && atomic_load(&frame_of(MFN(n))->count) == 0 &&
                    !(d != NULL && n - d->symbol_frames.n < d->symbol_frame_count) &&
                    !((n == first || n + 1 == end) && is_shared(info, m, MFN(n)));

        if (ours) {
            run++;
        } else if (run > 0) {
            frame_release_module(MFN(n - run), run);
            run = 0;
        }
    }
    m->bytes = 0;
}

/* A domain that was never finished: its memory is back before the next one is built. */
static void abandon(struct domain *d)
{
    if (d != NULL) {
        domain_abandon(d);
    }
    while (domain_reap()) {
    }
}

static void report_failure(domid_t id, const char *name, const char *error)
{
    char text[BOOT_ERROR_MAX + 64];

    log_error("d%u (%s) cannot start: %s", id, name, error);
    format(text, sizeof(text), "state=failed name=%s why=%s", name, error);
    console_state_id(id, text);
}

/* Build one guest; its modules are gone afterwards, whatever happened. */
static void make_domain(struct boot_info *info, struct boot_module *kernel,
                        struct boot_module *ramdisk, const struct boot_request *request, domid_t id)
{
    struct making *m = &making;
    uint64_t begun = machine_now();
    bool ready;

    *m = (struct making){.id = id, .request = *request, .kernel = kernel, .ramdisk = ramdisk};
    if (m->request.name[0] == '\0') {
        format(m->request.name, sizeof(m->request.name), "d%u", id);
    }
    ready = prepare(m) && create_domain(m) && build_memory(m) && start_vcpu(m);
    pv_build_release(&m->build);
    if (ready) {
        keep_symbols(info, m);
        log_info("d%u (%s): %lu MiB, %u vCPU%s, entry %#lx, built in %lu us", id, m->request.name,
                 m->request.memory_mib, m->request.vcpus, m->request.vcpus == 1 ? "" : "s",
                 m->image.entry, (machine_now() - begun) / 1000);
        console_state(m->d, "state=running name=%s", m->request.name);
        vcpu_up(m->d->vcpu[0]);
    } else {
        report_failure(id, m->request.name, m->error);
        abandon(m->d);
    }
    release_module(info, kernel, ready ? m->d : NULL);
    if (ramdisk != NULL) {
        release_module(info, ramdisk, NULL);
    }
}

/* The ramdisk that follows module i, if one does. */
static struct boot_module *ramdisk_after(struct boot_info *info, unsigned i)
{
    struct boot_request next;
    char error[BOOT_ERROR_MAX];

    if (i + 1 < info->module_count &&
        boot_request_parse(&next, info->module[i + 1].cmdline, error) &&
        next.kind == BOOT_RAMDISK) {
        return &info->module[i + 1];
    }
    return NULL;
}

void boot_domains(struct boot_info *info)
{
    domid_t next_id = 1;

    for (unsigned i = 0; i < info->module_count; i++) {
        struct boot_module *kernel = &info->module[i], *ramdisk;
        struct boot_request request;
        char error[BOOT_ERROR_MAX];

        if (!boot_request_parse(&request, kernel->cmdline, error)) {
            report_failure(next_id++, "?", error);
            release_module(info, kernel, NULL);
            continue;
        }
        if (request.kind == BOOT_RAMDISK) {
            log_error("boot module %u: a ramdisk without a kernel before it", i + 1);
            release_module(info, kernel, NULL);
            continue;
        }
        if (request.domain0 && i != 0) {
            log_warning("only the first module can be domain0: %s is not", request.name);
            request.domain0 = false;
        }
        ramdisk = ramdisk_after(info, i);
        make_domain(info, kernel, ramdisk, &request, request.domain0 ? 0 : next_id++);
        i += ramdisk != NULL;
    }
    if (info->module_count == 0) {
        log_warning("no boot modules: nothing to run");
    }
}
