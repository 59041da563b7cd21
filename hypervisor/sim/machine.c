/* SPDX-License-Identifier: MIT */
/*
 * machine.h on the host. Guest addresses are walked through the loaded root, as the MMU would, with
 * the rights of ring 3; everything else is stored where a test can see it (sim.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "descriptor.h"
#include "domain.h"
#include "log.h"
#include "pagetable.h"
#include "sim.h"

#define LDT_WINDOW 0xffff810000010000ull
#define WINDOW_BYTES 0x20000ull
#define DR6_INACTIVE 0xffff0ff0ull
#define CPUID_MAX 64
#define UART_BYTES 65536

uint8_t *sim_ram;
struct pcpu sim_pcpu;
struct sim_record sim_record;
void (*sim_on_end)(enum machine_end how);
struct machine_clock machine_clock = {
    .tsc_to_system_mul = 0x80000000u, .tsc_shift = 1, .tsc_khz = 1000000};
uint16_t machine_debug_exit_port;

static uint64_t now, deadline = ~0ull, dr6 = DR6_INACTIVE, xcr0 = 7;
static struct {
    uint32_t leaf, subleaf, out[4];
} cpuid_leaf[CPUID_MAX];
static unsigned cpuid_count;
static char uart_out[2][UART_BYTES];
static size_t uart_out_count[2];
static uint8_t uart_in[2][UART_BYTES];
static size_t uart_in_count[2], uart_in_at[2];

void sim_start(uint64_t frames)
{
    sim_ram = mmap(NULL, frames << PAGE_SHIFT, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    frame_table = calloc(frames, sizeof(*frame_table));
    m2p = malloc(frames * sizeof(*m2p));
    if (sim_ram == MAP_FAILED || !frame_table || !m2p) {
        perror("sim_start");
        exit(99);
    }
    for (uint64_t n = 0; n < frames; n++) {
        m2p[n] = ~0ull;
        frame_table[n].owner = FRAME_OWNER_NONE;
    }
    frame_limit = frames;
    sim_pcpu = (struct pcpu){.self = &sim_pcpu, .tlb_epoch = 1, .deadline = ~0ull};
    frame_release_boot(MFN(1), frames - 1);
}

/* TLB and roots */

void machine_tlb_flush(void)
{
    sim_record.flushes++;
    sim_pcpu.tlb_epoch++;
}

void machine_tlb_flush_page(uint64_t va)
{
    sim_record.page_flushes++;
    sim_record.last_flushed_va = va;
}

void machine_load_root(mfn_t l4)
{
    sim_record.root_loads++;
    sim_pcpu.root = l4;
    sim_pcpu.tlb_epoch++;
}

static void set_hypervisor_slots(mfn_t l4, pte_t value)
{
    pte_t *table = machine_map(l4);

    for (unsigned i = HYPERVISOR_SLOT_FIRST; i <= HYPERVISOR_SLOT_LAST; i++) {
        table[i] = value;
    }
}

/* Present, supervisor, naming frame 0: whoever follows one of these in core has a bug. */
void machine_l4_fill(mfn_t l4)
{
    set_hypervisor_slots(l4, PTE_PRESENT);
}

void machine_l4_clear(mfn_t l4)
{
    set_hypervisor_slots(l4, 0);
}

/* Ring 3's view of va through the loaded root; NULL if it would fault. */
static uint8_t *guest_byte(uint64_t va, bool write)
{
    mfn_t table = sim_pcpu.root;

    if (mfn_is_none(table) || !va_is_canonical(va)) {
        return NULL;
    }
    for (unsigned level = 4; level > 0; level--) {
        pte_t entry = ((pte_t *)machine_map(table))[pt_index(va, level)];

        if (!(entry & PTE_PRESENT) || !(entry & PTE_USER) || (write && !(entry & PTE_RW))) {
            return NULL;
        }
        table = pte_mfn(entry);
    }
    return (uint8_t *)machine_map(table) + (va & ~PAGE_MASK);
}

