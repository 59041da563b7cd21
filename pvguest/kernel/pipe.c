/* SPDX-License-Identifier: MIT */
/*
 * Pipes and FIFOs. The ring keeps 64 KiB as Linux does, in pages that exist only while they hold
 * bytes. Writes of up to PIPE_BUF bytes are whole or wait.
 * Invariant pipe-ring: head - tail bytes are held, at most PIPE_SIZE; the pages from tail to head
 * are present and no others, but for the one that head stands in.
 */
#include "pipe.h"

#include <string.h>

#include <asm/errno.h>
#include <linux/poll.h>
#include <linux/signal.h>

#include "memory.h"
#include "poll.h"
#include "signal.h"
#include "wait.h"

#define PAGE 4096u
#define PIPE_SIZE (16 * PAGE)

struct pipe {
    uint64_t head, tail; /* bytes ever written and read */
    char *page[PIPE_SIZE / PAGE];
    unsigned int readers, writers;           /* files open now */
    unsigned int reader_opens, writer_opens; /* ever: what a blocked open of a FIFO waits for */
    struct wait_queue queue;
};

static struct pipe *pipe_of(struct file *file)
{
    return file->inode->pipe;
}

static void pipe_changed(struct pipe *pipe)
{
    wake_all(&pipe->queue);
    poll_changed();
}

void pipe_free(struct pipe *pipe)
{
    for (unsigned int i = 0; i < PIPE_SIZE / PAGE; i++)
        if (pipe->page[i])
            page_free(pipe->page[i]);
    kfree(pipe);
}

static unsigned int pipe_space(const struct pipe *pipe)
{
    return PIPE_SIZE - (pipe->head - pipe->tail);
}

/* Gives a page back when all of it has been read; in a full ring head may stand in it already. */
static void pipe_drop_page(struct pipe *pipe, unsigned int slot)
{
    bool empty = pipe->tail == pipe->head;

    if (!empty && (pipe->tail % PAGE || pipe->head - pipe->tail > PIPE_SIZE - PAGE))
        return;
    page_free(pipe->page[slot]);
    pipe->page[slot] = NULL;
    if (empty)
        pipe->tail = pipe->head = 0;
}

/* Moves what is there, without waiting. */
static size_t pipe_take(struct pipe *pipe, struct iov_iter *to)
{
    size_t done = 0;

    while (to->count && pipe->tail < pipe->head) {
        unsigned int offset = pipe->tail % PAGE, slot = pipe->tail % PIPE_SIZE / PAGE;
        size_t n = PAGE - offset, held = pipe->head - pipe->tail;
        n = n < held ? n : held;
        n = n < to->count ? n : to->count;
        size_t moved = copy_to_iter(to, pipe->page[slot] + offset, n);
        pipe->tail += moved;
        done += moved;
        if (moved)
            pipe_drop_page(pipe, slot);
        if (moved < n)
            break;
    }
    return done;
}

/* Moves what fits, without waiting; -ENOMEM only when nothing was moved. */
static long pipe_fill(struct pipe *pipe, struct iov_iter *from)
{
    size_t done = 0;

    while (from->count && pipe_space(pipe)) {
        unsigned int offset = pipe->head % PAGE, slot = pipe->head % PIPE_SIZE / PAGE;
        size_t n = PAGE - offset;
        n = n < pipe_space(pipe) ? n : pipe_space(pipe);
        n = n < from->count ? n : from->count;
        if (!pipe->page[slot] && !(pipe->page[slot] = page_alloc()))
            return done ? (long)done : -ENOMEM;
        size_t moved = copy_from_iter(from, pipe->page[slot] + offset, n);
        pipe->head += moved;
        done += moved;
        if (moved < n)
            break;
    }
    return done;
}

static long pipe_read(struct file *file, struct iov_iter *to, uint64_t *pos)
{
    struct pipe *pipe = pipe_of(file);

    (void)pos;
    while (pipe->head == pipe->tail) {
        if (!pipe->writers)
            return 0;
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        int error = wait_on(&pipe->queue);
        if (error)
            return error;
    }
    size_t done = pipe_take(pipe, to);
    pipe_changed(pipe);
    return done || !to->fault ? (long)done : -EFAULT;
}

