/* SPDX-License-Identifier: MIT */
/*
 * User address spaces: anonymous memory in areas, filled on demand, copied on write. Each has an L4
 * of its own, which is only ever loaded for user mode; the kernel runs on the boot root and reaches
 * user pages through the direct map, so copies below check addresses by walking, and cannot fault.
 */
#ifndef PVGUEST_SPACE_H
#define PVGUEST_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USER_START 0x10000ul
#define USER_END 0x8000000000ul  /* one L3 table */
#define USER_MMAP 0x1000000000ul /* where space_find_gap() begins */
#define USER_STACK_TOP (USER_END - 0x10000)

struct space;

/* `prot` is PROT_READ | PROT_WRITE | PROT_EXEC of mmap. Addresses and lengths are page-aligned. */
struct space *space_create(void);               /* NULL: no memory */
struct space *space_clone(struct space *space); /* copy-on-write; NULL: no memory */
void space_destroy(struct space *space);
/* Anonymous zero pages; replaces what was there. 0, -EINVAL, -ENOMEM. */
int space_map(struct space *space, uint64_t start, uint64_t length, int prot);
int space_unmap(struct space *space, uint64_t start, uint64_t length);
int space_protect(struct space *space, uint64_t start, uint64_t length,
                  int prot); /* -ENOMEM: a hole */
/* A free range of this length; 0: there is none. */
uint64_t space_find_gap(const struct space *space, uint64_t length);
bool space_is_free(const struct space *space, uint64_t start, uint64_t length);
/* Pages that it has now. */
uint64_t space_resident(const struct space *space);

/* The heap: where it starts (exec), and brk(2): the new end, or the old one if it cannot be had. */
void space_set_brk(struct space *space, uint64_t start);
uint64_t space_brk(struct space *space, uint64_t end);

/* A page fault of user mode; true: served, go on. `error` is the CPU's error code. */
bool space_fault(struct space *space, uint64_t address, uint64_t error);
/* Its root is the one of user mode from now on. */
void space_activate(struct space *space);

/* Copies from and to the running thread's space: 0 or -EFAULT. */
int copy_from_user(void *to, uint64_t from, size_t size);
int copy_to_user(uint64_t to, const void *from, size_t size);
int clear_user(uint64_t to, size_t size);
/* A string with its NUL into `to`: its length, -EFAULT, or -ENAMETOOLONG. */
long string_from_user(char *to, uint64_t from, size_t size);
/* Into a space that is not the running one (exec). 0 or -EFAULT. */
int space_write(struct space *space, uint64_t to, const void *from, size_t size);

#endif
