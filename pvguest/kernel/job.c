/* SPDX-License-Identifier: MIT */
/*
 * Process groups and sessions. A group or session is nothing but the number its members carry; it
 * ends with its last member. Zombies still count as members until they have been waited for.
 */
#include "job.h"

#include <stddef.h>

#include <asm/errno.h>

#include "process.h"
#include "signal.h"
#include "tty.h"

int job_session_of_group(int group)
{
    for (struct process *process = processes; process; process = process->next)
        if (process->pgid == group)
            return process->sid;
    return 0;
}

/* The caller for 0, else the process with the number. */
static struct process *by_pid(int pid)
{
    return pid ? process_find(pid) : current_process();
}

/* setpgid(2): oneself or a child that has not called exec yet, within the session. */
long job_set_group(int pid, int group)
{
    struct process *self = current_process(), *process = by_pid(pid);

    if (group < 0)
        return -EINVAL;
    if (!process || (process != self && process->parent != self))
        return -ESRCH;
    if (process != self && process->has_executed)
        return -EACCES;
    if (process->sid != self->sid || process->sid == process->pid)
        return -EPERM;
    if (!group)
        group = process->pid;
    if (group != process->pid && job_session_of_group(group) != self->sid)
        return -EPERM;
    process->pgid = group;
    return 0;
}

long job_group_of(int pid)
{
    struct process *process = by_pid(pid);

    return process ? process->pgid : -ESRCH;
}

long job_session_of(int pid)
{
    struct process *process = by_pid(pid);

    return process ? process->sid : -ESRCH;
}

long job_new_session(void)
{
    struct process *self = current_process();

    if (job_session_of_group(self->pid))
        return -EPERM; /* leads a group already */
    self->pgid = self->sid = self->pid;
    return self->pid;
}

/* Whether the process keeps its group from being orphaned. */
static bool connects(const struct process *process)
{
    const struct process *parent = process->parent;

    return process->state != PROCESS_ZOMBIE && parent && parent->pid != 1 &&
           parent->pgid != process->pgid && parent->sid == process->sid;
}

bool job_is_orphaned(int group)
{
    for (struct process *process = processes; process; process = process->next)
        if (process->pgid == group && connects(process))
            return false;
    return true;
}

static bool has_stopped(int group)
{
    for (struct process *process = processes; process; process = process->next)
        if (process->pgid == group && process->state == PROCESS_STOPPED)
            return true;
    return false;
}

static void hang_up_if_orphaned(int group)
{
    if (!job_is_orphaned(group) || !has_stopped(group))
        return;
    signal_send_group(group, SIGHUP);
    signal_send_group(group, SIGCONT);
}

void job_process_exits(struct process *process)
{
    if (process->pid == process->sid)
        tty_session_exit(process->sid);
    hang_up_if_orphaned(process->pgid);
    for (struct process *child = process->children; child; child = child->sibling)
        hang_up_if_orphaned(child->pgid);
}
