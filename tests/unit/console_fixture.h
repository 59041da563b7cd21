/* SPDX-License-Identifier: MIT */
/* A simulated machine as the tests of consoles and of booting see it: memory and serial ports. */
#ifndef PARAVANE_TEST_CONSOLE_FIXTURE_H
#define PARAVANE_TEST_CONSOLE_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

/* A machine; `keep` frames from the machine address returned are not the allocator's, for boot
 * modules. Ending it (machine_end) exits the process with 40 + enum machine_end. */
uint64_t machine_fixture(uint64_t keep);
void serial_type(unsigned port, const void *bytes, size_t count);
/* Take what was written to a serial port since the last time; returns how much. */
size_t serial_take(unsigned port, void *dst, size_t room);
void pass_time(uint64_t ns);

#endif
