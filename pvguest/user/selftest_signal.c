/* SPDX-License-Identifier: MIT */
/* Self-test: handlers, masks, restart, stop and continue, the FPU across handlers. */
#include "selftest.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static volatile sig_atomic_t count, last;

static void note(int signal)
{
    count++;
    last = signal;
}

static void on(int signal, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    CHECK(!sigaction(signal, &action, NULL));
}

static void handler_runs(void)
{
    on(SIGUSR1, note, 0);
    CHECK(!raise(SIGUSR1));
    CHECK(count == 1 && last == SIGUSR1);
    on(SIGUSR1, note, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction old;
    CHECK(!sigaction(SIGUSR1, NULL, &old) && old.sa_handler == SIG_DFL);
    CHECK(kill(getpid(), 65) == -1 && errno == EINVAL);
    struct sigaction refused = {.sa_handler = note};
    CHECK(sigaction(SIGKILL, &refused, NULL) == -1 && errno == EINVAL);
}

static void mask_holds_back(void)
{
    sigset_t set, pending, old;

    on(SIGUSR1, note, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK(!sigprocmask(SIG_BLOCK, &set, &old));
    raise(SIGUSR1);
    raise(SIGUSR1);
    CHECK(count == 0);
    CHECK(!sigpending(&pending) && sigismember(&pending, SIGUSR1));
    CHECK(!sigprocmask(SIG_SETMASK, &old, NULL));
    CHECK(count == 1);
}

static void check_blocked(int signal)
{
    sigset_t now;

    sigprocmask(SIG_BLOCK, NULL, &now);
    count = sigismember(&now, signal) && sigismember(&now, SIGUSR2);
}

static void mask_in_handler(void)
{
    struct sigaction action = {.sa_handler = check_blocked};
    sigset_t now;

    sigaddset(&action.sa_mask, SIGUSR2);
    CHECK(!sigaction(SIGUSR1, &action, NULL));
    raise(SIGUSR1);
    CHECK(count == 1);
    CHECK(!sigprocmask(SIG_BLOCK, NULL, &now) && !sigismember(&now, SIGUSR1));
}

static void on_info(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    last = info->si_pid == getpid() && info->si_code <= 0;
}

static void info_is_filled(void)
{
    struct sigaction action = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO};

    CHECK(!sigaction(SIGUSR1, &action, NULL));
    kill(getpid(), SIGUSR1);
    CHECK(last == 1);
}

static pid_t signal_later(int signal, int milliseconds)
{
    pid_t parent = getpid(), child = fork();

    if (!child) {
        usleep(milliseconds * 1000);
        kill(parent, signal);
        _exit(0);
    }
    return child;
}

static void interrupts_read(void)
{
    int ends[2];
    char byte;

    CHECK(!pipe(ends));
    on(SIGUSR1, note, 0);
    signal_later(SIGUSR1, 50);
    CHECK(read(ends[0], &byte, 1) == -1 && errno == EINTR);
    CHECK(count == 1);
}

static void restarts_read(void)
{
    int ends[2];
    char byte = 0;

    CHECK(!pipe(ends));
    on(SIGUSR1, note, SA_RESTART);
    if (!fork()) {
        usleep(50000);
        kill(getppid(), SIGUSR1);
        usleep(50000);
        CHECK(write(ends[1], "z", 1) == 1);
        _exit(0);
    }
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'z');
    CHECK(count == 1);
}

static void interrupts_sleep(void)
{
    struct timespec left = {0};

    on(SIGUSR1, note, SA_RESTART);
    signal_later(SIGUSR1, 50);
    CHECK(nanosleep(&(struct timespec){.tv_sec = 5}, &left) == -1 && errno == EINTR);
    CHECK(left.tv_sec == 4 || left.tv_sec == 3);
}

static void suspend_waits(void)
{
    sigset_t block, old;

    on(SIGUSR1, note, 0);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, &old);
    raise(SIGUSR1);
    CHECK(count == 0);
    CHECK(sigsuspend(&old) == -1 && errno == EINTR && count == 1);
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    CHECK(sigismember(&now, SIGUSR1));
}

static void stop_and_continue(void)
{
    int status;
    pid_t child = fork();

    if (!child) {
        for (;;)
            pause();
    }
    kill(child, SIGSTOP);
    CHECK(waitpid(child, &status, WUNTRACED) == child);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    kill(child, SIGUSR1); /* would end it, but it is stopped */
    CHECK(waitpid(child, &status, WNOHANG) == 0);
    kill(child, SIGCONT);
    pid_t told = waitpid(child, &status, WCONTINUED);
    CHECK(told == child);
    if (WIFCONTINUED(status))
        CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
}

