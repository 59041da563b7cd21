/* SPDX-License-Identifier: MIT */
/*
 * The line discipline: what a typed byte does, and how reads see it. Output and ioctl are in
 * tty_output.c and tty_ioctl.c.
 * Invariant tty-ring: bytes lie from `read` to `head`; those before `edit` are finished lines that
 * canonical reads may take, those behind it can still be erased. In raw mode edit == head.
 */
#include "tty.h"

#include <string.h>

#include <asm/errno.h>
#include <linux/poll.h>
#include <linux/signal.h>

#include "clock.h"
#include "console.h"
#include "poll.h"
#include "process.h"
#include "signal.h"
#include "tty_internal.h"
#include "wait.h"

#define TTY_DELIMITER 0x100u /* ends a line */
#define TTY_EOF 0x200u       /* ends a line, is not itself read */

struct tty tty = {
    .termios =
        {
            .c_iflag = ICRNL,
            .c_oflag = OPOST | ONLCR,
            .c_cflag = B38400 | CS8 | CREAD | HUPCL | CLOCAL,
            .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
            .c_cc = {[VINTR] = 003,
                     [VQUIT] = 034,
                     [VERASE] = 0177,
                     [VKILL] = 025,
                     [VEOF] = 004,
                     [VMIN] = 1,
                     [VSTART] = 021,
                     [VSTOP] = 023,
                     [VSUSP] = 032,
                     [VREPRINT] = 022,
                     [VDISCARD] = 017,
                     [VWERASE] = 027,
                     [VLNEXT] = 026},
        },
};

static bool flag(tcflag_t bit)
{
    return tty.termios.c_lflag & bit;
}

static bool is_cc(unsigned int index, unsigned char c)
{
    return tty.termios.c_cc[index] && tty.termios.c_cc[index] == c;
}

size_t tty_room(void)
{
    return TTY_INPUT - (tty.head - tty.read);
}

static bool tty_put(unsigned int value)
{
    if (!tty_room())
        return false;
    tty.input[tty.head++ % TTY_INPUT] = value;
    return true;
}

static void tty_finish_line(void)
{
    tty.edit = tty.head;
    wake_all(&tty.queue);
    poll_changed();
}

void tty_flush_input(void)
{
    tty.read = tty.edit = tty.head;
}

/* Columns an echoed character takes. */
static unsigned int echo_width(unsigned char c)
{
    if (c < 0x20 || c == 0177)
        return flag(ECHOCTL) && c != '\t' ? 2 : 0;
    return (c & 0xc0) != 0x80; /* the inner bytes of UTF-8 take none */
}

static void tty_echo(unsigned char c)
{
    if (!flag(ECHO) && !(c == '\n' && flag(ECHONL)))
        return;
    if ((c < 0x20 || c == 0177) && c != '\n' && c != '\t' && flag(ECHOCTL)) {
        char caret[2] = {'^', c ^ 0x40};
        tty_output(caret, 2);
    } else {
        tty_output((char *)&c, 1);
    }
}

/* Takes the last byte of the line being edited away, on the screen too. */
static bool tty_erase_one(void)
{
    if (tty.head == tty.edit)
        return false;
    unsigned char c;
    do /* all bytes of a UTF-8 character */
        c = tty.input[--tty.head % TTY_INPUT];
    while ((c & 0xc0) == 0x80 && tty.head != tty.edit);
    if (flag(ECHO) && flag(ECHOE))
        for (unsigned int width = echo_width(c); width; width--)
            tty_output("\b \b", 3);
    return true;
}

static void tty_erase_word(void)
{
    while (tty.head != tty.edit && tty.input[(tty.head - 1) % TTY_INPUT] == ' ')
        tty_erase_one();
    while (tty.head != tty.edit && tty.input[(tty.head - 1) % TTY_INPUT] != ' ')
        tty_erase_one();
}

static void tty_reprint(void)
{
    tty_echo(tty.termios.c_cc[VREPRINT]);
    tty_output("\n", 1);
    for (uint32_t i = tty.edit; i != tty.head; i++)
        tty_echo(tty.input[i % TTY_INPUT]);
}

static bool tty_signal(unsigned char c)
{
    int signal = is_cc(VINTR, c)   ? SIGINT
                 : is_cc(VQUIT, c) ? SIGQUIT
                 : is_cc(VSUSP, c) ? SIGTSTP
                                   : 0;

    if (!signal || !flag(ISIG))
        return false;
    if (!flag(NOFLSH))
        tty_flush_input();
    tty_echo(c);
    if (tty.group)
        signal_send_group(tty.group, signal);
    return true;
}

