/* SPDX-License-Identifier: MIT */
/*
 * The system calls: Linux's x86-64 numbers and meanings. Each syscall_*.c has a table of its calls;
 * syscall.c puts them together. A number that stands in no table is -ENOSYS.
 */
#ifndef PVGUEST_SYSCALL_H
#define PVGUEST_SYSCALL_H

#include <stddef.h>
#include <stdint.h>

#include "process.h"

struct new_utsname;
struct regs;

struct call {
    uint64_t arg[6];
    struct regs *regs;
};

struct call_entry {
    unsigned int number;
    long (*run)(const struct call *call);
    enum restart restart; /* what -EINTR means */
};

/* Ended by an entry without a function. */
extern const struct call_entry file_calls[], path_calls[], stat_calls[], dir_calls[], poll_calls[];
extern const struct call_entry process_calls[], signal_calls[], time_calls[], memory_calls[];
extern const struct call_entry system_calls[];

void syscall_init(void);

const struct new_utsname *system_names(void);

/* Helpers for calls with user strings and paths. */

/* A kernel copy of a user string, a page that page_free() frees; -EFAULT, -ENAMETOOLONG, -ENOMEM.
 */
int user_string(uint64_t address, char **copy);
struct inode;
struct path;
/* path_walk() of a user path that starts at `dirfd` when it is relative. */
int user_walk(int dirfd, uint64_t address, unsigned int flags, struct path *path);
/* The inode of a user path; `at_flags`: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
int user_lookup(int dirfd, uint64_t address, unsigned int at_flags, struct inode **found);

#endif
