/* SPDX-License-Identifier: MIT */
/*
 * Open files and descriptor tables. A struct file is one open(): position and flags, shared by the
 * descriptors that dup and fork make of it. What read and write do is in its file_ops.
 */
#ifndef PVGUEST_FILE_H
#define PVGUEST_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/fcntl.h>

#include "inode.h"
#include "iov.h"

#define FILES_MAX 256 /* descriptors of a process */

struct file {
    unsigned int refs;
    unsigned int flags; /* O_* as given to open, without the creation flags */
    uint64_t pos;
    struct inode *inode;
    const struct file_ops *ops;
    void *private;
};

/* Absent functions: open and release do nothing, read and write -EINVAL, ioctl -ENOTTY, poll says
 * always ready. `pos` is the file's position or that of pread and pwrite. */
struct file_ops {
    int (*open)(struct file *file);
    long (*read)(struct file *file, struct iov_iter *to, uint64_t *pos);
    long (*write)(struct file *file, struct iov_iter *from, uint64_t *pos);
    unsigned int (*poll)(struct file *file); /* POLL* true now */
    long (*ioctl)(struct file *file, unsigned int command, uint64_t argument);
    void (*release)(struct file *file);
    bool stream; /* has no position: lseek and pread are -ESPIPE */
};

/* Descriptors of one process; shared only by the processes of clone(CLONE_FILES). */
struct files {
    unsigned int refs;
    struct file *open[FILES_MAX];
    uint8_t cloexec[FILES_MAX / 8];
};

/* Opens an inode; takes its own reference. ops NULL: those of the inode's type. */
int file_open(struct inode *inode, unsigned int flags, const struct file_ops *ops,
              struct file **opened);
struct file *file_get(struct file *file);
void file_put(struct file *file);

long file_read(struct file *file, struct iov_iter *to, uint64_t *pos);
long file_write(struct file *file, struct iov_iter *from, uint64_t *pos);
long file_seek(struct file *file, int64_t offset, int whence);
unsigned int file_poll(struct file *file);

static inline bool file_is_readable(const struct file *file)
{
    return (file->flags & O_ACCMODE) != O_WRONLY && !(file->flags & O_PATH);
}

static inline bool file_is_writable(const struct file *file)
{
    return (file->flags & O_ACCMODE) != O_RDONLY && !(file->flags & O_PATH);
}

struct files *files_new(void);
struct files *files_copy(struct files *from);
void files_put(struct files *files);
/* The lowest free descriptor from `from` on gets the file (and its reference), or -EMFILE. */
int files_install(struct files *files, struct file *file, unsigned int from, bool cloexec);
/* Puts the file at exactly `fd`, closing what was there. */
void files_replace(struct files *files, unsigned int fd, struct file *file, bool cloexec);
/* The open file, borrowed from the table; NULL: not open. */
struct file *files_at(struct files *files, unsigned int fd);
int files_close(struct files *files, unsigned int fd);
void files_close_on_exec(struct files *files);
bool files_cloexec(const struct files *files, unsigned int fd);
void files_set_cloexec(struct files *files, unsigned int fd, bool set);

#endif
