/* SPDX-License-Identifier: MIT */
/*
 * The directories of /proc. Inodes are made when a name is looked up and go when nobody holds them;
 * `private` tells which they are: a kind, the process and an index. A process that ends while its
 * files are open leaves them empty.
 */
#include "procfs.h"

#include <string.h>

#include <asm/errno.h>

#include "file.h"
#include "memory.h"
#include "path.h"
#include "print.h"
#include "proc_text.h"
#include "process.h"

enum kind {
    KIND_ROOT,
    KIND_SYSTEM_FILE,
    KIND_SELF, /* symbolic link to the caller's directory */
    KIND_PROCESS,
    KIND_PROCESS_FILE,
    KIND_EXE,
    KIND_CWD,
    KIND_FD_DIR,
    KIND_FD, /* symbolic link to an open file */
};

#define PROC_INO (1ull << 40)

static uint64_t node(enum kind kind, int pid, unsigned int index)
{
    return (uint64_t)pid << 20 | kind << 12 | index;
}

static enum kind node_kind(const struct inode *inode)
{
    return inode->private >> 12 & 0xff;
}

static struct process *node_process(const struct inode *inode)
{
    return process_find(inode->private >> 20);
}

static unsigned int node_index(const struct inode *inode)
{
    return inode->private & 0xfff;
}

static const struct proc_file *proc_file_of(const struct inode *inode)
{
    const struct proc_file *files =
        node_kind(inode) == KIND_SYSTEM_FILE ? proc_system_files : proc_process_files;

    return &files[node_index(inode)];
}

static int text_open(struct file *file)
{
    const struct proc_file *source = proc_file_of(file->inode);
    const struct process *process = NULL;

    if (node_kind(file->inode) == KIND_PROCESS_FILE && !(process = node_process(file->inode)))
        return -ESRCH;
    if (file_is_writable(file) && !source->write)
        return -EACCES;
    struct proc_text *text = pages_alloc(2);
    if (!text)
        return -ENOMEM;
    text->size = 0;
    source->show(text, process);
    file->private = text;
    return 0;
}

static void text_release(struct file *file)
{
    pages_free(file->private, 2);
}

static long text_read(struct file *file, struct iov_iter *to, uint64_t *pos)
{
    const struct proc_text *text = file->private;

    if (*pos >= text->size)
        return 0;
    size_t done = copy_to_iter(to, text->bytes + *pos, text->size - *pos);
    *pos += done;
    return done || !to->fault ? (long)done : -EFAULT;
}

static long text_write(struct file *file, struct iov_iter *from, uint64_t *pos)
{
    size_t count = from->count;
    char byte;

    (void)pos;
    if (!copy_from_iter(from, &byte, 1))
        return -EFAULT;
    int error = proc_file_of(file->inode)->write(byte);
    return error ? error : (long)count;
}

static const struct file_ops text_ops = {
    .open = text_open,
    .read = text_read,
    .write = text_write,
    .release = text_release,
};

_Static_assert(sizeof(struct proc_text) <= 2 * PAGE_SIZE, "two pages");

static const struct dir_ops root_dir_ops, process_dir_ops, fd_dir_ops;

/* A new inode of /proc; it owns `target` (symbolic links). */
static int make(struct inode *parent, uint64_t private, uint32_t mode, struct inode **made)
{
    struct inode *inode = inode_new(mode);

    if (!inode)
        return -ENOMEM;
    inode->ino = PROC_INO + private;
    inode->private = private;
    if (inode_is_dir(inode))
        inode->parent = inode_get(parent);
    if (S_ISREG(mode))
        inode->file_ops = &text_ops;
    *made = inode;
    return 0;
}

/* Takes over `text`, which kmalloc() gave. */
static int make_link(struct inode *parent, uint64_t private, char *text, struct inode **made)
{
    int error = text ? make(parent, private, S_IFLNK | 0777, made) : -ENOMEM;

    if (error) {
        kfree(text);
    } else {
        (*made)->target = text;
        (*made)->size = strlen(text);
    }
    return error;
}

