/* SPDX-License-Identifier: MIT */
/*
 * console=mux: all consoles as frames on COM2, for a program at the other end (the paravane
 * command). Both ways: u8 type, u8 domid, u16 length (little endian), payload; hypervisor(8) lists
 * the types.
 * The other end is trusted to end the machine, not to keep to the format: unknown types and
 * domains are skipped.
 */
#include <string.h>

#include "console.h"
#include "debugkey.h"
#include "log.h"

#define COM1 0 /* the log; what is typed there are debug keys */
#define COM2 1
#define HEADER_BYTES 4
#define DOMID_NONE 0xff
#define POLL_BYTES 4096 /* read at most, then other work gets its turn */

static spinlock_t mux_lock; /* a frame is written whole; as low as the log lock */

/* The frame being read: header bytes so far, then payload bytes to come. */
static struct {
    uint8_t header[HEADER_BYTES];
    unsigned header_bytes;
    uint32_t payload; /* bytes to come */
} reader;

static void write_frame(char type, unsigned id, const void *payload, size_t bytes)
{
    const uint8_t header[HEADER_BYTES] = {(uint8_t)type, (uint8_t)id, (uint8_t)bytes,
                                          (uint8_t)(bytes >> 8)};

    machine_uart_write(COM2, header, sizeof(header));
    if (bytes > 0) {
        machine_uart_write(COM2, payload, bytes);
    }
}

static void send(char type, unsigned id, const void *payload, size_t bytes)
{
    spin_lock(&mux_lock);
    write_frame(type, id, payload, bytes);
    spin_unlock(&mux_lock);
}

static void mux_output(domid_t id, const char *text, size_t bytes)
{
    send('o', id, text, bytes);
}

static void mux_consumed(domid_t id, uint32_t bytes)
{
    const uint8_t count[2] = {(uint8_t)bytes, (uint8_t)(bytes >> 8)};

    send('a', id, count, sizeof(count));
}

static void mux_state(domid_t id, const char *text)
{
    send('s', id, text, strlen(text));
}

/* Without the lock: its holder may be what broke. */
static void mux_panic(const char *text)
{
    write_frame('p', DOMID_NONE, text, strlen(text));
}

static void mux_end(void)
{
    send('e', DOMID_NONE, NULL, 0);
}

static void frame_begins(void)
{
    if (reader.header[0] == 'q') {
        log_info("the other end asks to end");
        mux_end();
        machine_end(MACHINE_POWEROFF);
    }
}

static void take_payload(const char *text, size_t bytes)
{
    struct domain *d = domain_table[reader.header[1]];

    if (reader.header[0] == 'i' && d != NULL && !d->is_dying) {
        console_input(d, text, bytes);
    } else if (reader.header[0] == 'k') {
        debug_key(text[0]);
    }
}

static void take_header(uint8_t byte)
{
    reader.header[reader.header_bytes++] = byte;
    if (reader.header_bytes == HEADER_BYTES) {
        reader.payload = reader.header[2] | (uint32_t)reader.header[3] << 8;
        if (reader.payload == 0) {
            reader.header_bytes = 0;
        }
        frame_begins();
    }
}

static void mux_poll(void)
{
    char text[64];
    unsigned used = 0;
    int byte = 0;

    for (unsigned i = 0; i < POLL_BYTES && (byte = machine_uart_read(COM2)) >= 0; i++) {
        if (reader.header_bytes < HEADER_BYTES) {
            take_header((uint8_t)byte);
            continue;
        }
        text[used++] = (char)byte;
        reader.payload--;
        if (reader.payload == 0 || used == sizeof(text)) {
            take_payload(text, used);
            used = 0;
        }
        if (reader.payload == 0) {
            reader.header_bytes = 0;
        }
    }
    if (used > 0) {
        take_payload(text, used);
    }
    if (byte >= 0) {
        atomic_fetch_or(&this_cpu()->work, PCPU_WORK_CONSOLE);
    }
    for (unsigned i = 0; i < POLL_BYTES && (byte = machine_uart_read(COM1)) >= 0; i++) {
        debug_key((char)byte);
    }
}

const struct console_outside console_outside_mux = {
    .output = mux_output,
    .consumed = mux_consumed,
    .state = mux_state,
    .panic = mux_panic,
    .end = mux_end,
    .poll = mux_poll,
};
