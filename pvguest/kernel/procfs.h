/* SPDX-License-Identifier: MIT */
/* /proc: what Linux programs look up there about the system and its processes. */
#ifndef PVGUEST_PROCFS_H
#define PVGUEST_PROCFS_H

/* Puts it on the directory /proc, which is made when it is missing. */
void procfs_init(void);

#endif
