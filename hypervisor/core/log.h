/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's log, and the four ways to fail: refuse, crash the domain, BUG, panic.
 * A line is "[seconds.micros] L: text", L one of E W I D.
 */
#ifndef PARAVANE_CORE_LOG_H
#define PARAVANE_CORE_LOG_H

#include <stdarg.h>

#include "types.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

extern enum log_level log_threshold;

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/*
 * Refuse what vCPU v asked: one rate-limited line
 *   d3v1 mmu_update EPERM pagetable-ro: mfn 0x1a2b is an L1 table, asked writable by L1 0x1a30
 * (`rule` is the short code, the format the rest) and the value -err to return.
 */
#define REFUSE_LINES_PER_SECOND 20 /* of one domain; then one line counts the rest */
int refuse(struct vcpu *v, int err, const char *rule, const char *fmt, ...)
    __attribute__((format(printf, 4, 5), cold));

/* Say now how many of d's refusals were not logged (it is going away). */
void refuse_flush(struct domain *d);

/* Last 64 KiB of log text, oldest first, for the panic dump and later readers. */
size_t log_copy(char *dst, size_t bytes);

/* Lines end in "\r\n" for a terminal (true) or "\n" for a program (false, at first). */
void log_set_terminal(bool terminal);
/* Text as it is, to COM1 only: guest lines of console=com1. Never in the middle of a log line. */
void log_raw(const char *text, size_t bytes);
bool log_is_midline(void); /* the last log_raw() text did not end its line */

/* Our own bug: registers, symbolized stack, machine_end(MACHINE_PANIC). */
_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), cold));
#define BUG_ON(cond)                                                                               \
    do {                                                                                           \
        if (unlikely(cond)) {                                                                      \
            panic("BUG: %s at %s:%d", #cond, __FILE__, __LINE__);                                  \
        }                                                                                          \
    } while (0)
#define ASSERT(cond) BUG_ON(!(cond))

/* What the machine knows of where it stands, for panic(): registers, stack (the machine's own). */
void machine_dump(void);

/* "EPERM" and so on; "E?" for a number that Xen's errno.h does not have. */
const char *errno_name(int err);

/* printf subset: %d %i %u %x %lx %lu %ld %llx %zu %p %s %c %% with width, 0, - and .precision.
 * Returns the length the text would have had, like snprintf; always terminates if bytes > 0. */
size_t format(char *dst, size_t bytes, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
size_t vformat(char *dst, size_t bytes, const char *fmt, va_list ap);

#endif