static void child_signal(void)
{
    on(SIGCHLD, note, 0);
    pid_t child = fork();
    if (!child)
        _exit(0);
    for (int i = 0; i < 1000 && !count; i++)
        usleep(1000);
    CHECK(count == 1 && last == SIGCHLD);
    CHECK(waitpid(child, NULL, 0) == child);
}

static void broken_pipe(void)
{
    int ends[2];

    CHECK(!pipe(ends));
    close(ends[0]);
    on(SIGPIPE, note, 0);
    CHECK(write(ends[1], "x", 1) == -1 && errno == EPIPE);
    CHECK(count == 1);
}

static char *alternate;

static void on_alternate(int signal)
{
    char here;

    count = &here > alternate && &here < alternate + 16384;
    last = signal;
}

static void alternate_stack(void)
{
    alternate = malloc(16384);
    stack_t stack = {.ss_sp = alternate, .ss_size = 16384}, old;

    CHECK(!sigaltstack(&stack, NULL));
    CHECK(!sigaltstack(NULL, &old) && old.ss_sp == alternate);
    on(SIGUSR1, on_alternate, SA_ONSTACK);
    raise(SIGUSR1);
    CHECK(count == 1);
}

static void use_fpu(int signal)
{
    volatile double x = signal;

    for (int i = 0; i < 100; i++)
        x = x * 1.5 - 1;
    __asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n\tpcmpeqd %%xmm9, %%xmm9" : : : "xmm0", "xmm9");
    count++;
}

/* Vector registers hold their values while handlers and other processes use theirs. */
static void fpu_is_kept(void)
{
    double a = 1.25, b = 1e300;
    struct itimerval interval = {{0, 2000}, {0, 2000}};

    on(SIGALRM, use_fpu, SA_RESTART);
    pid_t child = fork();
    if (!child)
        for (;;)
            use_fpu(1);
    CHECK(!setitimer(ITIMER_REAL, &interval, NULL));
    uint64_t end = now_ns() + 10000000000ull;
    while (count < 20 && now_ns() < end) {
        double x = a, y = b;
        __asm__ volatile("movq %0, %%xmm9\n\tmovq %1, %%xmm0\n\tmov $200000, %%ecx\n"
                         "1:\tdec %%ecx\n\tjnz 1b\n\tmovq %%xmm9, %0\n\tmovq %%xmm0, %1"
                         : "+r"(x), "+r"(y)
                         :
                         : "rcx", "xmm0", "xmm9", "cc");
        CHECK(x == 1.25 && y == 1e300);
    }
    CHECK(count >= 20);
    kill(child, SIGKILL);
}

static sigjmp_buf jump;

static void jump_out(int signal)
{
    siglongjmp(jump, signal);
}

static void fault_is_handled(void)
{
    int *volatile nowhere = (int *)8;

    for (volatile int round = 0; round < 3; round++) {
        on(SIGSEGV, jump_out, 0);
        int got = sigsetjmp(jump, 1);
        if (!got)
            *nowhere = 1;
        CHECK(got == SIGSEGV);
    }
    on(SIGFPE, jump_out, 0);
    int got = sigsetjmp(jump, 1);
    if (!got)
        __asm__ volatile("xor %%ecx, %%ecx\n\tidiv %%ecx" : : : "rax", "rcx", "rdx", "cc");
    CHECK(got == SIGFPE);
}

static void alarm_comes(void)
{
    uint64_t start = now_ns();

    on(SIGALRM, note, 0);
    struct itimerval once = {.it_value = {0, 100000}};
    CHECK(!setitimer(ITIMER_REAL, &once, NULL));
    pause();
    CHECK(count == 1 && now_ns() - start >= 90000000);
}

const struct test signal_tests[] = {
    {"signal: handler", handler_runs},
    {"signal: mask", mask_holds_back},
    {"signal: mask in a handler", mask_in_handler},
    {"signal: siginfo", info_is_filled},
    {"signal: interrupts read", interrupts_read},
    {"signal: SA_RESTART", restarts_read},
    {"signal: interrupts nanosleep", interrupts_sleep},
    {"signal: sigsuspend", suspend_waits},
    {"signal: stop and continue", stop_and_continue},
    {"signal: SIGCHLD", child_signal},
    {"signal: SIGPIPE", broken_pipe},
    {"signal: alternate stack", alternate_stack},
    {"signal: FPU registers survive", fpu_is_kept},
    {"signal: faults can be handled", fault_is_handled},
    {"signal: interval timer", alarm_comes},
    {0},
};
