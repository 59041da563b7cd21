/* SPDX-License-Identifier: MIT */
/*
 * The initramfs reader: cpio "newc" (magic 070701) and "crc" (070702), several archives one behind
 * the other with zero padding between, hard links, devices. The archive comes from outside, so no
 * length in it is believed before it is compared with what is left.
 */
#include "cpio.h"

#include <string.h>

#include <asm/errno.h>

#include "inode.h"
#include "iov.h"
#include "memory.h"
#include "path.h"

#define HEADER_SIZE 110
#define NR_LINKS 16 /* inode numbers remembered for files with several names */

enum field { INO, MODE, UID, GID, NLINK, MTIME, FILESIZE, MAJOR, MINOR, RMAJOR, RMINOR, NAMESIZE };

struct entry {
    uint32_t field[NAMESIZE + 1];
    const char *name; /* NUL-terminated inside the archive */
    const char *data;
};

struct unpacker {
    const char *at, *end, *start;
    struct {
        uint32_t ino;
        struct inode *inode;
    } links[NR_LINKS];
    unsigned int next_link;
    int entries;
};

static bool hex_field(const char *text, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 8; i++) {
        char c = text[i] | 0x20;
        if (text[i] >= '0' && text[i] <= '9')
            *value = *value << 4 | (text[i] - '0');
        else if (c >= 'a' && c <= 'f')
            *value = *value << 4 | (c - 'a' + 10);
        else
            return false;
    }
    return true;
}

static size_t padded(const struct unpacker *unpacker, const char *at)
{
    return (4 - (at - unpacker->start) % 4) % 4;
}

/* Takes `size` bytes and the padding behind them. NULL: the archive is shorter. */
static const char *take(struct unpacker *unpacker, size_t size)
{
    const char *at = unpacker->at;

    if ((size_t)(unpacker->end - at) < size)
        return NULL;
    size_t pad = padded(unpacker, at + size);
    size_t left = unpacker->end - at - size;
    unpacker->at = at + size + (pad < left ? pad : left);
    return at;
}

static int read_entry(struct unpacker *unpacker, struct entry *entry)
{
    const char *header = unpacker->at;

    if (unpacker->end - header < HEADER_SIZE ||
        (memcmp(header, "070701", 6) && memcmp(header, "070702", 6)))
        return -EINVAL;
    for (int i = INO; i <= NAMESIZE; i++)
        if (!hex_field(header + 6 + 8 * i, &entry->field[i]))
            return -EINVAL;
    unpacker->at += HEADER_SIZE;
    uint32_t length = entry->field[NAMESIZE];
    entry->name = take(unpacker, length);
    if (!entry->name || !length || length > PATH_MAX || entry->name[length - 1])
        return -EINVAL;
    entry->data = take(unpacker, entry->field[FILESIZE]);
    return entry->data ? 0 : -EINVAL;
}

static struct inode **linked_inode(struct unpacker *unpacker, uint32_t ino)
{
    for (int i = 0; i < NR_LINKS; i++)
        if (unpacker->links[i].inode && unpacker->links[i].ino == ino)
            return &unpacker->links[i].inode;
    return NULL;
}

static void remember_link(struct unpacker *unpacker, uint32_t ino, struct inode *inode)
{
    unsigned int slot = unpacker->next_link++ % NR_LINKS;

    inode_put(unpacker->links[slot].inode);
    unpacker->links[slot].ino = ino;
    unpacker->links[slot].inode = inode_get(inode);
}

static int fill_inode(const struct entry *entry, struct inode *inode)
{
    uint32_t size = entry->field[FILESIZE];

    inode->uid = entry->field[UID];
    inode->gid = entry->field[GID];
    if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
        inode->rdev = entry->field[RMAJOR] << 8 | (entry->field[RMINOR] & 0xff);
    if (S_ISLNK(inode->mode)) {
        inode->target = kmalloc(size + 1);
        if (!inode->target)
            return -ENOSPC;
        memcpy(inode->target, entry->data, size);
        inode->target[size] = '\0';
        inode->size = size;
    } else if (S_ISREG(inode->mode) && size) {
        struct iovec vec = {.iov_base = (void *)entry->data, .iov_len = size};
        struct iov_iter iter;
        iov_iter_init(&iter, false, &vec, 1);
        if (inode_write(inode, &iter, 0) != (long)size)
            return -ENOSPC;
    }
    inode->mtime = inode->ctime = entry->field[MTIME] * 1000000000ull;
    return 0;
}

/* Gives the entry its name; an earlier file of that name makes room. */
static int link_entry(const struct path *path, struct inode *inode)
{
    if (path->inode)
        dir_unlink(path->dir, path->name, path->length);
    return dir_link(path->dir, path->name, path->length, inode);
}

static int unpack_entry(struct unpacker *unpacker, const struct entry *entry)
{
    bool several = entry->field[NLINK] > 1 && S_ISREG(entry->field[MODE]);
    struct inode **linked = several ? linked_inode(unpacker, entry->field[INO]) : NULL;
    struct path path;
    int error = path_walk(root_inode, entry->name, PATH_NOFOLLOW, &path);

    if (error)
        return error == -ENOMEM ? -ENOSPC : error;
    if (!path.dir || (path.inode && inode_is_dir(path.inode))) {
        path_put(&path); /* "." or a directory that is there already */
        return 0;
    }
    struct inode *inode = linked ? inode_get(*linked) : inode_new(entry->field[MODE]);
    if (!inode)
        error = -ENOSPC;
    if (!error && several && !linked)
        remember_link(unpacker, entry->field[INO], inode);
    if (!error && (!linked || entry->field[FILESIZE]))
        error = fill_inode(entry, inode);
    if (!error)
        error = link_entry(&path, inode);
    inode_put(inode);
    path_put(&path);
    return error;
}

static int unpack_all(struct unpacker *unpacker)
{
    struct entry entry;

    for (;;) {
        while (unpacker->at < unpacker->end && !*unpacker->at)
            unpacker->at++;
        if (unpacker->at == unpacker->end)
            return 0;
        int error = read_entry(unpacker, &entry);
        if (error)
            return error;
        if (!strcmp(entry.name, "TRAILER!!!"))
            continue;
        error = unpack_entry(unpacker, &entry);
        if (error)
            return error;
        unpacker->entries++;
    }
}

int cpio_unpack(const void *archive, size_t size)
{
    struct unpacker unpacker = {
        .at = archive, .start = archive, .end = (const char *)archive + size};
    int error = unpack_all(&unpacker);

    for (int i = 0; i < NR_LINKS; i++)
        inode_put(unpacker.links[i].inode);
    return error ? error : unpacker.entries;
}
