/* SPDX-License-Identifier: MIT */
/* From libpv's console to the terminal and back. */
#include "console.h"

#include <stdbool.h>

#include <pv/console.h>
#include <pv/hypercall_stubs.h>

#include "tty.h"

static bool is_up;

/* Input goes to the terminal as far as it has room; the rest stays in the ring. */
void console_input_ready(void)
{
    char bytes[128];
    size_t room = tty_room(), n;

    while (room && (n = pv_console_read(bytes, room < sizeof(bytes) ? room : sizeof(bytes)))) {
        tty_receive(bytes, n);
        room = tty_room();
    }
}

void console_init(void)
{
    is_up = pv_console_init(console_input_ready) == 0;
}

void console_write(const char *text, size_t bytes)
{
    if (!is_up) {
        pv_console_early(text, bytes);
        return;
    }
    while (bytes) {
        size_t n = pv_console_write(text, bytes);

        text += n;
        bytes -= n;
        if (!n)
            hc_schedop_yield();
    }
}
