/* SPDX-License-Identifier: MIT */
/* System calls of processes: fork, exec, exit, wait, identities, groups and sessions. */
#include <string.h>

#include <asm/errno.h>
#include <asm/prctl.h>
#include <asm/unistd_64.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/time_types.h>

#include "clock.h"
#include "exec.h"
#include "job.h"
#include "memory.h"
#include "space.h"
#include "syscall.h"
#include "trap.h"
#include "wait.h"

static long sys_fork(const struct call *c)
{
    const struct fork_args args = {.flags = SIGCHLD};
    return process_fork(c->regs, &args);
}

static long sys_vfork(const struct call *c)
{
    const struct fork_args args = {.flags = CLONE_VFORK | CLONE_VM | SIGCHLD};
    return process_fork(c->regs, &args);
}

static long sys_clone(const struct call *c)
{
    const struct fork_args args = {.flags = c->arg[0],
                                   .stack = c->arg[1],
                                   .parent_tid = c->arg[2],
                                   .child_tid = c->arg[3],
                                   .tls = c->arg[4]};
    return process_fork(c->regs, &args);
}

static long sys_execve(const struct call *c)
{
    struct exec_args *args = kmalloc(sizeof(*args));
    char *path;
    long result = args ? user_string(c->arg[0], &path) : -ENOMEM;

    if (!result) {
        exec_args_init(args);
        result = exec_args_push_user(args, c->arg[0], c->arg[1], c->arg[2]);
        if (!result)
            result = exec_program(c->regs, path, args);
        exec_args_free(args);
        page_free(path);
    }
    kfree(args);
    return result;
}

static long sys_exit(const struct call *c)
{
    process_exit(status_exited(c->arg[0]));
}

static long sys_wait4(const struct call *c)
{
    return process_wait(c->arg[0], c->arg[1], c->arg[2], c->arg[3]);
}

static long sys_getpid(const struct call *c)
{
    (void)c;
    return current_process()->pid;
}

static long sys_getppid(const struct call *c)
{
    (void)c;
    return current_process()->parent ? current_process()->parent->pid : 0;
}

/* There is one user: root. */
static long sys_zero(const struct call *c)
{
    (void)c;
    return 0;
}

/* setuid and its kin: root may become root. */
static long sys_become_root(const struct call *c)
{
    return !c->arg[0] || (int)c->arg[0] == -1 ? 0 : -EPERM;
}

static long sys_getresuid(const struct call *c)
{
    uint32_t zero = 0;

    for (int i = 0; i < 3; i++)
        if (copy_to_user(c->arg[i], &zero, sizeof(zero)))
            return -EFAULT;
    return 0;
}

static long sys_setpgid(const struct call *c)
{
    return job_set_group(c->arg[0], c->arg[1]);
}

static long sys_getpgid(const struct call *c)
{
    return job_group_of(c->arg[0]);
}

static long sys_getpgrp(const struct call *c)
{
    (void)c;
    return current_process()->pgid;
}

static long sys_getsid(const struct call *c)
{
    return job_session_of(c->arg[0]);
}

static long sys_setsid(const struct call *c)
{
    (void)c;
    return job_new_session();
}

static long sys_arch_prctl(const struct call *c)
{
    switch (c->arg[0]) {
    case ARCH_SET_FS:
        if (c->arg[1] >= USER_END)
            return -EPERM;
        thread_set_fs_base(c->arg[1]);
        return 0;
    case ARCH_GET_FS:
        return copy_to_user(c->arg[1], &current->fs_base, sizeof(current->fs_base)) ? -EFAULT : 0;
    }
    return -EINVAL;
}

static long sys_prctl(const struct call *c)
{
    struct process *process = current_process();
    char name[NAME_LENGTH] = "";

    switch (c->arg[0]) {
    case PR_SET_NAME:
        if (string_from_user(name, c->arg[1], NAME_LENGTH) == -EFAULT)
            return -EFAULT;
        name[NAME_LENGTH - 1] = '\0';
        memcpy(process->name, name, NAME_LENGTH);
        return 0;
    case PR_GET_NAME:
        return copy_to_user(c->arg[1], process->name, NAME_LENGTH) ? -EFAULT : 0;
    case PR_SET_DUMPABLE:
    case PR_SET_KEEPCAPS:
        return 0;
    case PR_GET_DUMPABLE:
        return 1;
    }
    return -EINVAL;
}

