/* SPDX-License-Identifier: MIT */
/*
 * Terminal ioctls and job control: whose terminal it is, which group is in the foreground.
 * Rules of termios(3) and POSIX XBD 11.1: a background group that reads, or that changes the
 * terminal, is stopped by a signal, unless it ignores or blocks it.
 */
#include <asm/errno.h>
#include <linux/signal.h>

#include "job.h"
#include "poll.h"
#include "process.h"
#include "signal.h"
#include "space.h"
#include "tty.h"
#include "tty_internal.h"
#include "wait.h"

int tty_check_background(int signal)
{
    struct process *process = current_process();

    if (process->sid != tty.session || !tty.group || process->pgid == tty.group)
        return 0;
    if (signal_is_ignored(process, signal) || process->blocked & signal_bit(signal))
        return signal == SIGTTIN ? -EIO : 0;
    if (job_is_orphaned(process->pgid))
        return -EIO;
    signal_send_group(process->pgid, signal);
    return -EINTR;
}

static int set_termios(const struct termios *termios, bool flush)
{
    int error = tty_check_background(SIGTTOU);

    if (error)
        return error;
    bool was_canonical = tty.termios.c_lflag & ICANON;
    tty.termios = *termios;
    if (flush)
        tty_flush_input();
    if (was_canonical != !!(termios->c_lflag & ICANON))
        tty.edit = tty.head; /* a half-typed line is readable as it is */
    tty.literal = false;
    wake_all(&tty.queue);
    poll_changed();
    return 0;
}

static int set_group(int group)
{
    struct process *process = current_process();

    if (process->sid != tty.session)
        return -ENOTTY;
    int error = tty_check_background(SIGTTOU);
    if (error)
        return error;
    if (group <= 0)
        return -EINVAL;
    if (job_session_of_group(group) != process->sid)
        return -EPERM;
    tty.group = group;
    return 0;
}

/* Gives the terminal to the caller's session, which must be led by the caller (tty_ioctl(4)). */
static int set_controlling(bool steal)
{
    struct process *process = current_process();

    if (process->sid == tty.session)
        return 0;
    if (process->sid != process->pid || (tty.session && !steal))
        return -EPERM;
    tty.session = process->sid;
    tty.group = process->pgid;
    return 0;
}

static int drop_controlling(void)
{
    struct process *process = current_process();

    if (process->sid != tty.session)
        return -ENOTTY;
    if (process->pid == process->sid)
        tty_session_exit(process->sid);
    return 0;
}

bool tty_is_controlling(int session)
{
    return session && session == tty.session;
}

void tty_session_exit(int session)
{
    if (session != tty.session)
        return;
    int group = tty.group;
    tty.session = tty.group = 0;
    if (group) {
        signal_send_group(group, SIGHUP);
        signal_send_group(group, SIGCONT);
    }
}

static int set_size(uint64_t argument)
{
    struct winsize size;

    if (copy_from_user(&size, argument, sizeof(size)))
        return -EFAULT;
    bool changed = size.ws_row != tty.size.ws_row || size.ws_col != tty.size.ws_col;
    tty.size = size;
    if (changed && tty.group)
        signal_send_group(tty.group, SIGWINCH);
    return 0;
}

static int put_int(uint64_t argument, int value)
{
    return copy_to_user(argument, &value, sizeof(value)) ? -EFAULT : 0;
}

static long ioctl_group(uint64_t argument)
{
    int group;

    return copy_from_user(&group, argument, sizeof(group)) ? -EFAULT : set_group(group);
}

static long ioctl_termios(unsigned int command, uint64_t argument)
{
    struct termios termios;

    if (command == TCGETS)
        return copy_to_user(argument, &tty.termios, sizeof(tty.termios)) ? -EFAULT : 0;
    if (copy_from_user(&termios, argument, sizeof(termios)))
        return -EFAULT;
    return set_termios(&termios, command == TCSETSF);
}

static long ioctl_flush(uint64_t queue)
{
    if (queue > TCIOFLUSH)
        return -EINVAL;
    if (queue != TCOFLUSH)
        tty_flush_input();
    return 0;
}

long tty_ioctl(struct file *file, unsigned int command, uint64_t argument)
{
    bool mine = current_process()->sid == tty.session;

    (void)file;
    switch (command) {
    case TCGETS:
    case TCSETS:
    case TCSETSW: /* output is never held back, so there is nothing to wait for */
    case TCSETSF:
        return ioctl_termios(command, argument);
    case TIOCGWINSZ:
        return copy_to_user(argument, &tty.size, sizeof(tty.size)) ? -EFAULT : 0;
    case TIOCSWINSZ:
        return set_size(argument);
    case TIOCGPGRP:
        return mine ? put_int(argument, tty.group) : -ENOTTY;
    case TIOCSPGRP:
        return ioctl_group(argument);
    case TIOCGSID:
        return mine ? put_int(argument, tty.session) : -ENOTTY;
    case TIOCSCTTY:
        return set_controlling(argument == 1);
    case TIOCNOTTY:
        return drop_controlling();
    case TCFLSH:
        return ioctl_flush(argument);
    case TCSBRK:
    case TCSBRKP:
        return 0;
    case FIONREAD:
        return put_int(argument, (tty.termios.c_lflag & ICANON ? tty.edit : tty.head) - tty.read);
    }
    return -ENOTTY;
}