static char *copy_string(const char *text)
{
    char *copy = kmalloc(strlen(text) + 1);

    return copy ? strcpy(copy, text) : NULL;
}

static char *number_string(const char *format, uint64_t number)
{
    char text[40];

    ksnprintf(text, sizeof(text), format, number);
    return copy_string(text);
}

/* The path of a directory, or a word that says why there is none. */
static char *dir_string(struct inode *dir)
{
    char *page = page_alloc(), *copy = NULL;

    if (page) {
        int length = path_of_dir(dir, page, PAGE_SIZE);
        copy = copy_string(length > 0 ? page : "(removed)");
        page_free(page);
    }
    return copy;
}

/* What /proc/PID/fd/N points to. Files other than directories do not know their names. */
static char *file_string(const struct file *file)
{
    struct inode *inode = file->inode;

    switch (inode->mode & S_IFMT) {
    case S_IFDIR:
        return dir_string(inode);
    case S_IFIFO:
        return number_string("pipe:[%lu]", inode->ino);
    case S_IFCHR:
        if (file->ops->ioctl)
            return copy_string("/dev/console");
        return number_string("char:[%lu]", inode->rdev);
    }
    return number_string("file:[%lu]", inode->ino);
}

static bool parse_number(const char *name, size_t length, unsigned int *number)
{
    *number = 0;
    for (size_t i = 0; i < length; i++) {
        if (name[i] < '0' || name[i] > '9' || i > 6)
            return false;
        *number = *number * 10 + (name[i] - '0');
    }
    return length != 0;
}

static bool is_name(const char *name, size_t length, const char *word)
{
    return strlen(word) == length && !memcmp(name, word, length);
}

static int find_file(const struct proc_file *files, const char *name, size_t length)
{
    for (int i = 0; files[i].name; i++)
        if (is_name(name, length, files[i].name))
            return i;
    return -1;
}

static uint32_t file_mode(const struct proc_file *file)
{
    return S_IFREG | (file->write ? 0200 : 0444);
}

static int root_lookup(struct inode *dir, const char *name, size_t length, struct inode **found)
{
    int file = find_file(proc_system_files, name, length);
    unsigned int pid;

    if (file >= 0)
        return make(dir, node(KIND_SYSTEM_FILE, 0, file), file_mode(&proc_system_files[file]),
                    found);
    if (is_name(name, length, "self"))
        return make_link(dir, node(KIND_SELF, 0, 0), number_string("%lu", current_process()->pid),
                         found);
    if (!parse_number(name, length, &pid) || !process_find(pid))
        return -ENOENT;
    int error = make(dir, node(KIND_PROCESS, pid, 0), S_IFDIR | 0555, found);
    if (!error)
        (*found)->dir_ops = &process_dir_ops;
    return error;
}

static int process_lookup(struct inode *dir, const char *name, size_t length, struct inode **found)
{
    struct process *process = node_process(dir);
    int file = find_file(proc_process_files, name, length);

    if (!process)
        return -ENOENT;
    if (file >= 0)
        return make(dir, node(KIND_PROCESS_FILE, process->pid, file), S_IFREG | 0444, found);
    if (is_name(name, length, "exe") && process->execution)
        return make_link(dir, node(KIND_EXE, process->pid, 0),
                         copy_string(process->execution->path), found);
    if (is_name(name, length, "cwd") && process->cwd)
        return make_link(dir, node(KIND_CWD, process->pid, 0), dir_string(process->cwd), found);
    if (!is_name(name, length, "fd"))
        return -ENOENT;
    int error = make(dir, node(KIND_FD_DIR, process->pid, 0), S_IFDIR | 0500, found);
    if (!error)
        (*found)->dir_ops = &fd_dir_ops;
    return error;
}

static int fd_lookup(struct inode *dir, const char *name, size_t length, struct inode **found)
{
    struct process *process = node_process(dir);
    unsigned int fd;

    if (!process || !process->files || !parse_number(name, length, &fd) ||
        !files_at(process->files, fd))
        return -ENOENT;
    struct file *file = files_at(process->files, fd);
    int error = make_link(dir, node(KIND_FD, process->pid, fd), file_string(file), found);
    if (!error)
        (*found)->jump = inode_get(file->inode);
    return error;
}

