/* SPDX-License-Identifier: MIT */
/* The FPU and vector state of the running process, moved to and from its signal frames. */
#ifndef PVGUEST_FPU_H
#define PVGUEST_FPU_H

#include <stddef.h>
#include <stdint.h>

/* Turns on the register sets that user mode may use. XCR0 starts with x87 alone, and XSAVE and
 * XRSTOR, also those of thread switches, leave out what it does not name. */
void fpu_init(void);

/* Bytes the state takes in a signal frame; its address there is a multiple of 64. */
size_t fpu_frame_size(void);
int fpu_save_to_user(uint64_t address);
/* Address 0: the frame has no state, the FPU is reset. */
int fpu_restore_from_user(uint64_t address);

#endif
