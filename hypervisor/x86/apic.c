/* SPDX-License-Identifier: MIT */
/*
 * Local APIC (timer, end of interrupt) and the two I/O APIC lines of the serial ports.
 * Registers: Intel SDM vol. 3A, 11.4.1 (table 11-1); 82093AA I/O APIC, 3.1.
 */
#include "cpu.h"
#include "log.h"

#define APIC_ID 0x20
#define APIC_EOI 0xb0
#define APIC_SVR 0xf0
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0
#define LVT_MASKED (1u << 16)

#define IOAPIC_PHYS 0xfec00000ull
#define IOAPIC_REDIRECTION 0x10

static volatile char *apic;
static volatile char *ioapic;

static void apic_write(unsigned reg, uint32_t value)
{
    *(volatile uint32_t *)(apic + reg) = value;
}

static uint32_t apic_read(unsigned reg)
{
    return *(volatile uint32_t *)(apic + reg);
}

static void ioapic_write(unsigned reg, uint32_t value)
{
    *(volatile uint32_t *)ioapic = reg;
    *(volatile uint32_t *)(ioapic + 0x10) = value;
}

/* ISA line to vector, edge triggered, to this CPU. */
static void ioapic_route(unsigned line, unsigned vector)
{
    ioapic_write(IOAPIC_REDIRECTION + 2 * line + 1, apic_read(APIC_ID));
    ioapic_write(IOAPIC_REDIRECTION + 2 * line, vector);
}

/* The 8259s are moved off the exception vectors and masked: nothing of ours uses them. */
static void pic_disable(void)
{
    outb(0x20, 0x11);
    outb(0xa0, 0x11);
    outb(0x21, 0x20);
    outb(0xa1, 0x28);
    outb(0x21, 4);
    outb(0xa1, 2);
    outb(0x21, 1);
    outb(0xa1, 1);
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
}

void apic_init(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);

    pic_disable();
    apic = paging_map_device(base & 0xffffff000ull);
    ioapic = paging_map_device(IOAPIC_PHYS);
    wrmsr(MSR_APIC_BASE, (base | 1u << 11) & ~(1ull << 10)); /* enabled, not x2APIC */
    apic_write(APIC_SVR, 0x100 | VECTOR_SPURIOUS);
    apic_write(APIC_LVT_LINT0, LVT_MASKED);
    apic_write(APIC_LVT_LINT1, 0x400); /* NMI */
    apic_write(APIC_LVT_ERROR, LVT_MASKED);
    apic_write(APIC_TIMER_DIVIDE, 0xb);       /* by 1 */
    apic_write(APIC_LVT_TIMER, VECTOR_TIMER); /* one-shot */
    apic_write(APIC_EOI, 0);
    ioapic_route(4, VECTOR_SERIAL);
    ioapic_route(3, VECTOR_SERIAL);
}

void apic_eoi(void)
{
    apic_write(APIC_EOI, 0);
}

void apic_timer_arm(uint32_t count)
{
    apic_write(APIC_TIMER_INITIAL, count);
}

uint32_t apic_timer_count(void)
{
    return apic_read(APIC_TIMER_CURRENT);
}
