/* SPDX-License-Identifier: MIT */
/*
 * Processes: one thread, one address space, descriptors, signals, and a place in the family tree.
 *
 * process-life: a process is on the list of all from fork until its parent has waited for it. When
 * it ends, exit gives back everything but the struct itself; its children go to init (pid 1).
 */
#ifndef PVGUEST_PROCESS_H
#define PVGUEST_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/signal.h>
#include <linux/resource.h>

#include "thread.h"
#include "trap.h"

#define PID_MAX 32768
#define SIGNALS 64
#define NAME_LENGTH 16 /* of prctl(PR_SET_NAME), with the NUL */

struct files;
struct inode;
struct space;

enum process_state { PROCESS_ALIVE, PROCESS_STOPPED, PROCESS_ZOMBIE };

/* How a system call that a signal interrupted goes on after the signal. */
enum restart {
    RESTART_NEVER,   /* -EINTR */
    RESTART_FLAG,    /* again if no handler ran or the handler has SA_RESTART */
    RESTART_IGNORED, /* again only if no handler ran */
};

/* What /proc tells of a program: shared by the processes that fork makes of it. */
struct execution {
    unsigned int refs;
    char *path; /* absolute */
    size_t arguments_size;
    char arguments[256]; /* as many as fit, each with its NUL */
};

struct process {
    int pid, pgid, sid;
    struct process *next; /* of all */
    struct process *parent, *children, *sibling;
    enum process_state state;
    int status;                       /* for wait: of the exit, or of the last stop */
    bool wait_stop;                   /* stopped and nobody has been told yet */
    bool wait_continue;               /* the same for continued */
    bool has_executed;                /* setpgid of the parent is too late */
    struct process *vfork_child;      /* that uses this one's memory until its exec or exit */
    struct wait_queue children_queue; /* wait4 of this process */
    struct wait_queue vfork_queue;    /* this process in vfork */
    struct wait_queue stop_queue;     /* this process while stopped */

    struct thread *thread;
    struct regs start; /* registers of its first return to user mode */
    struct space *space;
    struct files *files;
    struct inode *cwd;
    unsigned int umask;
    char name[NAME_LENGTH];
    struct execution *execution; /* the program it runs */
    uint64_t start_ns;
    uint64_t clear_child_tid;
    uint64_t cpu_ns;        /* used, once it has ended */
    uint64_t waited_cpu_ns; /* of the children waited for */
    struct rlimit64 limits[RLIM_NLIMITS];

    sigset_t pending, blocked;
    sigset_t forced;        /* of those pending: faults, which init cannot ignore either */
    sigset_t saved_blocked; /* by sigsuspend, ppoll: restored when the signal has been handled */
    bool restore_blocked;
    struct sigaction action[SIGNALS];
    struct siginfo_kernel {
        int code, pid;
        uint64_t address;
    } info[SIGNALS];
    stack_t altstack;
    uint64_t alarm_ns, alarm_interval_ns; /* of setitimer(ITIMER_REAL); 0: none */

    long syscall_number; /* of an interrupted call, with `restart` */
    enum restart restart;
    uint64_t sleep_until; /* end of an interrupted relative sleep or poll, while it restarts */
};

extern struct process *processes; /* all, the youngest first */
extern unsigned int process_count;

/* The process of the running thread; NULL in kernel threads. */
static inline struct process *current_process(void)
{
    return current->process;
}

/* CPU time, up to now when it is the caller's own. */
uint64_t process_cpu_ns(const struct process *process);
struct process *process_find(int pid);

/* Starts pid 1, a thread that runs the program; panics when it cannot. */
void process_start_init(const char *path);

struct fork_args { /* of clone(2) */
    uint64_t flags, stack, parent_tid, child_tid, tls;
};

/* A copy of the caller that returns 0 from the same call; its pid or -errno. */
/* The process gets other memory, or none; the vfork parent whose memory it used goes on. */
void process_change_space(struct process *process, struct space *space);
long process_fork(struct regs *regs, const struct fork_args *args);
void execution_put(struct execution *execution);
/* Takes a process that has neither thread nor memory off the list. */
void process_free(struct process *process);
/* Ends the caller; `status` as wait reports it. */
void process_exit(int status) __attribute__((noreturn));
long process_wait(int pid, uint64_t status_address, int options, uint64_t usage_address);
/* The vfork parent may go on: the child has its own space now, or is gone. */
void process_release_parent(struct process *process);
/* Tells the parent that the process stopped, continued or ended. */
void process_notify_parent(struct process *process, int code);

static inline int status_exited(int code)
{
    return (code & 0xff) << 8;
}

static inline int status_stopped(int signal)
{
    return signal << 8 | 0x7f;
}

#endif
