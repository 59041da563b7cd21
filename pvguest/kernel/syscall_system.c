/* SPDX-License-Identifier: MIT */
/* System calls about the whole system: names, limits, memory, random bytes, ending it. */
#include <string.h>

#include <asm/errno.h>
#include <asm/unistd_64.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>

#include "clock.h"
#include "device.h"
#include "file.h"
#include "memory.h"
#include "print.h"
#include "reboot.h"
#include "space.h"
#include "syscall.h"
#include "thread.h"

#define RANDOM_MAX 33554431ul /* of one getrandom, as on Linux */

/* sysname is what programs compare with; release says what this really is. */
static struct new_utsname names = {
    .sysname = "Linux",
    .nodename = "pvguest",
    .release = "6.1.0-pvguest",
    .version = "pvguest, a small kernel with Linux's system calls",
    .machine = "x86_64",
    .domainname = "(none)",
};

const struct new_utsname *system_names(void)
{
    return &names;
}

static long sys_uname(const struct call *c)
{
    return copy_to_user(c->arg[0], &names, sizeof(names)) ? -EFAULT : 0;
}

static long set_name(char *name, uint64_t address, uint64_t length)
{
    char copy[__NEW_UTS_LEN + 1] = "";

    if (length > __NEW_UTS_LEN)
        return -EINVAL;
    if (copy_from_user(copy, address, length))
        return -EFAULT;
    memcpy(name, copy, sizeof(copy));
    return 0;
}

static long sys_sethostname(const struct call *c)
{
    return set_name(names.nodename, c->arg[0], c->arg[1]);
}

static long sys_setdomainname(const struct call *c)
{
    return set_name(names.domainname, c->arg[0], c->arg[1]);
}

static long sys_sysinfo(const struct call *c)
{
    struct memory_info memory;
    struct sysinfo info;

    memory_info(&memory);
    memset(&info, 0, sizeof(info));
    info.uptime = clock_monotonic_ns() / 1000000000;
    info.totalram = memory.total;
    info.freeram = memory.free;
    info.mem_unit = PAGE_SIZE;
    info.procs = process_count;
    return copy_to_user(c->arg[0], &info, sizeof(info)) ? -EFAULT : 0;
}

static long sys_getrandom(const struct call *c)
{
    uint64_t size = c->arg[1] < RANDOM_MAX ? c->arg[1] : RANDOM_MAX, done = 0;
    char bytes[256];

    if (c->arg[2] & ~(uint64_t)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    while (done < size) {
        size_t n = size - done < sizeof(bytes) ? size - done : sizeof(bytes);
        random_bytes(bytes, n);
        if (copy_to_user(c->arg[0] + done, bytes, n))
            return done ? (long)done : -EFAULT;
        done += n;
    }
    return done;
}

static long limit(int pid, uint64_t resource, uint64_t new, uint64_t old)
{
    struct process *process = pid ? process_find(pid) : current_process();
    struct rlimit64 value;

    if (resource >= RLIM_NLIMITS)
        return -EINVAL;
    if (!process)
        return -ESRCH;
    if (new &&copy_from_user(&value, new, sizeof(value)))
        return -EFAULT;
    if (new &&value.rlim_cur > value.rlim_max)
        return -EINVAL;
    if (old && copy_to_user(old, &process->limits[resource], sizeof(value)))
        return -EFAULT;
    if (new)
        process->limits[resource] = value;
    return 0;
}

static long sys_prlimit64(const struct call *c)
{
    return limit(c->arg[0], c->arg[1], c->arg[2], c->arg[3]);
}

static long sys_getrlimit(const struct call *c)
{
    return limit(0, c->arg[0], 0, c->arg[1]);
}

static long sys_setrlimit(const struct call *c)
{
    return limit(0, c->arg[0], c->arg[1], 0);
}

static long sys_getrusage(const struct call *c)
{
    const struct process *process = current_process();
    struct rusage usage;

    if ((int)c->arg[0] != RUSAGE_SELF && (int)c->arg[0] != RUSAGE_CHILDREN)
        return -EINVAL;
    uint64_t ns = (int)c->arg[0] == RUSAGE_SELF ? process_cpu_ns(process) : process->waited_cpu_ns;
    memset(&usage, 0, sizeof(usage));
    usage.ru_utime.tv_sec = ns / 1000000000;
    usage.ru_utime.tv_usec = ns % 1000000000 / 1000;
    return copy_to_user(c->arg[1], &usage, sizeof(usage)) ? -EFAULT : 0;
}

static long sys_umask(const struct call *c)
{
    struct process *process = current_process();
    unsigned int old = process->umask;

    process->umask = c->arg[0] & 0777;
    return old;
}

static long sys_reboot(const struct call *c)
{
    uint32_t magic2 = c->arg[1];

    if ((uint32_t)c->arg[0] != LINUX_REBOOT_MAGIC1 ||
        (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
         magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
        return -EINVAL;
    switch ((uint32_t)c->arg[2]) {
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF:
        return 0; /* there is no Ctrl-Alt-Del to take notice of it */
    case LINUX_REBOOT_CMD_RESTART:
        reboot_restart();
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF:
        reboot_power_off();
    }
    return -EINVAL;
}

/* There is nothing to write back. */
static long sys_sync(const struct call *c)
{
    (void)c;
    return 0;
}

const struct call_entry system_calls[] = {
    {__NR_uname, sys_uname, RESTART_NEVER},
    {__NR_sethostname, sys_sethostname, RESTART_NEVER},
    {__NR_setdomainname, sys_setdomainname, RESTART_NEVER},
    {__NR_sysinfo, sys_sysinfo, RESTART_NEVER},
    {__NR_getrandom, sys_getrandom, RESTART_NEVER},
    {__NR_prlimit64, sys_prlimit64, RESTART_NEVER},
    {__NR_getrlimit, sys_getrlimit, RESTART_NEVER},
    {__NR_setrlimit, sys_setrlimit, RESTART_NEVER},
    {__NR_getrusage, sys_getrusage, RESTART_NEVER},
    {__NR_umask, sys_umask, RESTART_NEVER},
    {__NR_reboot, sys_reboot, RESTART_NEVER},
    {__NR_sync, sys_sync, RESTART_NEVER},
    {0},
};
