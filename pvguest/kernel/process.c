/* SPDX-License-Identifier: MIT */
/*
 * The process table: creation by fork, and the first process. The end of processes is in exit.c.
 * The number of processes is limited by memory (process_limit) so that a fork bomb gets -EAGAIN
 * while the rest of the system can still run.
 */
#include "process.h"

#include <string.h>

#include <asm/errno.h>
#include <linux/sched.h>
#include <linux/signal.h>

#include "clock.h"
#include "exec.h"
#include "file.h"
#include "inode.h"
#include "memory.h"
#include "print.h"
#include "signal.h"
#include "space.h"
#include "trap.h"
#include "wait.h"

#define PAGES_PER_PROCESS 48 /* a small busybox: page tables, stacks, written pages */
#define SUPPORTED_FLAGS                                                                            \
    (CSIGNAL | CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_SETTLS | CLONE_PARENT_SETTID |         \
     CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_PTRACE | CLONE_DETACHED | CLONE_UNTRACED)

struct process *processes;
unsigned int process_count;
static int last_pid;

struct process *process_find(int pid)
{
    struct process *process = processes;

    while (process && process->pid != pid)
        process = process->next;
    return process;
}

static unsigned int process_limit(void)
{
    struct memory_info memory;

    memory_info(&memory);
    uint64_t limit = memory.total / PAGES_PER_PROCESS;
    return limit < PID_MAX / 2 ? limit : PID_MAX / 2;
}

static bool pid_is_used(int pid)
{
    for (struct process *process = processes; process; process = process->next)
        if (process->pid == pid || process->pgid == pid || process->sid == pid)
            return true;
    return false;
}

static int new_pid(void)
{
    do
        last_pid = last_pid >= PID_MAX ? 2 : last_pid + 1;
    while (pid_is_used(last_pid));
    return last_pid;
}

static struct process *process_new(void)
{
    if (process_count >= process_limit())
        return NULL;
    struct process *process = kmalloc(sizeof(*process));
    if (!process)
        return NULL;
    memset(process, 0, sizeof(*process));
    process->pid = new_pid();
    process->start_ns = clock_monotonic_ns();
    process->next = processes;
    processes = process;
    process_count++;
    return process;
}

void process_free(struct process *process)
{
    struct process **link = &processes;

    while (*link != process)
        link = &(*link)->next;
    *link = process->next;
    process_count--;
    kfree(process);
}

/* What a child has of its parent, but for memory and thread. */
static int inherit(struct process *child, struct process *parent, uint64_t flags)
{
    if (flags & CLONE_FILES) {
        child->files = parent->files;
        child->files->refs++;
    } else {
        child->files = files_copy(parent->files);
    }
    if (!child->files)
        return -ENOMEM;
    child->execution = parent->execution;
    if (child->execution)
        child->execution->refs++;
    child->cwd = inode_get(parent->cwd);
    child->pgid = parent->pgid;
    child->sid = parent->sid;
    child->umask = parent->umask;
    memcpy(child->name, parent->name, sizeof(child->name));
    memcpy(child->limits, parent->limits, sizeof(child->limits));
    memcpy(child->action, parent->action, sizeof(child->action));
    child->blocked = parent->restore_blocked ? parent->saved_blocked : parent->blocked;
    child->altstack = parent->altstack;
    if (flags & CLONE_VM)
        child->altstack = (stack_t){.ss_flags = SS_DISABLE};
    return 0;
}

void execution_put(struct execution *execution)
{
    if (!execution || --execution->refs)
        return;
    kfree(execution->path);
    kfree(execution);
}

static void drop_unborn(struct process *child)
{
    if (child->space && child->space != current_process()->space)
        space_destroy(child->space);
    files_put(child->files);
    inode_put(child->cwd);
    execution_put(child->execution);
    process_free(child);
}

static void adopt(struct process *parent, struct process *child)
{
    child->parent = parent;
    child->sibling = parent->children;
    parent->children = child;
}

/* The parent of vfork sleeps until the child has its own memory; a signal does not end that. */
static void wait_for_vfork(struct process *parent)
{
    while (parent->vfork_child)
        wait_uninterrupted(&parent->vfork_queue);
}

