/* SPDX-License-Identifier: MIT */
/* The contents of /proc, in the formats of proc(5). Fields that pvguest has no number for are 0. */
#include "proc_text.h"

#include <stdarg.h>
#include <string.h>

#include <asm/errno.h>
#include <linux/utsname.h>

#include <pv/start.h>

#include "clock.h"
#include "memory.h"
#include "print.h"
#include "process.h"
#include "reboot.h"
#include "space.h"
#include "syscall.h"
#include "thread.h"
#include "tty.h"

#define TICK_NS 10000000ul /* USER_HZ is 100 */

static void __attribute__((format(printf, 2, 3)))
put(struct proc_text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    size_t room = PROC_TEXT_SIZE - text->size;
    size_t n = kvsnprintf(text->bytes + text->size, room, format, args);
    va_end(args);
    text->size += n < room ? n : room - 1;
}

static void put_bytes(struct proc_text *text, const char *bytes, size_t size)
{
    size_t room = PROC_TEXT_SIZE - text->size;

    size = size < room ? size : room;
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

static void show_cmdline(struct proc_text *text, const struct process *process)
{
    (void)process;
    put(text, "%s\n", (const char *)pv_start_info->cmd_line);
}

static void show_uptime(struct proc_text *text, const struct process *process)
{
    uint64_t hundredths = clock_monotonic_ns() / TICK_NS, idle = thread_idle_ns() / TICK_NS;

    (void)process;
    put(text, "%lu.%02lu %lu.%02lu\n", hundredths / 100, hundredths % 100, idle / 100, idle % 100);
}

static void show_meminfo(struct proc_text *text, const struct process *process)
{
    struct memory_info memory;

    (void)process;
    memory_info(&memory);
    put(text, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\n",
        memory.total * 4, memory.free * 4, memory.free * 4);
    put(text, "Buffers:        %8u kB\nCached:         %8u kB\n", 0, 0);
    put(text, "SwapTotal:      %8u kB\nSwapFree:       %8u kB\n", 0, 0);
}

static void show_mounts(struct proc_text *text, const struct process *process)
{
    (void)process;
    put(text, "rootfs / rootfs rw 0 0\nproc /proc proc rw 0 0\n");
}

static void show_version(struct proc_text *text, const struct process *process)
{
    const struct new_utsname *names = system_names();

    (void)process;
    put(text, "%s version %s %s\n", names->sysname, names->release, names->version);
}

static unsigned int count_running(void)
{
    unsigned int running = 0;

    for (const struct process *process = processes; process; process = process->next)
        running += process->thread && process->thread->state == THREAD_RUNNABLE;
    return running;
}

/* There is no load average: the processes that can run now stand in its place. */
static void show_loadavg(struct proc_text *text, const struct process *process)
{
    unsigned int running = count_running();

    (void)process;
    put(text, "%u.00 %u.00 %u.00 %u/%u %d\n", running, running, running, running, process_count,
        processes->pid);
}

static void show_stat(struct proc_text *text, const struct process *process)
{
    uint64_t up = clock_monotonic_ns(), idle = thread_idle_ns(), wall = clock_wall_ns();
    uint64_t busy = up > idle ? up - idle : 0;

    (void)process;
    put(text, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\ncpu0 %lu 0 0 %lu 0 0 0 0 0 0\n", busy / TICK_NS,
        idle / TICK_NS, busy / TICK_NS, idle / TICK_NS);
    put(text, "btime %lu\nprocs_running %u\n", (wall - up) / 1000000000, count_running());
}

static void show_cpuinfo(struct proc_text *text, const struct process *process)
{
    uint32_t brand[13] = {0};

    (void)process;
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t *to = &brand[4 * i];
        __asm__ volatile("cpuid"
                         : "=a"(to[0]), "=b"(to[1]), "=c"(to[2]), "=d"(to[3])
                         : "a"(0x80000002 + i), "c"(0));
    }
    put(text, "processor\t: 0\nmodel name\t: %s\n\n", (const char *)brand);
}

