/* SPDX-License-Identifier: MIT */
/* paravane run: from the command line to guests, then prepare them and go. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "config.h"
#include "error.h"
#include "options.h"
#include "prepare.h"
#include "qemu.h"
#include "session.h"
#include "signals.h"

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), k = strlen(tail);

    return n >= k && strcmp(s + n - k, tail) == 0;
}

/* A name from the kernel's file name, with what a name may not have replaced. */
static void default_name(struct guest *g)
{
    const char *base = strrchr(g->kernel, '/');

    if (g->name[0]) {
        return;
    }
    snprintf(g->name, sizeof(g->name), "%s", base ? base + 1 : g->kernel);
    for (char *p = g->name; *p; p++) {
        char one[2] = {*p, '\0'};

        *p = guest_name_is_good(one) ? *p : '_';
    }
}

static char *join(char **words, int count)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    for (int i = 0; out && i < count; i++) {
        fprintf(out, "%s%s", i ? " " : "", words[i]);
    }
    if (!out || fclose(out) != 0) {
        abort();
    }
    return text;
}

static bool take_configs(struct run_request *r)
{
    struct machine *m = &r->machine;
    bool good = true;

    if (r->guest_option) {
        return complain("--%s: %s says that of its guest itself", r->guest_option, r->word[0]);
    }
    if (r->arguments) {
        return complain("%s: arguments after -- are for a KERNEL; %s says its own", r->argument[0],
                        r->word[0]);
    }
    if (r->words > GUESTS_MAX) {
        return complain("%d guests are more than the %d that one machine starts", r->words,
                        GUESTS_MAX);
    }
    for (int i = 0; i < r->words; i++) {
        m->guest[i] = r->guest;
        good &= config_read(r->word[i], &m->guest[i]);
    }
    m->guest_count = (unsigned)r->words;
    return good;
}

static bool take_kernel(struct run_request *r)
{
    struct guest *g = &r->guest;

    if (r->words > 1) {
        return complain("%s: kernel arguments come after --", r->word[1]);
    }
    if (r->words == 1) {
        g->kernel = r->word[0];
    } else { /* the guest that comes with Paravane */
        g->kernel = library_file("pvguest");
        g->ramdisk = g->ramdisk ? g->ramdisk : library_file("pvguest-initrd.cpio");
    }
    g->cmdline = join(r->argument, r->arguments);
    g->origin = g->kernel;
    default_name(g);
    r->machine.guest[0] = *g;
    r->machine.guest_count = 1;
    return true;
}

static bool open_log(struct machine *m)
{
    m->log = m->log_file ? fopen(m->log_file, "we") : NULL;
    return !m->log_file || m->log || complain("%s: log: %s", m->log_file, strerror(errno));
}

int command_run(int argc, char **argv)
{
    static struct run_request r = {
        .machine = {.accel = "auto", .qemu = "qemu-system-x86_64"},
        .guest = {.memory_mib = 256, .vcpus = 1, .cmdline = ""},
    };

    if (!options_parse(argc, argv, &r)) {
        return EXIT_USAGE;
    }
    if (r.help) {
        options_print_usage();
        return EXIT_POWEROFF;
    }
    if (!(r.words && ends_with(r.word[0], ".cfg") ? take_configs(&r) : take_kernel(&r))) {
        return EXIT_USAGE;
    }
    if (!r.machine.hypervisor) {
        r.machine.hypervisor = library_file("paravane-hv");
    }
    if (!open_log(&r.machine)) {
        return EXIT_USAGE;
    }
    signals_hold(); /* from here on there are files to remove */
    if (!prepare(&r.machine)) {
        return EXIT_USAGE;
    }
    if (r.machine.print_qemu) {
        return qemu_print(&r.machine) ? EXIT_POWEROFF : EXIT_USAGE;
    }
    return session_run(&r.machine);
}
