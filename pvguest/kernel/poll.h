/* SPDX-License-Identifier: MIT */
/*
 * poll, ppoll, select. All sleepers share one queue: whoever changes what file_poll() would say
 * calls poll_changed(), and every sleeper looks at its files again.
 */
#ifndef PVGUEST_POLL_H
#define PVGUEST_POLL_H

#include <stdint.h>

void poll_changed(void);

/* `timeout` in ns, negative: none. */
long poll_files(uint64_t fds, uint64_t count, int64_t timeout);
long poll_select(uint64_t count, uint64_t read, uint64_t write, uint64_t except, int64_t timeout);

#endif
