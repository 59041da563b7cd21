/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's state in the CPU: selectors, segment bases, FPU, debug registers, descriptor windows,
 * root. General registers are not here: they live in struct vcpu from the moment of the trap.
 *
 * Invariant bases: while v is loaded, the base of its active GS is in KERNEL_GS_BASE (ring 0 runs
 * on the CPU's own), the inactive one in v->gs_base_kernel or v->gs_base_user. While it is not
 * loaded, all three bases are in struct vcpu.
 */
#include "cpu.h"
#include "domain.h"
#include "log.h"
#include "pagetable.h"
#include "traps.h"
#include "trap.h"

#define WINDOW_RW (PTE_PRESENT | PTE_RW | PTE_ACCESSED | PTE_DIRTY | PTE_NX)
#define XSAVE_PAGES 4 /* up to AVX-512 and room; checked against CPUID at start */

struct vcpu_arch {
    uint64_t window; /* GDT at its start, LDT WINDOW_LDT_PAGE pages in */
    void *fpu;       /* XSAVE or FXSAVE area */
    bool debug_active;
};

_Static_assert(offsetof(struct vcpu, regs.es) % 16 == 0, "TSS.rsp0 must be 16-byte aligned");

static struct vcpu_arch *arch_of(const struct vcpu *v)
{
    return v->arch;
}

static bool is_loaded(const struct vcpu *v)
{
    return this_cpu()->current == v;
}

/* Stands behind every selector below our own that the guest's GDT does not cover: null descriptors,
 * so that loading one is #GP as on bare hardware and not a page fault in the window. */
static const uint64_t no_descriptors[512] __attribute__((aligned(4096)));

static void window_set_gdt_page(struct vcpu_arch *a, unsigned page, mfn_t mfn)
{
    uint64_t pte = mfn.n << PAGE_SHIFT | WINDOW_RW;

    if (mfn_is_none(mfn)) {
        pte = ((uint64_t)no_descriptors - IMAGE_BASE) | (WINDOW_RW & ~PTE_RW);
    }
    paging_window_set(a->window + page * PAGE_SIZE, pte);
}

int machine_vcpu_create(struct vcpu *v)
{
    mfn_t area = frame_alloc_hypervisor_run(XSAVE_PAGES);
    struct vcpu_arch *a;

    if (mfn_equal(area, MFN_INVALID)) {
        return -XEN_ENOMEM;
    }
    /* The last bytes of the run hold our own record; the save area is shorter (cpu_init). */
    a = (struct vcpu_arch *)((char *)machine_map(area) + XSAVE_PAGES * PAGE_SIZE - sizeof(*a));
    a->fpu = machine_map(area);
    a->window =
        WINDOW_BASE + ((uint64_t)v->domain->id * VCPU_MAX + v->id) * WINDOW_PAGES * PAGE_SIZE;
    if (!paging_window_init(a->window)) {
        frame_free_hypervisor(area, XSAVE_PAGES);
        return -XEN_ENOMEM;
    }
    v->arch = a;
    paging_window_set(a->window + HV_GDT_PAGE * PAGE_SIZE,
                      desc_gdt_frame().n << PAGE_SHIFT | WINDOW_RW);
    machine_gdt_changed(v);
    machine_fpu_init(v);
    return 0;
}

void machine_vcpu_destroy(struct vcpu *v)
{
    struct vcpu_arch *a = arch_of(v);

    if (!a) {
        return;
    }
    for (unsigned page = 0; page < WINDOW_PAGES; page++) {
        paging_window_set(a->window + page * PAGE_SIZE, 0);
    }
    v->arch = NULL;
    frame_free_hypervisor(machine_mfn_of(a->fpu), XSAVE_PAGES);
}

void machine_fpu_init(struct vcpu *v)
{
    uint8_t *area = arch_of(v)->fpu;

    /* Intel SDM vol. 1, 10.5.1 and 13.4: FCW and MXCSR of the reset state; an XSAVE header of
     * zeros makes XRSTOR load the initial state of every component. */
    __builtin_memset(area, 0, 1024);
    *(uint16_t *)(area + 0) = 0x37f;
    *(uint32_t *)(area + 24) = 0x1f80;
    v->xcr0 = cpu_features.xsave ? 1 : 0;
}

static void fpu_save(struct vcpu *v)
{
    void *area = arch_of(v)->fpu;

    if (cpu_features.xsave) {
        xsetbv(0, cpu_features.xcr0);
        asm volatile("xsave64 (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
    } else {
        asm volatile("fxsave64 (%0)" : : "r"(area) : "memory");
    }
}

static void fpu_restore(struct vcpu *v)
{
    void *area = arch_of(v)->fpu;

    if (cpu_features.xsave) {
        xsetbv(0, cpu_features.xcr0);
        asm volatile("xrstor64 (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
        xsetbv(0, v->xcr0 | 1);
    } else {
        asm volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
    }
}

void machine_set_xcr0(struct vcpu *v, uint64_t xcr0)
{
    v->xcr0 = xcr0;
    if (is_loaded(v) && cpu_features.xsave) {
        xsetbv(0, xcr0);
    }
}

static uint64_t *active_gs(struct vcpu *v)
{
    return v->kernel_mode ? &v->gs_base_kernel : &v->gs_base_user;
}

void machine_vcpu_sync(struct vcpu *v)
{
    if (!is_loaded(v)) {
        return;
    }
    asm volatile("movw %%ds, %0" : "=m"(v->regs.ds));
    asm volatile("movw %%es, %0" : "=m"(v->regs.es));
    asm volatile("movw %%fs, %0" : "=m"(v->regs.fs));
    asm volatile("movw %%gs, %0" : "=m"(v->regs.gs));
    v->fs_base = rdmsr(MSR_FS_BASE);
    *active_gs(v) = rdmsr(MSR_KERNEL_GS_BASE);
}

static void debug_load(struct vcpu *v)
{
    struct vcpu_arch *a = arch_of(v);

    a->debug_active = (v->debugreg[7] & 0xff) != 0;
    asm volatile("movq %0, %%db0" : : "r"(v->debugreg[0]));
    asm volatile("movq %0, %%db1" : : "r"(v->debugreg[1]));
    asm volatile("movq %0, %%db2" : : "r"(v->debugreg[2]));
    asm volatile("movq %0, %%db3" : : "r"(v->debugreg[3]));
    asm volatile("movq %0, %%db6" : : "r"(v->debugreg[6]));
    asm volatile("movq %0, %%db7" : : "r"(v->debugreg[7]));
}

void machine_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value)
{
    v->debugreg[reg] = value;
    if (is_loaded(v)) {
        debug_load(v);
    }
}

uint64_t machine_take_dr6(void)
{
    uint64_t dr6;

    asm volatile("movq %%db6, %0" : "=r"(dr6));
    asm volatile("movq %0, %%db6" : : "r"(0xffff0ff0ul));
    return dr6;
}

static void ts_set(bool ts)
{
    if (ts) {
        write_cr0(read_cr0() | CR0_TS);
    } else {
        asm volatile("clts");
    }
}

void machine_ts_changed(struct vcpu *v)
{
    if (is_loaded(v)) {
        ts_set(v->cr0_ts);
    }
}

static bool selectors_load(struct vcpu *v)
{
    bool good = load_ds(v->regs.ds);

    good &= load_es(v->regs.es);
    good &= load_fs(v->regs.fs);
    good &= load_gs(v->regs.gs);
    wrmsr(MSR_FS_BASE, v->fs_base);
    wrmsr(MSR_KERNEL_GS_BASE, *active_gs(v));
    return good;
}

static void ldt_load(struct vcpu *v)
{
    desc_set_ldt(arch_of(v)->window + WINDOW_LDT_PAGE * PAGE_SIZE, v->ldt_ents);
}

void machine_vcpu_switch(struct vcpu *prev, struct vcpu *next)
{
    struct pcpu *pcpu = this_cpu();
    bool had_debug = false;

    if (prev == next) {
        return;
    }
    if (prev) {
        machine_vcpu_sync(prev);
        ts_set(false);
        fpu_save(prev);
        had_debug = arch_of(prev)->debug_active;
    }
    pcpu->current = next;
    desc_set_stack((uint64_t)&next->regs.es);
    machine_load_root(next->kernel_mode ? next->guest_table : next->guest_table_user);
    desc_load_gdt(arch_of(next)->window);
    ldt_load(next);
    if (!selectors_load(next)) {
        trap_failsafe(next);
    }
    ts_set(false);
    fpu_restore(next);
    if (next->cr0_ts) {
        ts_set(true);
    }
    if (had_debug || (next->debugreg[7] & 0xff)) {
        debug_load(next);
    }
}

void machine_vcpu_toggle(struct vcpu *v)
{
    uint64_t leaving = rdmsr(MSR_KERNEL_GS_BASE);

    if (v->kernel_mode) {
        v->gs_base_user = leaving;
        wrmsr(MSR_KERNEL_GS_BASE, v->gs_base_kernel);
        machine_load_root(v->guest_table);
    } else {
        v->gs_base_kernel = leaving;
        wrmsr(MSR_KERNEL_GS_BASE, v->gs_base_user);
        machine_load_root(v->guest_table_user);
    }
}

uint64_t machine_get_segment_base(struct vcpu *v, enum segment_base which)
{
    bool loaded = is_loaded(v);

    switch (which) {
    case SEGMENT_FS:
        return loaded ? rdmsr(MSR_FS_BASE) : v->fs_base;
    case SEGMENT_GS_KERNEL:
        return loaded && v->kernel_mode ? rdmsr(MSR_KERNEL_GS_BASE) : v->gs_base_kernel;
    default:
        return loaded && !v->kernel_mode ? rdmsr(MSR_KERNEL_GS_BASE) : v->gs_base_user;
    }
}

/* The caller has checked that base is canonical. */
void machine_set_segment_base(struct vcpu *v, enum segment_base which, uint64_t base)
{
    bool loaded = is_loaded(v);

    switch (which) {
    case SEGMENT_FS:
        v->fs_base = base;
        if (loaded) {
            wrmsr(MSR_FS_BASE, base);
        }
        break;
    case SEGMENT_GS_KERNEL:
        v->gs_base_kernel = base;
        if (loaded && v->kernel_mode) {
            wrmsr(MSR_KERNEL_GS_BASE, base);
        }
        break;
    default:
        v->gs_base_user = base;
        if (loaded && !v->kernel_mode) {
            wrmsr(MSR_KERNEL_GS_BASE, base);
        }
    }
}

bool machine_load_user_gs(struct vcpu *v, uint16_t selector)
{
    uint64_t kernel = rdmsr(MSR_KERNEL_GS_BASE);
    bool good = load_gs(selector);

    v->gs_base_user = rdmsr(MSR_KERNEL_GS_BASE);
    wrmsr(MSR_KERNEL_GS_BASE, kernel);
    return good;
}

void machine_gdt_changed(struct vcpu *v)
{
    struct vcpu_arch *a = arch_of(v);
    unsigned pages = (v->gdt_ents + 511) / 512;

    for (unsigned page = 0; page < GDT_GUEST_FRAMES; page++) {
        window_set_gdt_page(a, page, page < pages ? v->gdt_frames[page] : MFN_NONE);
    }
    if (is_loaded(v)) {
        desc_load_gdt(a->window);
    }
}

void machine_ldt_changed(struct vcpu *v)
{
    struct vcpu_arch *a = arch_of(v);

    for (unsigned page = WINDOW_LDT_PAGE; page < WINDOW_PAGES; page++) {
        paging_window_set(a->window + page * PAGE_SIZE, 0);
    }
    if (is_loaded(v)) {
        ldt_load(v);
    }
}

void machine_ldt_map_page(struct vcpu *v, unsigned page, mfn_t mfn)
{
    paging_window_set(arch_of(v)->window + (WINDOW_LDT_PAGE + page) * PAGE_SIZE,
                      mfn.n << PAGE_SHIFT | WINDOW_RW);
}

uint64_t machine_ldt_window_offset(const struct vcpu *v, uint64_t va)
{
    uint64_t ldt = arch_of(v)->window + WINDOW_LDT_PAGE * PAGE_SIZE;

    return va >= ldt && va < ldt + 16 * PAGE_SIZE ? va - ldt : ~0ull;
}
