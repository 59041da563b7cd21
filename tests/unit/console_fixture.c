/* SPDX-License-Identifier: MIT */
#include "console_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "log.h"
#include "sim.h"

#define FRAMES 16384 /* 64 MiB */

static void end(enum machine_end how)
{
    exit(40 + (int)how);
}

uint64_t machine_fixture(uint64_t keep)
{
    mfn_t first = MFN(0);

    sim_start(FRAMES);
    sim_set_time(1000000000);
    sim_on_end = end;
    memset(machine_map(MFN(1)), 0x5a, (FRAMES - 1) * PAGE_SIZE); /* nobody may rely on zeros */
    if (keep > 0) {
        first = frame_alloc_hypervisor_run(keep);
        for (uint64_t i = 0; i < keep; i++) {
            atomic_store(&frame_of(MFN(first.n + i))->count, 0);
        }
    }
    return first.n << PAGE_SHIFT;
}

void serial_type(unsigned port, const void *bytes, size_t count)
{
    sim_uart_input(port, bytes, count);
}

size_t serial_take(unsigned port, void *dst, size_t room)
{
    return sim_uart_output(port, dst, room);
}

void pass_time(uint64_t ns)
{
    sim_advance(ns);
}
