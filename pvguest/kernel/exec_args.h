/* SPDX-License-Identifier: MIT */
/*
 * The strings of a new program, as they will lie at the top of its stack: the arguments in order,
 * then the environment, then the path. They are pushed from the last to the first.
 */
#ifndef PVGUEST_EXEC_ARGS_H
#define PVGUEST_EXEC_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXEC_ARG_PAGES 32 /* 128 KiB of strings */

struct exec_args {
    char *page[EXEC_ARG_PAGES];
    size_t at; /* offset of the lowest byte pushed so far */
    unsigned int argc, envc;
};

#define EXEC_ARGS_SIZE ((size_t)EXEC_ARG_PAGES * 4096)

struct space;

void exec_args_init(struct exec_args *args);
void exec_args_free(struct exec_args *args);
/* All of these: 0, -E2BIG, -ENOMEM, -EFAULT. */
int exec_args_push(struct exec_args *args, const char *string);
int exec_args_push_user(struct exec_args *args, uint64_t path, uint64_t argv, uint64_t envp);
/* Takes the first argument away again (a script's interpreter gets its own). */
void exec_args_drop_first(struct exec_args *args);
/* Writes the strings so that they end at `top`. */
int exec_args_write(const struct exec_args *args, struct space *space, uint64_t top);

/* Copies as many of the arguments as fit; how many bytes. */
size_t exec_args_copy(const struct exec_args *args, char *to, size_t size);

#endif
