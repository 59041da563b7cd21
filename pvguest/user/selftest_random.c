/* SPDX-License-Identifier: MIT */
/*
 * Self-test: system calls with random numbers and arguments. There is no right answer to compare
 * with; the kernel has to survive, and to go on serving others. The seed is printed. Nothing is
 * called on another kernel than pvguest: the machine of who runs this by hand may matter.
 */
#define _GNU_SOURCE
#include "selftest.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define CALLS 20000

/* Calls that would reach beyond the process: those that end it, that make or signal others, that
 * leave the test's process group, that change the system. */
static const int excluded[] = {
    SYS_exit,
    SYS_exit_group,
    SYS_fork,
    SYS_vfork,
    SYS_clone,
    SYS_clone3,
    SYS_kill,
    SYS_tkill,
    SYS_tgkill,
    SYS_rt_sigqueueinfo,
    SYS_reboot,
    SYS_setsid,
    SYS_setpgid,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_setitimer,
    SYS_alarm,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_prlimit64,
    SYS_setrlimit,
    SYS_execve,
    SYS_execveat,
    SYS_mount,
    SYS_umount2,
    SYS_chroot,
    SYS_pivot_root,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_rt_sigreturn,
    SYS_munmap,
    SYS_mremap,
    SYS_arch_prctl,
    SYS_unlink,
    SYS_rmdir,
    SYS_unlinkat,
    SYS_rename,
    SYS_renameat,
    SYS_renameat2,
    SYS_ioctl,
    SYS_mprotect,
    SYS_brk,
    SYS_rt_sigtimedwait,
};

static uint64_t state;

static uint64_t random_word(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static char *area;

static uint64_t random_argument(void)
{
    static const uint64_t nasty[] = {
        0,
        1,
        2,
        3,
        7,
        8,
        0xfff,
        4096,
        0x7fffffff,
        0x80000000,
        0xffffffff,
        0x100000000,
        0x7fffffffffff,
        0x800000000000,
        0xffff800000000000,
        0xffff888000000000,
        0xffffffff80000000,
        0x7fffffffffffffff,
        0x8000000000000000,
        -1ull,
        -4096ull,
        -100ull,
    };

    switch (random_word() % 4) {
    case 0:
        return nasty[random_word() % (sizeof(nasty) / sizeof(nasty[0]))];
    case 1:
        return (uint64_t)area + random_word() % 16384; /* the last bytes reach out of it */
    case 2:
        return random_word() % 64;
    default:
        return random_word();
    }
}

static int is_excluded(long number)
{
    for (size_t i = 0; i < sizeof(excluded) / sizeof(excluded[0]); i++)
        if (excluded[i] == number)
            return 1;
    return 0;
}

static void note(int signal)
{
    (void)signal;
}

static void call_at_random(void)
{
    struct sigaction action = {.sa_handler = note};
    struct itimerval interval = {{0, 5000}, {0, 5000}};

    area = mmap(NULL, 20480, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(area + 12288, 4096, PROT_READ);
    mprotect(area + 16384, 4096, PROT_NONE);
    strcpy(area, "/tmp/random");
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &interval, NULL); /* ends calls that wait */
    for (int i = 0; i < 8; i++) { /* the terminal would stop a background process that reads it */
        close(i);
        open(i % 2 ? "/dev/zero" : "/tmp", O_RDONLY);
    }
    for (int i = 0; i < CALLS; i++) {
        long number = random_word() % 340;
        uint64_t a[6];
        if (is_excluded(number))
            continue;
        for (int j = 0; j < 6; j++)
            a[j] = random_argument();
        syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
}

static void do_nothing(void)
{
}

static void random_calls(void)
{
    uint64_t seed = now_ns() | 1;
    struct utsname name;

    if (uname(&name) || !strstr(name.release, "pvguest")) {
        printf("    skipped: this is not pvguest\n");
        return;
    }
    printf("    seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 4; round++) {
        state = seed + round;
        int status = in_child(call_at_random);
        CHECK(WIFEXITED(status) || WIFSIGNALED(status));
    }
    CHECK(in_child(do_nothing) == 0);
}

const struct test random_tests[] = {
    {"random: system calls", random_calls},
    {0},
};
