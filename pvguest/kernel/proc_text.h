/* SPDX-License-Identifier: MIT */
/* The contents of the files of /proc: text that is made when one is opened. */
#ifndef PVGUEST_PROC_TEXT_H
#define PVGUEST_PROC_TEXT_H

#include <stddef.h>

struct process;

#define PROC_TEXT_SIZE 4096 /* what does not fit is cut off */

struct proc_text {
    size_t size;
    char bytes[PROC_TEXT_SIZE];
};

struct proc_file {
    const char *name;
    /* `process`: whose directory the file is in; NULL for files of /proc itself. */
    void (*show)(struct proc_text *text, const struct process *process);
    int (*write)(char byte); /* NULL: read-only */
};

/* Ended by an entry without a name. */
extern const struct proc_file proc_system_files[], proc_process_files[];

#endif