static int report(struct dirent_info *info, const char *name, uint64_t private, uint32_t mode)
{
    info->ino = PROC_INO + private;
    info->mode = mode;
    info->length = strlen(name);
    memcpy(info->name, name, info->length + 1);
    return 1;
}

static int report_number(struct dirent_info *info, unsigned int number, uint64_t private,
                         uint32_t mode)
{
    char name[16];

    ksnprintf(name, sizeof(name), "%u", number);
    return report(info, name, private, mode);
}

#define FIRST_POS 2     /* "." and ".." come before */
#define PROCESS_POS 256 /* + pid: processes come behind the files, in the order of their pids */

static int root_readdir(struct inode *dir, uint64_t *pos, struct dirent_info *info)
{
    const struct proc_file *file = proc_system_files;
    const struct process *next = NULL;

    (void)dir;
    for (uint64_t at = FIRST_POS; file->name; file++, at++)
        if (at == *pos) {
            ++*pos;
            return report(info, file->name, node(KIND_SYSTEM_FILE, 0, file - proc_system_files),
                          file_mode(file));
        }
    if (*pos < PROCESS_POS) {
        *pos = PROCESS_POS;
        return report(info, "self", node(KIND_SELF, 0, 0), S_IFLNK);
    }
    for (const struct process *process = processes; process; process = process->next)
        if (process->pid + PROCESS_POS >= (int64_t)*pos && (!next || process->pid < next->pid))
            next = process;
    if (!next)
        return 0;
    *pos = next->pid + PROCESS_POS + 1;
    return report_number(info, next->pid, node(KIND_PROCESS, next->pid, 0), S_IFDIR);
}

static int process_readdir(struct inode *dir, uint64_t *pos, struct dirent_info *info)
{
    static const struct {
        const char *name;
        enum kind kind;
        uint32_t mode;
    } others[] = {
        {"exe", KIND_EXE, S_IFLNK}, {"cwd", KIND_CWD, S_IFLNK}, {"fd", KIND_FD_DIR, S_IFDIR}};
    const struct process *process = node_process(dir);
    uint64_t index = *pos - FIRST_POS, files = 0;

    while (proc_process_files[files].name)
        files++;
    if (!process || index >= files + sizeof(others) / sizeof(others[0]))
        return 0;
    ++*pos;
    if (index < files)
        return report(info, proc_process_files[index].name,
                      node(KIND_PROCESS_FILE, process->pid, index), S_IFREG);
    index -= files;
    return report(info, others[index].name, node(others[index].kind, process->pid, 0),
                  others[index].mode);
}

static int fd_readdir(struct inode *dir, uint64_t *pos, struct dirent_info *info)
{
    const struct process *process = node_process(dir);

    if (!process || !process->files)
        return 0;
    for (unsigned int fd = *pos - FIRST_POS; fd < FILES_MAX; fd++) {
        if (!files_at(process->files, fd))
            continue;
        *pos = fd + FIRST_POS + 1;
        return report_number(info, fd, node(KIND_FD, process->pid, fd), S_IFLNK);
    }
    return 0;
}

static const struct dir_ops root_dir_ops = {root_lookup, root_readdir};
static const struct dir_ops process_dir_ops = {process_lookup, process_readdir};
static const struct dir_ops fd_dir_ops = {fd_lookup, fd_readdir};

void procfs_init(void)
{
    struct inode *inode = NULL;

    if (dir_lookup(root_inode, "proc", 4, &inode)) {
        inode = inode_new(S_IFDIR | 0555);
        if (!inode || dir_link(root_inode, "proc", 4, inode))
            panic("no memory for /proc");
    }
    if (inode_is_dir(inode) && dir_is_empty(inode)) {
        inode->dir_ops = &root_dir_ops;
        inode->ino = PROC_INO;
    }
    inode_put(inode);
}