static long sys_set_tid_address(const struct call *c)
{
    current_process()->clear_child_tid = c->arg[0];
    return current_process()->pid;
}

/* A process has one thread, so a robust list has no reader. */
static long sys_set_robust_list(const struct call *c)
{
    return c->arg[1] == 24 ? 0 : -EINVAL;
}

/* All waiters share one queue: they wake too often, which futex(2) allows, and never too rarely.
 * Only processes that share a mapping can meet here at all. */
static struct wait_queue futex_queue;
static long futex_sleepers;

static long futex_wait(uint64_t address, uint32_t expected, uint64_t timeout)
{
    struct __kernel_timespec time;
    uint64_t deadline = 0;
    uint32_t value;

    if (timeout && copy_from_user(&time, timeout, sizeof(time)))
        return -EFAULT;
    if (timeout)
        deadline = clock_monotonic_ns() + time.tv_sec * 1000000000ull + time.tv_nsec;
    if (copy_from_user(&value, address, sizeof(value)))
        return -EFAULT;
    if (value != expected)
        return -EAGAIN;
    futex_sleepers++;
    int error = wait_until(&futex_queue, deadline);
    futex_sleepers--;
    return error;
}

static long sys_futex(const struct call *c)
{
    long woken = (int)c->arg[2] < futex_sleepers ? (int)c->arg[2] : futex_sleepers;

    switch (c->arg[1] & FUTEX_CMD_MASK) {
    case FUTEX_WAKE:
        wake_all(&futex_queue);
        return woken;
    case FUTEX_WAIT:
        return futex_wait(c->arg[0], c->arg[2], c->arg[3]);
    }
    return -ENOSYS;
}

static long sys_sched_yield(const struct call *c)
{
    (void)c;
    thread_yield();
    return 0;
}

const struct call_entry process_calls[] = {
    {__NR_fork, sys_fork, RESTART_NEVER},
    {__NR_vfork, sys_vfork, RESTART_NEVER},
    {__NR_clone, sys_clone, RESTART_NEVER},
    {__NR_execve, sys_execve, RESTART_NEVER},
    {__NR_exit, sys_exit, RESTART_NEVER},
    {__NR_exit_group, sys_exit, RESTART_NEVER},
    {__NR_wait4, sys_wait4, RESTART_FLAG},
    {__NR_getpid, sys_getpid, RESTART_NEVER},
    {__NR_gettid, sys_getpid, RESTART_NEVER},
    {__NR_getppid, sys_getppid, RESTART_NEVER},
    {__NR_getuid, sys_zero, RESTART_NEVER},
    {__NR_geteuid, sys_zero, RESTART_NEVER},
    {__NR_getgid, sys_zero, RESTART_NEVER},
    {__NR_getegid, sys_zero, RESTART_NEVER},
    {__NR_getgroups, sys_zero, RESTART_NEVER},
    {__NR_setgroups, sys_zero, RESTART_NEVER},
    {__NR_setuid, sys_become_root, RESTART_NEVER},
    {__NR_setgid, sys_become_root, RESTART_NEVER},
    {__NR_setreuid, sys_become_root, RESTART_NEVER},
    {__NR_setregid, sys_become_root, RESTART_NEVER},
    {__NR_setresuid, sys_become_root, RESTART_NEVER},
    {__NR_setresgid, sys_become_root, RESTART_NEVER},
    {__NR_getresuid, sys_getresuid, RESTART_NEVER},
    {__NR_getresgid, sys_getresuid, RESTART_NEVER},
    {__NR_setpgid, sys_setpgid, RESTART_NEVER},
    {__NR_getpgid, sys_getpgid, RESTART_NEVER},
    {__NR_getpgrp, sys_getpgrp, RESTART_NEVER},
    {__NR_getsid, sys_getsid, RESTART_NEVER},
    {__NR_setsid, sys_setsid, RESTART_NEVER},
    {__NR_arch_prctl, sys_arch_prctl, RESTART_NEVER},
    {__NR_prctl, sys_prctl, RESTART_NEVER},
    {__NR_set_tid_address, sys_set_tid_address, RESTART_NEVER},
    {__NR_set_robust_list, sys_set_robust_list, RESTART_NEVER},
    {__NR_futex, sys_futex, RESTART_FLAG},
    {__NR_sched_yield, sys_sched_yield, RESTART_NEVER},
    {0},
};