static size_t guest_copy(uint64_t va, uint8_t *host, size_t bytes, bool write)
{
    while (bytes > 0) {
        size_t chunk = PAGE_SIZE - (va & ~PAGE_MASK);
        uint8_t *guest = guest_byte(va, write);

        if (!guest) {
            return bytes;
        }
        chunk = chunk < bytes ? chunk : bytes;
        memcpy(write ? guest : host, write ? host : guest, chunk);
        va += chunk;
        host += chunk;
        bytes -= chunk;
    }
    return 0;
}

size_t machine_copy_from_guest(void *dst, uint64_t va, size_t bytes)
{
    return guest_copy(va, dst, bytes, false);
}

size_t machine_copy_to_guest(uint64_t va, const void *src, size_t bytes)
{
    return guest_copy(va, (uint8_t *)src, bytes, true);
}

/* vCPU context */

int machine_vcpu_create(struct vcpu *v)
{
    v->arch = v; /* nothing of our own to keep */
    machine_fpu_init(v);
    return 0;
}

void machine_vcpu_destroy(struct vcpu *v)
{
    v->arch = NULL;
}

static void load_root_of(struct vcpu *v)
{
    machine_load_root(v->kernel_mode ? v->guest_table : v->guest_table_user);
}

void machine_vcpu_switch(struct vcpu *prev, struct vcpu *next)
{
    if (prev == next) {
        return;
    }
    sim_record.switches++;
    sim_pcpu.current = next;
    load_root_of(next);
    sim_record.ts = next->cr0_ts;
}

void machine_vcpu_sync(struct vcpu *v)
{
    (void)v;
}

void machine_leave_guest(void)
{
    machine_load_root(MFN_NONE);
}

void machine_vcpu_toggle(struct vcpu *v)
{
    sim_record.toggles++;
    load_root_of(v);
}

static uint64_t *base_of(struct vcpu *v, enum segment_base which)
{
    return which == SEGMENT_FS        ? &v->fs_base
           : which == SEGMENT_GS_USER ? &v->gs_base_user
                                      : &v->gs_base_kernel;
}

uint64_t machine_get_segment_base(struct vcpu *v, enum segment_base which)
{
    return *base_of(v, which);
}

void machine_set_segment_base(struct vcpu *v, enum segment_base which, uint64_t base)
{
    *base_of(v, which) = base;
}

bool machine_load_user_gs(struct vcpu *v, uint16_t selector)
{
    uint64_t desc;
    bool good = selector < 4 || (descriptor_read(v, selector, &desc) && (desc >> 47 & 1));

    v->regs.gs = good ? selector : 0;
    return good;
}

void machine_gdt_changed(struct vcpu *v)
{
    (void)v;
    sim_record.gdt_changes++;
}

void machine_ldt_changed(struct vcpu *v)
{
    (void)v;
    sim_record.ldt_changes++;
}

void machine_ldt_map_page(struct vcpu *v, unsigned page, mfn_t mfn)
{
    BUG_ON(page >= LDT_FRAMES || !mfn_is_ram(mfn));
    (void)v;
    sim_record.ldt_maps++;
}

uint64_t sim_ldt_window(const struct vcpu *v)
{
    return LDT_WINDOW + ((uint64_t)v->domain->id * VCPU_MAX + v->id) * WINDOW_BYTES;
}

uint64_t machine_ldt_window_offset(const struct vcpu *v, uint64_t va)
{
    uint64_t offset = va - sim_ldt_window(v);

    return offset < LDT_FRAMES * PAGE_SIZE ? offset : ~0ull;
}

void machine_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value)
{
    v->debugreg[reg] = value;
}

void sim_set_dr6(uint64_t value)
{
    dr6 = value;
}

uint64_t machine_take_dr6(void)
{
    uint64_t value = dr6;

    dr6 = DR6_INACTIVE;
    return value;
}

void machine_ts_changed(struct vcpu *v)
{
    sim_record.ts = v->cr0_ts;
}

void machine_set_xcr0(struct vcpu *v, uint64_t value)
{
    v->xcr0 = value;
}

void machine_fpu_init(struct vcpu *v)
{
    v->xcr0 = xcr0 ? 1 : 0;
}

/* CPU facts */