void process_change_space(struct process *process, struct space *space)
{
    struct process *parent = process->parent;
    struct space *old = process->space;

    process->space = space;
    thread_set_space(space);
    if (parent && parent->vfork_child == process) {
        parent->vfork_child = NULL;
        wake_all(&parent->vfork_queue);
    }
    if (old && !(parent && parent->space == old))
        space_destroy(old);
}

static void first_return(void *argument)
{
    struct process *process = argument;
    struct regs regs = process->start;

    user_return(&regs);
    user_enter(&regs);
}

/* A thread for a child of the caller, with the caller's user state; it runs when the caller waits
 * or its slice ends. */
static int start_thread(struct process *child)
{
    child->thread = thread_create("user", first_return, child);
    if (!child->thread)
        return -ENOMEM;
    child->thread->process = child;
    child->thread->space = child->space;
    thread_copy_user_state(child->thread);
    return 0;
}

uint64_t process_cpu_ns(const struct process *process)
{
    if (!process->thread)
        return process->cpu_ns;
    if (process->thread == current)
        thread_yield(); /* which brings the account up to date */
    return process->thread->cpu_ns;
}

long process_fork(struct regs *regs, const struct fork_args *args)
{
    struct process *parent = current_process();

    if (args->flags & ~(uint64_t)SUPPORTED_FLAGS ||
        (args->flags & CLONE_VM && !(args->flags & CLONE_VFORK)))
        return -EINVAL; /* threads, and processes that share memory for long */
    struct process *child = process_new();
    if (!child)
        return -EAGAIN;
    int error = inherit(child, parent, args->flags);
    if (!error) {
        child->space = args->flags & CLONE_VM ? parent->space : space_clone(parent->space);
        error = child->space ? 0 : -ENOMEM;
    }
    child->start = *regs;
    child->start.rax = 0;
    if (args->stack)
        child->start.rsp = args->stack;
    if (!error)
        error = start_thread(child);
    if (error) {
        drop_unborn(child);
        return error;
    }
    if (args->flags & CLONE_SETTLS)
        child->thread->fs_base = args->tls;
    if (args->flags & CLONE_CHILD_CLEARTID)
        child->clear_child_tid = args->child_tid;
    if (args->flags & CLONE_CHILD_SETTID)
        space_write(child->space, args->child_tid, &child->pid, sizeof(child->pid));
    adopt(parent, child);
    int pid = child->pid; /* it may be gone when the wait is over */
    if (args->flags & CLONE_PARENT_SETTID)
        copy_to_user(args->parent_tid, &pid, sizeof(pid));
    if (args->flags & CLONE_VFORK)
        parent->vfork_child = child;
    wait_for_vfork(parent);
    return pid;
}

/* Limits that mean something here; the others are infinite. */
static void set_limits(struct process *process)
{
    for (int i = 0; i < RLIM_NLIMITS; i++)
        process->limits[i] = (struct rlimit64){RLIM64_INFINITY, RLIM64_INFINITY};
    process->limits[RLIMIT_STACK].rlim_cur = 8ul << 20;
    process->limits[RLIMIT_CORE].rlim_cur = 0;
    process->limits[RLIMIT_NOFILE] = (struct rlimit64){FILES_MAX, FILES_MAX};
    process->limits[RLIMIT_NPROC] = (struct rlimit64){process_limit(), process_limit()};
}

static void run_init(void *path)
{
    struct process *process = current_process();
    struct exec_args *args = kmalloc(sizeof(*args));
    int error = -ENOMEM;

    if (args) {
        exec_args_init(args);
        error = exec_args_push(args, path); /* AT_EXECFN */
        args->argc = 0;
        if (!error)
            error = exec_args_push(args, path);
        if (!error)
            error = exec_program(&process->start, path, args);
        exec_args_free(args);
        kfree(args);
    }
    if (error)
        panic("cannot run %s: error %d", (const char *)path, -error);
    first_return(process);
}

void process_start_init(const char *path)
{
    struct process *process = process_new();

    if (process)
        process->files = files_new();
    if (!process || !process->files)
        panic("no memory for the first process");
    process->cwd = inode_get(root_inode);
    process->pid = process->pgid = process->sid = 1;
    last_pid = 1;
    process->umask = 022;
    process->altstack.ss_flags = SS_DISABLE;
    set_limits(process);
    process->thread = thread_create("init", run_init, (void *)path);
    if (!process->thread)
        panic("no memory for the first process");
    process->thread->process = process;
}
