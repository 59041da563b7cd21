/* SPDX-License-Identifier: MIT */
/*
 * KVM is used only where the CPU has virtualization *and* /dev/kvm opens: a /dev/kvm alone may be
 * there and hang whatever runs on it.
 */
#include "accel.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

/* The words of the first "flags" line of /proc/cpuinfo. */
static bool cpu_has_virtualization(void)
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    char *line = NULL;
    bool found = false;
    size_t n = 0;

    while (f && getline(&line, &n, f) > 0) {
        if (strncmp(line, "flags", 5) == 0) {
            for (char *word = strtok(line, " \t\n"); word; word = strtok(NULL, " \t\n")) {
                found |= strcmp(word, "vmx") == 0 || strcmp(word, "svm") == 0;
            }
            break;
        }
    }
    free(line);
    if (f) {
        fclose(f);
    }
    return found;
}

static bool kvm_opens(void)
{
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        return false;
    }
    close(fd);
    return true;
}

const char *accel_choose(const struct machine *m)
{
    bool asked = strcmp(m->accel, "kvm") == 0;

    if (strcmp(m->accel, "tcg") == 0 || m->icount) {
        return "tcg";
    }
    if (!cpu_has_virtualization()) {
        if (asked) {
            complain("--accel: kvm: the CPU has neither vmx nor svm (/proc/cpuinfo)");
        }
        return asked ? NULL : "tcg";
    }
    if (!kvm_opens()) {
        if (asked) {
            complain("--accel: kvm: cannot open /dev/kvm");
        }
        return asked ? NULL : "tcg";
    }
    return "kvm";
}

const char *accel_cpu(const struct machine *m, const char *accel)
{
    if (m->cpu) {
        return m->cpu;
    }
    return strcmp(accel, "kvm") == 0 ? "host" : "max,-smap";
}