static long pipe_write(struct file *file, struct iov_iter *from, uint64_t *pos)
{
    struct pipe *pipe = pipe_of(file);
    size_t whole = from->count <= PIPE_BUF ? from->count : 1; /* room needed to move anything */
    size_t done = 0;

    (void)pos;
    while (from->count) {
        long error = 0;
        if (!pipe->readers) {
            signal_send_self(SIGPIPE);
            error = -EPIPE;
        } else if (pipe_space(pipe) >= whole) {
            long moved = pipe_fill(pipe, from);
            pipe_changed(pipe);
            if (moved > 0)
                done += moved;
            else
                error = moved;
            if (from->fault)
                error = -EFAULT;
            whole = 1;
        } else {
            error = file->flags & O_NONBLOCK ? -EAGAIN : wait_on(&pipe->queue);
        }
        if (error)
            return done ? (long)done : error;
    }
    return done;
}

static unsigned int pipe_poll(struct file *file)
{
    struct pipe *pipe = pipe_of(file);
    unsigned int events = 0;

    if (file_is_readable(file)) {
        if (pipe->head != pipe->tail)
            events |= POLLIN | POLLRDNORM;
        if (!pipe->writers)
            events |= POLLHUP;
    }
    if (file_is_writable(file)) {
        if (pipe_space(pipe) >= PIPE_BUF)
            events |= POLLOUT | POLLWRNORM;
        if (!pipe->readers)
            events |= POLLERR;
    }
    return events;
}

static void pipe_release(struct file *file)
{
    struct pipe *pipe = pipe_of(file);

    pipe->readers -= file_is_readable(file);
    pipe->writers -= file_is_writable(file);
    pipe_changed(pipe);
    if (!pipe->readers && !pipe->writers) {
        file->inode->pipe = NULL; /* a FIFO keeps no bytes while nobody has it open */
        pipe_free(pipe);
    }
}

/* A FIFO opened for one side waits for the other side to come (fifo(7)); O_RDWR and pipe() do not.
 */
static int fifo_open(struct file *file)
{
    bool reads = file_is_readable(file), writes = file_is_writable(file);
    struct pipe *pipe = pipe_of(file);
    int error = 0;

    if (!pipe) {
        pipe = kmalloc(sizeof(*pipe));
        if (!pipe)
            return -ENOMEM;
        memset(pipe, 0, sizeof(*pipe));
        file->inode->pipe = pipe;
    }
    if (writes && !reads && (file->flags & O_NONBLOCK) && !pipe->readers)
        error = -ENXIO;
    pipe->readers += reads;
    pipe->writers += writes;
    pipe->reader_opens += reads;
    pipe->writer_opens += writes;
    pipe_changed(pipe);
    unsigned int readers = pipe->reader_opens, writers = pipe->writer_opens;
    while (!error && reads != writes && !(file->flags & O_NONBLOCK)) {
        if (reads ? pipe->writers || pipe->writer_opens != writers
                  : pipe->readers || pipe->reader_opens != readers)
            break;
        error = wait_on(&pipe->queue);
    }
    if (error)
        pipe_release(file);
    return error;
}

const struct file_ops fifo_ops = {
    .open = fifo_open,
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .release = pipe_release,
    .stream = true,
};

int pipe_create(unsigned int flags, struct file **reader, struct file **writer)
{
    struct inode *inode = inode_new(S_IFIFO | 0600);
    int error;

    if (!inode)
        return -ENOMEM;
    /* The first open has O_RDWR so that it does not wait, and becomes the reader afterwards. */
    error = file_open(inode, O_RDWR | flags, &fifo_ops, reader);
    if (!error) {
        error = file_open(inode, O_WRONLY | flags, &fifo_ops, writer);
        if (error) {
            file_put(*reader);
        } else {
            (*reader)->flags = O_RDONLY | flags;
            inode->pipe->writers--;
        }
    }
    inode_put(inode);
    return error;
}
