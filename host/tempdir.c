/* SPDX-License-Identifier: MIT */
/*
 * The private directory of one run: unpacked kernels and links with plain names for QEMU. It is
 * removed at every way out, signals included (signals.c holds them, so that main() returns).
 */
#include "tempdir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

static char directory[PATH_MAX];

static void remove_all(void)
{
    char path[PATH_MAX + 256];
    const struct dirent *e;
    DIR *d;

    if (!directory[0]) {
        return;
    }
    d = opendir(directory);
    while (d && (e = readdir(d))) {
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", directory, e->d_name);
            unlink(path);
        }
    }
    if (d) {
        closedir(d);
    }
    rmdir(directory);
    directory[0] = '\0';
}

const char *tempdir(void)
{
    const char *base = getenv("TMPDIR");

    if (directory[0]) {
        return directory;
    }
    /* QEMU takes a module's path up to the first space and doubles commas, and the hypervisor has
     * to hold it with the module's options: neither may be in ours, and it must be short. */
    if (!base || base[0] != '/' || strpbrk(base, " ,") || strlen(base) > 200) {
        base = "/tmp";
    }
    snprintf(directory, sizeof(directory), "%s/paravane.XXXXXX", base);
    if (!mkdtemp(directory)) {
        complain("%s: cannot make a private directory: %s", base, strerror(errno));
        directory[0] = '\0';
        return NULL;
    }
    atexit(remove_all);
    return directory;
}

char *tempdir_path(const char *name)
{
    char *path = NULL;
    const char *dir = tempdir();

    if (dir && asprintf(&path, "%s/%s", dir, name) < 0) {
        path = NULL;
    }
    return path;
}
