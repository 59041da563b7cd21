/* SPDX-License-Identifier: MIT */
/*
 * The end of processes: exit, orphans, and wait. An ended process gives everything back at once and
 * stays as a zombie, a struct with a status, until its parent has waited; when the parent ignores
 * SIGCHLD it does not even stay.
 */
#include <asm/errno.h>
#include <asm/siginfo.h>
#include <linux/wait.h>

#include "clock.h"
#include "file.h"
#include "inode.h"
#include "job.h"
#include "memory.h"
#include "print.h"
#include "process.h"
#include "reboot.h"
#include "signal.h"
#include "space.h"
#include "wait.h"

#define CONTINUED 0xffff /* WIFCONTINUED */

static void unlink_child(struct process *child)
{
    struct process **link = &child->parent->children;

    while (*link != child)
        link = &(*link)->sibling;
    *link = child->sibling;
}

/* Takes an ended child out of the world; its CPU time goes to the parent's account. */
static void reap(struct process *child)
{
    child->parent->waited_cpu_ns += child->cpu_ns + child->waited_cpu_ns;
    unlink_child(child);
    process_free(child);
}

static bool reaps_by_itself(const struct process *parent)
{
    const struct sigaction *action = &parent->action[SIGCHLD - 1];

    return action->sa_handler == SIG_IGN || action->sa_flags & SA_NOCLDWAIT;
}

void process_notify_parent(struct process *process, int code)
{
    struct process *parent = process->parent;
    const struct sigaction *action = &parent->action[SIGCHLD - 1];
    bool ended = code == CLD_EXITED || code == CLD_KILLED;

    if (ended || !(action->sa_flags & SA_NOCLDSTOP))
        signal_send_info(parent, SIGCHLD, code, process->pid, process->status);
    wake_all(&parent->children_queue);
}

/* Children of an ended process become init's, and those that have ended already are told anew. */
static void give_children_to_init(struct process *process)
{
    struct process *init = process_find(1), *next;

    for (struct process *child = process->children; child; child = next) {
        next = child->sibling;
        child->parent = init;
        child->sibling = init->children;
        init->children = child;
        if (child->state == PROCESS_ZOMBIE)
            process_notify_parent(child, CLD_EXITED);
    }
    process->children = NULL;
}

static void give_back(struct process *process)
{
    int zero = 0;

    if (process->clear_child_tid)
        copy_to_user(process->clear_child_tid, &zero, sizeof(zero));
    files_put(process->files);
    process->files = NULL;
    inode_put(process->cwd);
    process->cwd = NULL;
    execution_put(process->execution);
    process->execution = NULL;
    process_change_space(process, NULL);
}

void process_exit(int status)
{
    struct process *process = current_process();

    if (process->pid == 1) {
        kprintf("init ended with status %#x\n", status);
        reboot_crash();
    }
    process->cpu_ns = process_cpu_ns(process);
    give_back(process);
    process->state = PROCESS_ZOMBIE;
    process->status = status;
    process->alarm_ns = 0;
    job_process_exits(process);
    give_children_to_init(process);
    process->thread = NULL;
    current->process = NULL;
    struct process *parent = process->parent;
    process_notify_parent(process, status & 0x7f ? CLD_KILLED : CLD_EXITED);
    if (reaps_by_itself(parent))
        reap(process);
    thread_exit();
}

/* What wait reports of a child now; false: nothing. */
static bool has_news(struct process *child, int options, int *status)
{
    *status = child->status;
    if (child->state == PROCESS_ZOMBIE)
        return true;
    if (child->wait_stop && options & WUNTRACED) {
        child->wait_stop = false;
        return true;
    }
    if (child->wait_continue && options & WCONTINUED) {
        child->wait_continue = false;
        *status = CONTINUED;
        return true;
    }
    return false;
}

static bool is_meant(const struct process *child, int pid, const struct process *self)
{
    if (pid > 0)
        return child->pid == pid;
    if (pid == -1)
        return true;
    return child->pgid == (pid ? -pid : self->pgid);
}

/* 1: *found has news; 0: there are children but no news; -ECHILD: there is none to wait for. */
static int look(int pid, int options, struct process **found, int *status)
{
    struct process *self = current_process();
    int result = -ECHILD;

    for (struct process *child = self->children; child; child = child->sibling) {
        if (!is_meant(child, pid, self))
            continue;
        result = 0;
        if (has_news(child, options, status)) {
            *found = child;
            return 1;
        }
    }
    return result;
}

static int put_usage(uint64_t address, const struct process *child)
{
    struct rusage usage = {.ru_utime.tv_sec = 0};
    uint64_t microseconds = (child->cpu_ns + child->waited_cpu_ns) / 1000;

    usage.ru_utime.tv_sec = microseconds / 1000000;
    usage.ru_utime.tv_usec = microseconds % 1000000;
    return address && copy_to_user(address, &usage, sizeof(usage)) ? -EFAULT : 0;
}

long process_wait(int pid, uint64_t status_address, int options, uint64_t usage_address)
{
    struct process *self = current_process(), *child = NULL;
    int status, found;

    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WALL | __WNOTHREAD | __WCLONE))
        return -EINVAL;
    while (!(found = look(pid, options, &child, &status))) {
        if (options & WNOHANG)
            return 0;
        int error = wait_on(&self->children_queue);
        if (error)
            return error;
    }
    if (found < 0)
        return found;
    int result = child->pid;
    int error = put_usage(usage_address, child);
    if (child->state == PROCESS_ZOMBIE)
        reap(child);
    if (status_address && copy_to_user(status_address, &status, sizeof(status)))
        error = -EFAULT;
    return error ? error : result;
}