/* Editing keys of canonical mode. */
static bool tty_edit(unsigned char c)
{
    if (is_cc(VERASE, c))
        tty_erase_one();
    else if (is_cc(VKILL, c))
        while (tty_erase_one())
            ;
    else if (is_cc(VWERASE, c) && flag(IEXTEN))
        tty_erase_word();
    else if (is_cc(VREPRINT, c) && flag(IEXTEN))
        tty_reprint();
    else if (is_cc(VLNEXT, c) && flag(IEXTEN))
        tty.literal = true;
    else
        return false;
    return true;
}

static void tty_receive_canonical(unsigned char c)
{
    if (!tty.literal && tty_edit(c))
        return;
    if (!tty.literal && is_cc(VEOF, c)) {
        if (tty_put(TTY_EOF))
            tty_finish_line();
        return;
    }
    bool ends = c == '\n' || (!tty.literal && (is_cc(VEOL, c) || is_cc(VEOL2, c)));
    tty.literal = false;
    if (!ends && tty_room() <= 1)
        return; /* the last place is for the end of the line */
    tty_echo(c);
    if (tty_put(ends ? c | TTY_DELIMITER : c) && ends)
        tty_finish_line();
}

static void tty_receive_one(unsigned char c)
{
    if (!tty.literal) {
        if (c == '\r' && tty.termios.c_iflag & IGNCR)
            return;
        if (c == '\r' && tty.termios.c_iflag & ICRNL)
            c = '\n';
        else if (c == '\n' && tty.termios.c_iflag & INLCR)
            c = '\r';
        if (tty_signal(c))
            return;
    }
    if (flag(ICANON)) {
        tty_receive_canonical(c);
        return;
    }
    tty_echo(c);
    if (tty_put(c))
        tty_finish_line();
}

void tty_receive(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tty_receive_one(bytes[i]);
}

bool tty_readable(void)
{
    if (flag(ICANON))
        return tty.edit != tty.read;
    unsigned int least = tty.termios.c_cc[VTIME] ? 1 : tty.termios.c_cc[VMIN];
    return tty.head - tty.read >= (least ? least : 1);
}

/* Moves bytes of one line, or in raw mode all there are. */
static size_t tty_take(struct iov_iter *to)
{
    size_t done = 0;

    while (to->count && tty.read != (flag(ICANON) ? tty.edit : tty.head)) {
        unsigned int value = tty.input[tty.read % TTY_INPUT];
        char c = value;
        if (value & TTY_EOF && flag(ICANON)) {
            tty.read++;
            break;
        }
        if (!copy_to_iter(to, &c, 1))
            break;
        tty.read++;
        done++;
        if (value & TTY_DELIMITER && flag(ICANON))
            break;
    }
    console_input_ready(); /* there is room again */
    return done;
}

/* Waits as VMIN and VTIME say until a raw read may return. */
static int tty_wait_raw(size_t count)
{
    size_t least = tty.termios.c_cc[VMIN] < count ? tty.termios.c_cc[VMIN] : count;
    uint64_t tenths = tty.termios.c_cc[VTIME] * 100000000ull, deadline = 0;
    int error = 0;

    if (tenths && !least)
        deadline = clock_monotonic_ns() + tenths;
    while (!error && !flag(ICANON)) {
        uint32_t before = tty.head;
        size_t held = tty.head - tty.read;
        if (held >= (least ? least : deadline ? 1 : 0))
            break;
        if (tenths && least && held && !deadline)
            deadline = clock_monotonic_ns() + tenths;
        error = wait_until(&tty.queue, deadline);
        if (tenths && least && tty.head != before)
            deadline = clock_monotonic_ns() + tenths; /* between two bytes */
    }
    return error == -ETIMEDOUT ? 0 : error;
}

static long tty_read(struct file *file, struct iov_iter *to, uint64_t *pos)
{
    int error = 0;

    (void)pos;
    do {
        error = tty_check_background(SIGTTIN);
        if (error)
            return error;
        if (file->flags & O_NONBLOCK && !tty_readable())
            return -EAGAIN;
        if (!flag(ICANON)) {
            error = tty_wait_raw(to->count);
            break;
        }
        if (!tty_readable())
            error = wait_on(&tty.queue);
    } while (!error && !tty_readable());
    if (error && tty.head == tty.read)
        return error;
    if (error && flag(ICANON))
        return error;
    size_t done = tty_take(to);
    return done || !to->fault ? (long)done : -EFAULT;
}

static unsigned int tty_poll(struct file *file)
{
    (void)file;
    return (tty_readable() ? POLLIN | POLLRDNORM : 0) | POLLOUT | POLLWRNORM;
}

const struct file_ops tty_ops = {
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
    .stream = true,
};
