/* SPDX-License-Identifier: MIT */
/* Self-test: mmap, brk, copy-on-write, mprotect, memory that ends. */
#define _GNU_SOURCE
#include "selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PAGE 4096ul

static char *map(size_t size, int protection)
{
    char *at = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(at != MAP_FAILED);
    return at;
}

static void map_is_zero(void)
{
    for (int round = 0; round < 8; round++) {
        char *at = map(256 * PAGE, PROT_READ | PROT_WRITE);
        for (size_t i = 0; i < 256 * PAGE; i += 8)
            CHECK(!*(uint64_t *)(at + i));
        memset(at, 0x5a, 256 * PAGE);
        CHECK(!munmap(at, 256 * PAGE));
    }
}

static char *touched;
static char touch_value = 1;

static void read_touched(void)
{
    volatile char value = *touched;
    (void)value;
}

static void write_touched(void)
{
    *touched = touch_value;
}

static int ends_by_segv(void (*body)(void))
{
    int status = in_child(body);

    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void unmap_in_the_middle(void)
{
    char *at = map(16 * PAGE, PROT_READ | PROT_WRITE);

    memset(at, 3, 16 * PAGE);
    CHECK(!munmap(at + 4 * PAGE, 4 * PAGE));
    CHECK(at[4 * PAGE - 1] == 3 && at[8 * PAGE] == 3);
    touched = at + 4 * PAGE;
    CHECK(ends_by_segv(read_touched));
    touched = at + 8 * PAGE - 1;
    CHECK(ends_by_segv(read_touched));
    char *again = mmap(at + 4 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(again == at + 4 * PAGE && again[0] == 0);
}

static void protect(void)
{
    char *at = map(3 * PAGE, PROT_READ | PROT_WRITE);

    memset(at, 7, 3 * PAGE);
    CHECK(!mprotect(at + PAGE, PAGE, PROT_READ));
    touched = at + PAGE;
    CHECK(*touched == 7);
    CHECK(ends_by_segv(write_touched));
    touched = at + 2 * PAGE;
    CHECK(!ends_by_segv(write_touched));
    CHECK(!mprotect(at, 3 * PAGE, PROT_NONE));
    CHECK(ends_by_segv(read_touched));
    CHECK(!mprotect(at, 3 * PAGE, PROT_READ | PROT_WRITE));
    CHECK(at[0] == 7 && at[PAGE] == 7 && at[2 * PAGE] == 7);
    CHECK(syscall(SYS_mprotect, at + 1, PAGE, PROT_READ) == -1 && errno == EINVAL);
    munmap(at + PAGE, PAGE);
    CHECK(mprotect(at, 3 * PAGE, PROT_READ) == -1 && errno == ENOMEM);
}

static void map_errors(void)
{
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
          errno == EINVAL);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF);
    CHECK(mmap(NULL, 1ul << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
          errno == ENOMEM);
    CHECK(munmap((void *)1, PAGE) == -1 && errno == EINVAL);
    CHECK(mmap((void *)0xffffffff80000000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
               -1, 0) == MAP_FAILED);
}

static void map_file(void)
{
    char text[3 * PAGE / 2];
    int fd = open(scratch("mapped"), O_CREAT | O_RDWR, 0600);

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i / 7;
    CHECK(write(fd, text, sizeof(text)) == sizeof(text));
    char *at = mmap(NULL, sizeof(text), PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(at != MAP_FAILED);
    CHECK(!memcmp(at, text, sizeof(text)));
    CHECK(at[sizeof(text)] == 0); /* the rest of the last page */
    at[5] ^= 1;
    char byte;
    CHECK(pread(fd, &byte, 1, 5) == 1 && byte == text[5]); /* private */
    char *second = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
    CHECK(second != MAP_FAILED && !memcmp(second, text + PAGE, PAGE / 2));
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1) == MAP_FAILED && errno == EINVAL);
}

