/* SPDX-License-Identifier: MIT */
/* execve: programs from ELF files and #! scripts. */
#ifndef PVGUEST_EXEC_H
#define PVGUEST_EXEC_H

#include <stdint.h>

#include "exec_args.h"

struct regs;

/* Replaces the program of the calling process. On success `regs` start the new one; on failure
 * nothing has changed, unless the memory of the old one was gone already: then the process ends. */
long exec_program(struct regs *regs, const char *path, struct exec_args *args);

#endif
