/* SPDX-License-Identifier: MIT */
/* Shared by tty.c, tty_output.c and tty_ioctl.c only. */
#ifndef PVGUEST_TTY_INTERNAL_H
#define PVGUEST_TTY_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <asm/termios.h>

#include "file.h"
#include "thread.h"

#define TTY_INPUT 4096u /* a power of two: the counters below wrap */

struct tty {
    struct termios termios;
    struct winsize size;
    int session;         /* that has it as controlling terminal; 0: none */
    int group;           /* in the foreground; 0: none */
    bool literal;        /* VLNEXT came: the next byte is text */
    unsigned int column; /* of the cursor, for tabs */
    uint16_t input[TTY_INPUT];
    uint32_t read, edit, head;
    struct wait_queue queue;
};

extern struct tty tty;

/* Output with OPOST processing. */
void tty_output(const char *bytes, size_t count);
void tty_flush_input(void);
bool tty_readable(void);
/* Stops a process of a background group with `signal`; 0: the caller may go on. */
int tty_check_background(int signal);

long tty_write(struct file *file, struct iov_iter *from, uint64_t *pos);
long tty_ioctl(struct file *file, unsigned int command, uint64_t argument);

#endif
