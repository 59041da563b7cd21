/* SPDX-License-Identifier: MIT */
/* Pipes and FIFOs: a ring of bytes between the files open for writing and those open for reading.
 */
#ifndef PVGUEST_PIPE_H
#define PVGUEST_PIPE_H

#include "file.h"

/* Both ends of a new pipe; `flags` are O_NONBLOCK, O_DIRECT is not supported. */
int pipe_create(unsigned int flags, struct file **reader, struct file **writer);
/* Called by the inode's end, when no file is open any more. */
void pipe_free(struct pipe *pipe);

extern const struct file_ops fifo_ops;

#endif