static void break_moves(void)
{
    char *start = sbrk(0);

    /* musl's sbrk() only tells; the call itself moves the break. */
    CHECK(syscall(SYS_brk, start + 64 * PAGE) == (long)(start + 64 * PAGE));
    for (size_t i = 0; i < 64 * PAGE; i++)
        CHECK(!start[i]);
    memset(start, 1, 64 * PAGE);
    CHECK(syscall(SYS_brk, start + PAGE) == (long)(start + PAGE));
    touched = start + 32 * PAGE;
    CHECK(ends_by_segv(read_touched));
    CHECK(syscall(SYS_brk, start + 64 * PAGE) == (long)(start + 64 * PAGE));
    CHECK(start[32 * PAGE] == 0 && start[0] == 1);
    CHECK(syscall(SYS_brk, 1l << 60) == (long)(start + 64 * PAGE));
}

/* The parent's pages must not change when the child writes, nor the other way round. */
static void copy_on_write(void)
{
    enum { PAGES = 128 };
    char *at = map(PAGES * PAGE, PROT_READ | PROT_WRITE);
    int go[2], status;
    char byte;

    for (int i = 0; i < PAGES; i++)
        at[i * PAGE] = i;
    CHECK(!pipe(go));
    pid_t child = fork();
    if (!child) {
        for (int i = 0; i < PAGES; i += 2)
            at[i * PAGE] = 0x55;
        CHECK(read(go[0], &byte, 1) == 1); /* the parent has written now */
        for (int i = 0; i < PAGES; i++)
            CHECK(at[i * PAGE] == (i % 2 ? i : 0x55));
        _exit(0);
    }
    for (int i = 0; i < PAGES; i++) {
        CHECK(at[i * PAGE] == i);
        at[i * PAGE] = ~i;
    }
    CHECK(write(go[1], "x", 1) == 1);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    for (int i = 0; i < PAGES; i++)
        CHECK(at[i * PAGE] == (char)~i);
}

static void copy_on_write_by_kernel(void)
{
    char *at = map(PAGE, PROT_READ | PROT_WRITE);
    int ends[2], status;

    strcpy(at, "before");
    CHECK(!pipe(ends));
    CHECK(write(ends[1], "after!", 7) == 7);
    pid_t child = fork();
    if (!child) {
        CHECK(read(ends[0], at, 7) == 7); /* the kernel writes to the shared page */
        CHECK(!strcmp(at, "after!"));
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(!strcmp(at, "before"));
}

static void copy_on_write_generations(void)
{
    volatile int *value = (int *)map(PAGE, PROT_READ | PROT_WRITE);
    int status, depth = 0;

    *value = 0;
    while (depth < 12) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child) {
            CHECK(waitpid(child, &status, 0) == child && status == 0);
            CHECK(*value == depth);
            _exit(0);
        }
        CHECK(*value == depth);
        *value = ++depth;
    }
}

static void grow_stack(int pages)
{
    volatile char page[PAGE];

    page[0] = page[PAGE - 1] = 1;
    if (pages)
        grow_stack(pages - 1);
    CHECK(page[0] == 1);
}

static void stack_grows(void)
{
    grow_stack(500);
}

static void big_allocation(void)
{
    size_t size = 16 << 20;
    char *at = malloc(size);

    CHECK(at);
    for (size_t i = 0; i < size; i += PAGE)
        at[i] = i / PAGE;
    for (size_t i = 0; i < size; i += PAGE)
        CHECK(at[i] == (char)(i / PAGE));
    free(at);
}

const struct test memory_tests[] = {
    {"memory: new mappings are zero", map_is_zero},
    {"memory: munmap in the middle", unmap_in_the_middle},
    {"memory: mprotect", protect},
    {"memory: mmap errors", map_errors},
    {"memory: mmap of a file", map_file},
    {"memory: brk", break_moves},
    {"memory: copy-on-write", copy_on_write},
    {"memory: copy-on-write by the kernel", copy_on_write_by_kernel},
    {"memory: copy-on-write over generations", copy_on_write_generations},
    {"memory: the stack grows", stack_grows},
    {"memory: 16 MiB", big_allocation},
    {0},
};