static void show_filesystems(struct proc_text *text, const struct process *process)
{
    (void)process;
    put(text, "nodev\trootfs\nnodev\tproc\n");
}

static void show_nothing(struct proc_text *text, const struct process *process)
{
    (void)text, (void)process;
}

/* sysrq(4): 'c' crashes, 'b' restarts, 'o' powers off. */
static int write_sysrq(char byte)
{
    switch (byte) {
    case 'c':
        reboot_crash();
    case 'b':
        reboot_restart();
    case 'o':
        reboot_power_off();
    }
    return 0;
}

static char state_letter(const struct process *process)
{
    switch (process->state) {
    case PROCESS_STOPPED:
        return 'T';
    case PROCESS_ZOMBIE:
        return 'Z';
    default:
        return process->thread && process->thread->state == THREAD_RUNNABLE ? 'R' : 'S';
    }
}

static uint64_t pages(const struct process *process)
{
    return process->space ? space_resident(process->space) : 0;
}

static void show_process_stat(struct proc_text *text, const struct process *process)
{
    const struct process *parent = process->parent;
    int tty = process->sid > 0 && tty_is_controlling(process->sid) ? 5 << 8 | 1 : 0;

    put(text, "%d (%s) %c %d %d %d %d -1 0 0 0 0 0 ", process->pid, process->name,
        state_letter(process), parent ? parent->pid : 0, process->pgid, process->sid, tty);
    put(text, "%lu 0 %lu 0 20 0 1 0 %lu ",
        (process->thread ? process->thread->cpu_ns : process->cpu_ns) / TICK_NS,
        process->waited_cpu_ns / TICK_NS, process->start_ns / TICK_NS);
    put(text, "%lu %lu 18446744073709551615 0 0 0 0 0 ", pages(process) * 4096, pages(process));
    put(text, "%lu %lu 0 0 0 0 0 17 0 0 0 0 0 0\n", process->pending, process->blocked);
}

static void show_process_status(struct proc_text *text, const struct process *process)
{
    put(text, "Name:\t%s\nState:\t%c\nPid:\t%d\nPPid:\t%d\n", process->name, state_letter(process),
        process->pid, process->parent ? process->parent->pid : 0);
    put(text, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nVmSize:\t%8lu kB\nVmRSS:\t%8lu kB\n",
        pages(process) * 4, pages(process) * 4);
    put(text, "Threads:\t1\nSigPnd:\t%016lx\nSigBlk:\t%016lx\n", process->pending,
        process->blocked);
}

static void show_process_statm(struct proc_text *text, const struct process *process)
{
    put(text, "%lu %lu 0 0 0 0 0\n", pages(process), pages(process));
}

static void show_process_cmdline(struct proc_text *text, const struct process *process)
{
    if (process->execution)
        put_bytes(text, process->execution->arguments, process->execution->arguments_size);
}

static void show_process_comm(struct proc_text *text, const struct process *process)
{
    put(text, "%s\n", process->name);
}

const struct proc_file proc_system_files[] = {
    {"cmdline", show_cmdline, NULL},
    {"cpuinfo", show_cpuinfo, NULL},
    {"filesystems", show_filesystems, NULL},
    {"loadavg", show_loadavg, NULL},
    {"meminfo", show_meminfo, NULL},
    {"mounts", show_mounts, NULL},
    {"stat", show_stat, NULL},
    {"sysrq-trigger", show_nothing, write_sysrq},
    {"uptime", show_uptime, NULL},
    {"version", show_version, NULL},
    {0},
};

const struct proc_file proc_process_files[] = {
    {"cmdline", show_process_cmdline, NULL},
    {"comm", show_process_comm, NULL},
    {"mounts", show_mounts, NULL},
    {"stat", show_process_stat, NULL},
    {"statm", show_process_statm, NULL},
    {"status", show_process_status, NULL},
    {0},
};
