/* SPDX-License-Identifier: MIT */
/* Process groups and sessions: the sets of processes that job control moves about. */
#ifndef PVGUEST_JOB_H
#define PVGUEST_JOB_H

#include <stdbool.h>

struct process;

long job_set_group(int pid, int group);
long job_group_of(int pid);
long job_session_of(int pid);
long job_new_session(void);
/* The session of a group's members; 0: there is no such group. */
int job_session_of_group(int group);
/* No member has a parent in the same session but another group, who could continue it. */
bool job_is_orphaned(int group);
/* A process ends: groups that become orphaned with stopped members get SIGHUP and SIGCONT. */
void job_process_exits(struct process *process);

#endif