void sim_set_cpuid(uint32_t leaf, uint32_t subleaf, const uint32_t out[4])
{
    unsigned i;

    for (i = 0; i < cpuid_count; i++) {
        if (cpuid_leaf[i].leaf == leaf && cpuid_leaf[i].subleaf == subleaf) {
            break;
        }
    }
    BUG_ON(i == CPUID_MAX);
    cpuid_leaf[i].leaf = leaf;
    cpuid_leaf[i].subleaf = subleaf;
    memcpy(cpuid_leaf[i].out, out, sizeof(cpuid_leaf[i].out));
    cpuid_count += i == cpuid_count;
}

void machine_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    memset(out, 0xff, 4 * sizeof(out[0]));
    if ((leaf & 0x7fffffff) == 0) {
        out[0] = leaf + 0x1f;
    }
    for (unsigned i = 0; i < cpuid_count; i++) {
        if (cpuid_leaf[i].leaf == leaf && cpuid_leaf[i].subleaf == subleaf) {
            memcpy(out, cpuid_leaf[i].out, sizeof(cpuid_leaf[i].out));
        }
    }
}

bool machine_rdmsr(uint32_t msr, uint64_t *value)
{
    switch (msr) {
    case 0x277: /* PAT */
        *value = 0x050100070406ull;
        return true;
    case 0xc0000080: /* EFER, with bits that no guest should see */
        *value = 0x5d01;
        return true;
    default:
        return false;
    }
}

void sim_set_xcr0(uint64_t value)
{
    xcr0 = value;
}

uint64_t machine_xcr0_supported(void)
{
    return xcr0;
}

/* Time */

void sim_set_time(uint64_t ns)
{
    now = ns;
}

void sim_advance(uint64_t ns)
{
    now += ns;
}

uint64_t sim_deadline(void)
{
    return deadline;
}

uint64_t machine_tsc(void)
{
    return now; /* 1 GHz, as machine_clock says */
}

uint64_t machine_now(void)
{
    return now;
}

void sim_timer_interrupt(void)
{
    if (deadline <= now) {
        deadline = ~0ull;
        sim_pcpu.deadline = ~0ull;
        atomic_fetch_or(&sim_pcpu.work, PCPU_WORK_TIMER);
    }
}

void machine_set_deadline(uint64_t when)
{
    sim_record.deadlines++;
    deadline = when;
    sim_pcpu.deadline = when;
}

void machine_kick(unsigned cpu)
{
    (void)cpu;
    sim_record.kicks++;
}

/* Time passes until the deadline, the interrupt comes. */
void machine_idle(void)
{
    sim_record.idles++;
    BUG_ON(deadline == ~0ull && !atomic_load(&sim_pcpu.work)); /* idle for ever */
    if (deadline != ~0ull && deadline > now) {
        now = deadline;
    }
    sim_timer_interrupt();
}

/* Serial ports and the end */

void machine_uart_write(unsigned port, const void *data, size_t bytes)
{
    size_t room = UART_BYTES - uart_out_count[port];

    sim_record.uart_bytes[port] += bytes;
    bytes = bytes < room ? bytes : room;
    memcpy(uart_out[port] + uart_out_count[port], data, bytes);
    uart_out_count[port] += bytes;
}

size_t sim_uart_output(unsigned port, char *dst, size_t bytes)
{
    size_t count = uart_out_count[port] < bytes - 1 ? uart_out_count[port] : bytes - 1;

    memcpy(dst, uart_out[port], count);
    dst[count] = 0;
    uart_out_count[port] = 0;
    return count;
}

void sim_uart_input(unsigned port, const void *bytes, size_t count)
{
    BUG_ON(uart_in_count[port] + count > UART_BYTES);
    memcpy(uart_in[port] + uart_in_count[port], bytes, count);
    uart_in_count[port] += count;
}

int machine_uart_read(unsigned port)
{
    return uart_in_at[port] < uart_in_count[port] ? uart_in[port][uart_in_at[port]++] : -1;
}

void machine_dump(void)
{
    fprintf(stderr, "%.*s", (int)uart_out_count[0], uart_out[0]);
}

_Noreturn void machine_end(enum machine_end how)
{
    if (sim_on_end) {
        sim_on_end(how);
    }
    fprintf(stderr, "machine_end(%d)\n", how);
    abort();
}
