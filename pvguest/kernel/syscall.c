/* SPDX-License-Identifier: MIT */
/*
 * System call dispatch, and copying strings and paths in. A call that a signal interrupted leaves
 * its number and how it restarts in the process; user_return() acts on it.
 */
#include "syscall.h"

#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/limits.h>

#include "file.h"
#include "inode.h"
#include "memory.h"
#include "path.h"
#include "signal.h"
#include "space.h"
#include "trap.h"

#define CALLS 512

static const struct call_entry *const groups[] = {
    file_calls,    path_calls,   stat_calls, dir_calls,    poll_calls,
    process_calls, signal_calls, time_calls, memory_calls, system_calls,
};

static const struct call_entry *table[CALLS];

void syscall_init(void)
{
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        for (const struct call_entry *entry = groups[i]; entry->run; entry++)
            table[entry->number] = entry;
}

void syscall_enter(struct regs *regs)
{
    const struct call_entry *entry = regs->rax < CALLS ? table[regs->rax] : NULL;
    struct process *process = current_process();
    struct call call = {
        .arg = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9},
        .regs = regs,
    };

    process->syscall_number = regs->rax;
    process->restart = RESTART_NEVER;
    long result = entry ? entry->run(&call) : -ENOSYS;
    if (result == -EINTR && entry)
        process->restart = entry->restart;
    else
        process->sleep_until = 0;
    regs->rax = result;
}

int user_string(uint64_t address, char **copy)
{
    char *page = page_alloc();

    if (!page)
        return -ENOMEM;
    long length = string_from_user(page, address, PATH_MAX);
    if (length >= 0)
        *copy = page;
    else
        page_free(page);
    return length < 0 ? length : 0;
}

/* The directory that a path starts from, with a reference. */
static int path_base(int dirfd, const char *path, struct inode **base)
{
    struct process *process = current_process();

    if (*path == '/' || dirfd == AT_FDCWD) {
        *base = inode_get(process->cwd);
        return 0;
    }
    struct file *file = dirfd < 0 ? NULL : files_at(process->files, dirfd);
    if (!file)
        return -EBADF;
    *base = inode_get(file->inode);
    return 0;
}

int user_walk(int dirfd, uint64_t address, unsigned int flags, struct path *path)
{
    struct inode *base = NULL;
    char *text = NULL;
    int error = user_string(address, &text);

    if (error)
        return error;
    error = path_base(dirfd, text, &base);
    if (!error)
        error = path_walk(base, text, flags, path);
    inode_put(base);
    page_free(text);
    return error;
}

int user_lookup(int dirfd, uint64_t address, unsigned int at_flags, struct inode **found)
{
    struct inode *base = NULL;
    char *text = NULL;
    int error = user_string(address, &text);

    if (error)
        return error;
    error = path_base(dirfd, text, &base);
    if (!error && !*text && at_flags & AT_EMPTY_PATH)
        *found = inode_get(base);
    else if (!error)
        error = path_lookup(base, text, at_flags & AT_SYMLINK_NOFOLLOW ? PATH_NOFOLLOW : 0, found);
    inode_put(base);
    page_free(text);
    return error;
}
