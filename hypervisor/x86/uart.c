/* SPDX-License-Identifier: MIT */
/*
 * COM1 (log) and COM2 (guest consoles): 16550 UARTs. Output polls, input interrupts.
 * Registers: National Semiconductor PC16550D, table 2.
 */
#include "cpu.h"
#include "traps.h"

#define UART_DATA 0
#define UART_IER 1 /* interrupt enable */
#define UART_FCR 2 /* FIFO control */
#define UART_LCR 3 /* line control */
#define UART_MCR 4 /* modem control */
#define UART_LSR 5 /* line status */
#define LSR_DATA_READY 0x01
#define LSR_THR_EMPTY 0x20
#define FIFO_BYTES 16
#define PATIENCE 2000000u /* polls before a port that never empties is given up for this write */

struct uart {
    uint16_t base;
    bool present;
};

static struct uart uarts[2] = {{.base = 0x3f8}, {.base = 0x2f8}};

static void uart_open(struct uart *u)
{
    outb(u->base + UART_IER, 0);
    outb(u->base + UART_LCR, 0x80); /* divisor latch: 115200 baud */
    outb(u->base + UART_DATA, 1);
    outb(u->base + UART_IER, 0);
    outb(u->base + UART_LCR, 0x03); /* 8 data bits, no parity, 1 stop bit */
    outb(u->base + UART_FCR, 0x07); /* FIFOs on and empty, interrupt at the first byte */
    outb(u->base + UART_MCR, 0x0b); /* DTR, RTS, OUT2 (interrupt to the bus) */
    u->present = inb(u->base + UART_LCR) == 0x03;
}

void uart_init(void)
{
    uart_open(&uarts[0]);
    uart_open(&uarts[1]);
}

void uart_enable_interrupts(void)
{
    for (unsigned i = 0; i < 2; i++) {
        if (uarts[i].present) {
            outb(uarts[i].base + UART_IER, 0x01); /* received data */
        }
    }
}

/* The I/O APIC's lines are edges: reading the identification register lowers ours. */
void uart_interrupt(void)
{
    for (unsigned i = 0; i < 2; i++) {
        if (uarts[i].present) {
            inb(uarts[i].base + UART_FCR);
        }
    }
}

void machine_uart_write(unsigned port, const void *data, size_t bytes)
{
    const struct uart *u = &uarts[port];
    const uint8_t *p = data;

    while (u->present && bytes) {
        size_t burst = bytes < FIFO_BYTES ? bytes : FIFO_BYTES;

        for (uint32_t tries = 0; !(inb(u->base + UART_LSR) & LSR_THR_EMPTY); tries++) {
            if (tries == PATIENCE) {
                return;
            }
        }
        bytes -= burst;
        while (burst--) {
            outb(u->base + UART_DATA, *p++);
        }
    }
}

int machine_uart_read(unsigned port)
{
    const struct uart *u = &uarts[port];

    if (!u->present || !(inb(u->base + UART_LSR) & LSR_DATA_READY)) {
        return -1;
    }
    return inb(u->base + UART_DATA);
}
