/* SPDX-License-Identifier: MIT */
/* Self-test: what a bad program does to itself, and that it stays with itself. */
#include "selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* The compiler must not see that the addresses are bad. */
static uintptr_t address(uintptr_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

static void read_null(void)
{
    (void)*(volatile int *)address(0);
}

static void write_kernel(void)
{
    *(volatile long *)address(0xffffffff80001000) = 1;
}

static void read_kernel(void)
{
    (void)*(volatile long *)address(0xffffffff80001000);
}

static void write_hypervisor(void)
{
    *(volatile long *)address(0xffff830000000000) = 1;
}

static void read_non_canonical(void)
{
    (void)*(volatile long *)address(0x800000000000);
}

static void write_text(void)
{
    *(volatile char *)read_null = 1;
}

static void run_data(void)
{
    static char code[] = {0xc3};
    ((void (*)(void))(uintptr_t)code)();
}

static void jump_to_kernel(void)
{
    ((void (*)(void))address(0xffffffff80001000))();
}

static void jump_wild(void)
{
    ((void (*)(void))address(0x8000123456789abc))();
}

static volatile int sink;

static int recurse(int depth)
{
    volatile char frame[1024];

    frame[0] = depth;
    return sink ? 0 : recurse(depth + 1) + frame[0];
}

static void overflow_stack(void)
{
    sink = recurse(0);
}

static void undefined(void)
{
    __asm__ volatile("ud2");
}

static void privileged(void)
{
    __asm__ volatile("hlt");
}

static void port_access(void)
{
    __asm__ volatile("outb %%al, $0x80" : : "a"(0));
}

static void disable_interrupts(void)
{
    __asm__ volatile("cli");
}

static void divide(void)
{
    __asm__ volatile("xor %%ecx, %%ecx\n\tidiv %%ecx" : : : "rax", "rcx", "rdx", "cc");
}

static void breakpoint(void)
{
    __asm__ volatile("int3");
}

static void bad_return_frame(void)
{
    __asm__ volatile("mov $0x1000, %%rsp\n\tmov $15, %%eax\n\tsyscall" : : : "memory");
}

/* rt_sigreturn with a frame of nonsense: every byte 0xff. */
static void nonsense_frame(void)
{
    static char frame[8192] __attribute__((aligned(64)));

    memset(frame, 0xff, sizeof(frame));
    __asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tsyscall" : : "r"(frame + 64) : "memory");
}

static void software_interrupts(void)
{
    __asm__ volatile("int $0x81");
}

static void load_selector(void)
{
    __asm__ volatile("mov %0, %%ds" : : "r"(0x1234));
}

static const struct fault {
    const char *name;
    void (*run)(void);
    int signal, other;
} faults[] = {
    {"read of NULL", read_null, SIGSEGV, 0},
    {"write to the kernel", write_kernel, SIGSEGV, 0},
    {"read of the kernel", read_kernel, SIGSEGV, 0},
    {"write to the hypervisor", write_hypervisor, SIGSEGV, 0},
    {"read of a non-canonical address", read_non_canonical, SIGSEGV, SIGBUS},
    {"write to text", write_text, SIGSEGV, 0},
    {"run of data", run_data, SIGSEGV, 0},
    {"jump to the kernel", jump_to_kernel, SIGSEGV, 0},
    {"jump to a non-canonical address", jump_wild, SIGSEGV, SIGBUS},
    {"stack overflow", overflow_stack, SIGSEGV, 0},
    {"ud2", undefined, SIGILL, 0},
    {"hlt", privileged, SIGSEGV, 0},
    {"out", port_access, SIGSEGV, 0},
    {"cli", disable_interrupts, SIGSEGV, 0},
    {"division by zero", divide, SIGFPE, 0},
    {"int3", breakpoint, SIGTRAP, 0},
    {"rt_sigreturn without a frame", bad_return_frame, SIGSEGV, 0},
    {"rt_sigreturn with nonsense", nonsense_frame, SIGSEGV, SIGILL},
    {"int 0x81", software_interrupts, SIGSEGV, 0},
    {"bad selector", load_selector, SIGSEGV, 0},
};

static void signals_for_faults(void)
{
    int bad = 0;

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        int status = in_child(faults[i].run);
        int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        if (signal != faults[i].signal && (!faults[i].other || signal != faults[i].other)) {
            printf("    %s: status %#x, wanted signal %d\n", faults[i].name, status,
                   faults[i].signal);
            bad++;
        }
    }
    CHECK(!bad);
}

/* Processes until there are no more, then all of them go and there is room again. */
static void fork_bomb(void)
{
    enum { MOST = 5000 };
    static pid_t child[MOST];
    int count = 0, go[2];
    char byte;

    CHECK(!pipe(go));
    while (count < MOST && (child[count] = fork()) > 0)
        count++;
    if (count < MOST && child[count] == 0) {
        close(go[1]);
        _exit(read(go[0], &byte, 1)); /* 0 when the parent closes its end */
    }
    int error = errno;
    close(go[1]);
    for (int i = 0; i < count; i++)
        CHECK(waitpid(child[i], NULL, 0) == child[i]);
    printf("    %d processes\n", count);
    CHECK(count >= 100 && (count == MOST || error == EAGAIN || error == ENOMEM));
    pid_t again = fork();
    if (!again)
        _exit(0);
    CHECK(waitpid(again, NULL, 0) == again);
}

/* A file that takes all memory: the writer is told, nobody dies, and removing it gives it back. */
static void file_fills_memory(void)
{
    static char block[65536];
    int fd = open(scratch("big"), O_CREAT | O_WRONLY, 0600);
    uint64_t total = 0;
    ssize_t n;

    memset(block, 1, sizeof(block));
    while ((n = write(fd, block, sizeof(block))) > 0 && total < 900ull << 20)
        total += n;
    CHECK(n == sizeof(block) || (n < 0 && (errno == ENOSPC || errno == ENOMEM)));
    CHECK(!unlink(scratch("big")) && !close(fd));
    printf("    %llu MiB\n", (unsigned long long)total >> 20);
    fd = open(scratch("small"), O_CREAT | O_WRONLY, 0600);
    CHECK(write(fd, block, sizeof(block)) == sizeof(block));
}

static void eat_memory(void)
{
    for (uint64_t total = 0; total < 2048ull << 20; total += 1 << 20) {
        char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED)
            _exit(errno == ENOMEM ? 0 : 1);
        memset(at, 1, 1 << 20);
    }
}

static void memory_ends(void)
{
    int status = in_child(eat_memory);

    CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    pid_t again = fork();
    CHECK(again >= 0);
    if (!again)
        _exit(0);
    CHECK(waitpid(again, NULL, 0) == again);
}

const struct test fault_tests[] = {
    {"fault: each gives its signal", signals_for_faults},
    {"fault: fork bomb", fork_bomb},
    {"fault: a file fills memory", file_fills_memory},
    {"fault: a process fills memory", memory_ends},
    {0},
};
