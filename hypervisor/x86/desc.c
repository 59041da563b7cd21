/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables of each CPU: the page of the GDT that is ours, the TSS with the interrupt
 * stacks, the IDT. A guest's GDT is a window of 16 pages (paging.c) with our page as number 14, so
 * that our selectors (0xe008 and up) are valid whatever the guest has in the pages below.
 * Layouts: Intel SDM vol. 3A, 3.4.5, 6.14.1, 7.7.
 */
#include "cpu.h"
#include "log.h"
#include "traps.h"

#define DESC_CODE64_DPL0 0x00af9b000000ffffull
#define DESC_DATA_DPL0 0x00cf93000000ffffull
#define DESC_CODE32_DPL3 0x00cffb000000ffffull
#define DESC_DATA_DPL3 0x00cff3000000ffffull
#define DESC_CODE64_DPL3 0x00affb000000ffffull

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_bitmap; /* beyond the limit: no port is open to ring 3 */
} __attribute__((packed));

struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_mid;
    uint32_t offset_high, reserved;
};

struct table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

/* One CPU today; each CPU gets its own when there are more. */
static uint64_t gdt_page[512] __attribute__((aligned(4096)));
static struct tss tss __attribute__((aligned(16)));
static struct gate idt[256] __attribute__((aligned(16)));

static uint64_t *entry_of(unsigned selector)
{
    return &gdt_page[(selector & 0xfff) >> 3];
}

static void set_system(unsigned selector, uint64_t base, uint32_t limit, unsigned type)
{
    uint64_t *d = entry_of(selector);

    d[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | (uint64_t)(0x80 | type) << 40 |
           (uint64_t)(limit >> 16 & 0xf) << 48 | (base >> 24 & 0xff) << 56;
    d[1] = base >> 32;
}

static void gate_init(unsigned vector)
{
    uint64_t stub = (uint64_t)vector_stubs + 16 * vector;
    bool from_ring3 = vector == 3 || vector == 4 || vector == 0x80;

    idt[vector] = (struct gate){
        .offset_low = (uint16_t)stub,
        .selector = HV_CS,
        .ist = vector == 1    ? IST_DB
               : vector == 2  ? IST_NMI
               : vector == 8  ? IST_DF
               : vector == 18 ? IST_MC
                              : 0,
        .type = 0x8e | (from_ring3 ? 0x60 : 0),
        .offset_mid = (uint16_t)(stub >> 16),
        .offset_high = (uint32_t)(stub >> 32),
    };
}

mfn_t desc_gdt_frame(void)
{
    return MFN(((uint64_t)gdt_page - IMAGE_BASE) >> PAGE_SHIFT);
}

void desc_load_gdt(uint64_t base)
{
    struct table_register gdtr = {HV_GDT_LIMIT, base};

    asm volatile("lgdt %0" : : "m"(gdtr));
}

void desc_load_hypervisor_gdt(void)
{
    desc_load_gdt((uint64_t)gdt_page - HV_GDT_PAGE * PAGE_SIZE);
}

void desc_set_stack(uint64_t rsp0)
{
    tss.rsp[0] = rsp0;
}

void desc_set_ldt(uint64_t base, uint32_t entries)
{
    uint16_t selector = 0;

    if (entries) {
        set_system(HV_LDT, base, entries * 8 - 1, 0x2);
        selector = HV_LDT;
    }
    asm volatile("lldt %0" : : "r"(selector));
}

/* Stacks as layout.h has them: guard, four pages, then guard and page for each IST stack. The top
 * word of an IST stack is the pcpu (entry.S, PARANOID_GS). */
static void stacks_init(struct pcpu *pcpu)
{
    uint64_t area = STACK_BASE + (uint64_t)pcpu->id * STACK_AREA_PAGES * PAGE_SIZE;

    for (unsigned i = 1; i <= STACK_PAGES; i++) {
        paging_map_page(area + i * PAGE_SIZE, frame_alloc_hypervisor(), 3);
    }
    pcpu->stack_top = area + (STACK_PAGES + 1) * PAGE_SIZE;
    for (unsigned ist = 1; ist <= IST_DB; ist++) {
        uint64_t page = area + (STACK_PAGES + 2 * ist) * PAGE_SIZE;
        uint64_t top = page + PAGE_SIZE - 16;

        paging_map_page(page, frame_alloc_hypervisor(), 3);
        *(struct pcpu **)(page + PAGE_SIZE - 8) = pcpu;
        tss.ist[ist - 1] = top;
    }
}

void desc_init(struct pcpu *pcpu)
{
    struct table_register idtr = {sizeof(idt) - 1, (uint64_t)idt};

    *entry_of(HV_CS) = DESC_CODE64_DPL0;
    *entry_of(HV_SS) = DESC_DATA_DPL0;
    *entry_of(GUEST_CS32) = DESC_CODE32_DPL3;
    *entry_of(GUEST_SS) = DESC_DATA_DPL3;
    *entry_of(GUEST_CS64) = DESC_CODE64_DPL3;
    stacks_init(pcpu);
    tss.rsp[0] = pcpu->stack_top;
    tss.io_bitmap = sizeof(tss);
    set_system(HV_TSS, (uint64_t)&tss, sizeof(tss) - 1, 0x9);
    for (unsigned vector = 0; vector < 256; vector++) {
        gate_init(vector);
    }
    desc_load_hypervisor_gdt();
    asm volatile("lidt %0" : : "m"(idtr));
    asm volatile("pushq %0\n\t"
                 "leaq 1f(%%rip), %%rax\n\t"
                 "pushq %%rax\n\t"
                 "lretq\n"
                 "1:\tmovl %1, %%ss\n\t"
                 "ltr %2"
                 :
                 : "i"(HV_CS), "r"(HV_SS), "r"((uint16_t)HV_TSS)
                 : "rax", "memory");
    desc_set_ldt(0, 0);
}
