/* SPDX-License-Identifier: MIT */
/* Everything about the guests that can be wrong is found here, before QEMU is started. */
#include "prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "image.h"
#include "payload.h"
#include "tempdir.h"

#define HYPERVISOR_MIB 24 /* its image, stacks and tables of a small machine */

static bool write_all(const char *path, const void *data, size_t bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const char *p = data;

    if (fd < 0) {
        return complain("%s: %s", path, strerror(errno));
    }
    while (bytes) {
        ssize_t n = write(fd, p, bytes);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            complain("%s: %s", path, n < 0 ? strerror(errno) : "no space");
            close(fd);
            return false;
        }
        p += n;
        bytes -= (size_t)n;
    }
    close(fd);
    return true;
}

static char *link_to(const char *target, const char *name)
{
    char *path = tempdir_path(name), *full = realpath(target, NULL);

    if (path && full && symlink(full, path) == 0) {
        free(full);
        return path;
    }
    complain("%s: %s", target, strerror(errno));
    free(full);
    free(path);
    return NULL;
}

static bool check_memory(const struct guest *g, const struct image *im, bool domain0)
{
    char why[PV_ERROR_MAX];
    unsigned least = image_least_memory(im, g->ramdisk_bytes, g->cmdline, domain0, why);

    if (!least) {
        return complain("%s: kernel: %s", g->kernel, why);
    }
    if (g->memory_mib < least) {
        return complain("%s: memory: %u MiB is too little for this kernel%s: it needs at least "
                        "%u MiB",
                        g->origin, g->memory_mib, g->ramdisk ? " and its ramdisk" : "", least);
    }
    return true;
}

static bool prepare_ramdisk(struct guest *g, unsigned index)
{
    struct stat st;
    char name[32];

    if (!g->ramdisk) {
        return true;
    }
    if (stat(g->ramdisk, &st) != 0 || access(g->ramdisk, R_OK) != 0) {
        return complain("%s: ramdisk: %s", g->ramdisk, strerror(errno));
    }
    if (!S_ISREG(st.st_mode) || st.st_size == 0) {
        return complain("%s: ramdisk: %s", g->ramdisk,
                        S_ISDIR(st.st_mode)   ? "is a directory"
                        : S_ISREG(st.st_mode) ? "is empty"
                                              : "is not a regular file");
    }
    g->ramdisk_bytes = (uint64_t)st.st_size;
    snprintf(name, sizeof(name), "ramdisk%u", index);
    g->module = link_to(g->ramdisk, name);
    return g->module != NULL;
}

static bool prepare_kernel(struct guest *g, unsigned index, bool domain0)
{
    static struct image im;
    struct payload p;
    char name[32];
    bool good;

    if (!payload_read(g->kernel, &p)) {
        return false;
    }
    image_read(p.elf, p.bytes, &im);
    good = im.why ? complain("%s: kernel: %s", g->kernel, im.why) : check_memory(g, &im, domain0);
    snprintf(name, sizeof(name), "kernel%u", index);
    if (good && p.is_bzimage) {
        g->is_packed = true;
        g->image = tempdir_path(name);
        good = g->image && write_all(g->image, p.elf, p.bytes);
    } else if (good) {
        g->image = link_to(g->kernel, name);
        good = g->image != NULL;
    }
    g->image_bytes = p.bytes;
    payload_free(&p);
    return good;
}

static bool check_hypervisor(const struct machine *m)
{
    struct stat st;

    if (stat(m->hypervisor, &st) != 0 || access(m->hypervisor, R_OK) != 0) {
        return complain("%s: hypervisor image: %s", m->hypervisor, strerror(errno));
    }
    return S_ISREG(st.st_mode) ||
           complain("%s: hypervisor image: is not a regular file", m->hypervisor);
}

static bool check_names(const struct machine *m)
{
    bool found = m->console == NULL;

    for (unsigned i = 0; i < m->guest_count; i++) {
        for (unsigned k = 0; k < i; k++) {
            if (strcmp(m->guest[i].name, m->guest[k].name) == 0) {
                return complain("two guests are named \"%s\"", m->guest[i].name);
            }
        }
        found |= m->console && strcmp(m->console, m->guest[i].name) == 0;
    }
    return found || complain("--console: there is no guest named \"%s\"", m->console);
}

/* Guests, their files (in RAM until their guest is built), the tables that grow with memory. */
static unsigned default_memory(const struct machine *m)
{
    uint64_t mib = HYPERVISOR_MIB, files = 0;

    for (unsigned i = 0; i < m->guest_count; i++) {
        mib += m->guest[i].memory_mib + 1;
        files += m->guest[i].image_bytes + m->guest[i].ramdisk_bytes + 8192;
    }
    mib += files >> 20;
    mib += mib / 64 + 4;
    return (unsigned)mib;
}

bool prepare(struct machine *m)
{
    unsigned least;

    if (!check_hypervisor(m) || !check_names(m)) {
        return false;
    }
    for (unsigned i = 0; i < m->guest_count; i++) {
        if (!prepare_ramdisk(&m->guest[i], i) ||
            !prepare_kernel(&m->guest[i], i, i == 0 && m->domain0)) {
            return false;
        }
    }
    least = default_memory(m);
    if (m->memory_mib == 0) {
        m->memory_mib = least;
    } else if (m->memory_mib < least) {
        return complain("--machine-memory: %u MiB is too little for these guests: at least %u MiB",
                        m->memory_mib, least);
    }
    return true;
}
