/* SPDX-License-Identifier: MIT */
/* Collecting the strings of execve in kernel pages, from the top down; see exec_args.h. */
#include "exec_args.h"

#include <string.h>

#include <asm/errno.h>

#include "memory.h"
#include "space.h"

#define PAGE 4096ul

void exec_args_init(struct exec_args *args)
{
    memset(args, 0, sizeof(*args));
    args->at = EXEC_ARGS_SIZE;
}

void exec_args_free(struct exec_args *args)
{
    for (unsigned int i = 0; i < EXEC_ARG_PAGES; i++)
        if (args->page[i])
            page_free(args->page[i]);
}

/* Room for `count` bytes below what is there. */
static int reserve(struct exec_args *args, size_t count)
{
    if (count > args->at)
        return -E2BIG;
    for (size_t i = (args->at - count) / PAGE; i <= (args->at - 1) / PAGE; i++)
        if (!args->page[i] && !(args->page[i] = page_alloc()))
            return -ENOMEM;
    args->at -= count;
    return 0;
}

static int push_bytes(struct exec_args *args, uint64_t from, size_t count, bool user)
{
    int error = reserve(args, count);
    size_t at = args->at;

    while (!error && count) {
        size_t n = PAGE - at % PAGE;
        n = n < count ? n : count;
        char *to = args->page[at / PAGE] + at % PAGE;
        if (!user)
            memcpy(to, (const void *)from, n);
        else if (copy_from_user(to, from, n))
            error = -EFAULT;
        at += n;
        from += n;
        count -= n;
    }
    return error;
}

int exec_args_push(struct exec_args *args, const char *string)
{
    int error = push_bytes(args, (uint64_t)string, strlen(string) + 1, false);

    args->argc += !error;
    return error;
}

/* Length with the NUL, or -errno. */
static long user_string_size(uint64_t address)
{
    char chunk[128];
    size_t length = 0;

    while (length < EXEC_ARGS_SIZE) {
        long n = string_from_user(chunk, address + length, sizeof(chunk));
        if (n == -EFAULT)
            return -EFAULT;
        if (n >= 0)
            return length + n + 1;
        length += sizeof(chunk);
    }
    return -E2BIG;
}

static int push_user_string(struct exec_args *args, uint64_t address)
{
    long size = user_string_size(address);
    int error = size < 0 ? size : push_bytes(args, address, size, true);

    /* Another process that shares the memory may have changed it between the two reads. */
    if (!error)
        args->page[(args->at + size - 1) / PAGE][(args->at + size - 1) % PAGE] = '\0';
    return error;
}

/* Pushes a NULL-terminated array of strings, the last first. */
static int push_user_array(struct exec_args *args, uint64_t array, unsigned int *pushed)
{
    uint64_t string;
    size_t count = 0;
    int error = 0;

    for (;; count++) {
        if (!array)
            break;
        if (count > EXEC_ARGS_SIZE / 2)
            return -E2BIG;
        if (copy_from_user(&string, array + count * 8, 8))
            return -EFAULT;
        if (!string)
            break;
    }
    *pushed = count;
    while (!error && count--) {
        error = copy_from_user(&string, array + count * 8, 8) ? -EFAULT : 0;
        if (!error)
            error = push_user_string(args, string);
    }
    return error;
}

int exec_args_push_user(struct exec_args *args, uint64_t path, uint64_t argv, uint64_t envp)
{
    int error = push_user_string(args, path);

    if (!error)
        error = push_user_array(args, envp, &args->envc);
    if (!error)
        error = push_user_array(args, argv, &args->argc);
    return error;
}

void exec_args_drop_first(struct exec_args *args)
{
    if (!args->argc)
        return;
    while (args->page[args->at / PAGE][args->at % PAGE])
        args->at++;
    args->at++;
    args->argc--;
}

int exec_args_write(const struct exec_args *args, struct space *space, uint64_t top)
{
    int error = 0;

    for (size_t at = args->at; !error && at < EXEC_ARGS_SIZE;) {
        size_t n = PAGE - at % PAGE;
        error =
            space_write(space, top - (EXEC_ARGS_SIZE - at), args->page[at / PAGE] + at % PAGE, n);
        at += n;
    }
    return error;
}

size_t exec_args_copy(const struct exec_args *args, char *to, size_t size)
{
    size_t at = args->at, done = 0;

    for (unsigned int left = args->argc; left && done < size && at < EXEC_ARGS_SIZE; at++) {
        to[done] = args->page[at / PAGE][at % PAGE];
        left -= !to[done++];
    }
    return done;
}
