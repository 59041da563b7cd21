/* SPDX-License-Identifier: MIT */
/*
 * The options of `paravane run` as a table: name, where the value goes, its limits and its help.
 * paravane(1) describes each; tests/host/manual.test compares the two.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

enum option_kind { FLAG, TEXT, NUMBER, NOTHING };

struct run_option {
    const char *name, *argument;
    enum option_kind kind;
    bool of_guest; /* about KERNEL; a GUEST.cfg says it itself */
    size_t offset; /* in struct run_request */
    unsigned min, max;
    const char *help;
};

#define GUEST(field) true, offsetof(struct run_request, guest.field)
#define MACHINE(field) false, offsetof(struct run_request, machine.field)

static const struct run_option run_options[] = {
    {"initrd", "FILE", TEXT, GUEST(ramdisk), 0, 0, "initial ramdisk of KERNEL"},
    {"memory", "MIB", NUMBER, GUEST(memory_mib), 1, MEMORY_MIB_MAX,
     "memory of KERNEL's guest (256)"},
    {"vcpus", "N", NUMBER, GUEST(vcpus), 1, VCPUS_MAX, "its virtual CPUs (1)"},
    {"name", "NAME", TEXT, true, offsetof(struct run_request, name), 0, 0,
     "its name (the kernel file's)"},
    {"domain0", NULL, FLAG, MACHINE(domain0), 0, 0, "start the first guest as initial domain"},
    {"console", "NAME", TEXT, MACHINE(console), 0, 0,
     "of several guests, the one whose console is ours"},
    {"timeout", "SECONDS", NUMBER, MACHINE(timeout_s), 1, 1000000,
     "end everything after that long"},
    {"log", "FILE", TEXT, MACHINE(log_file), 0, 0, "write the hypervisor's log there"},
    {"verbose", NULL, FLAG, MACHINE(verbose), 0, 0, "-v: show the hypervisor's log on stderr"},
    {"machine-memory", "MIB", NUMBER, MACHINE(memory_mib), 16, MEMORY_MIB_MAX,
     "memory of the machine (as much as is needed)"},
    {"cpu", "MODEL", TEXT, MACHINE(cpu), 0, 0, "QEMU's CPU model (max,-smap; host with kvm)"},
    {"accel", "auto|tcg|kvm", TEXT, MACHINE(accel), 0, 0,
     "auto: kvm where the CPU has vmx or svm and /dev/kvm opens"},
    {"icount", NULL, FLAG, MACHINE(icount), 0, 0, "count instructions: one is one nanosecond"},
    {"gdb", "PORT", NUMBER, MACHINE(gdb_port), 1, 65535, "wait for gdb on that port"},
    {"hv-args", "WORDS", TEXT, MACHINE(hv_args), 0, 0, "more options for the hypervisor"},
    {"hypervisor", "FILE", TEXT, MACHINE(hypervisor), 0, 0, "another hypervisor image"},
    {"qemu", "PROGRAM", TEXT, MACHINE(qemu), 0, 0, "another QEMU (qemu-system-x86_64)"},
    {"print-qemu", NULL, FLAG, MACHINE(print_qemu), 0, 0,
     "print commands that do the same by hand"},
    {"no-control", NULL, NOTHING, false, 0, 0, 0, "no control domain (there is none yet)"},
    {"help", NULL, FLAG, false, offsetof(struct run_request, help), 0, 0, "-h: print this"},
};

#define OPTIONS (sizeof(run_options) / sizeof(run_options[0]))

static bool parse_number(const struct run_option *o, const char *text, unsigned *out)
{
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (errno || !isdigit((unsigned char)text[0]) || *end || n < o->min || n > o->max) {
        return complain("--%s: \"%s\" is not a number from %u to %u", o->name, text, o->min,
                        o->max);
    }
    *out = (unsigned)n;
    return true;
}

static bool take(const struct run_option *o, struct run_request *r)
{
    char *where = (char *)r + o->offset;

    if (o->of_guest) {
        r->guest_option = o->name;
    }
    switch (o->kind) {
    case FLAG:
        *(bool *)where = true;
        return true;
    case TEXT:
        *(const char **)where = optarg;
        return true;
    case NUMBER:
        return parse_number(o, optarg, (unsigned *)where);
    default:
        return true;
    }
}

/* What no single option can know. */
static bool check(struct run_request *r)
{
    const struct machine *m = &r->machine;

    if (strcmp(m->accel, "auto") != 0 && strcmp(m->accel, "tcg") != 0 &&
        strcmp(m->accel, "kvm") != 0) {
        return complain("--accel: \"%s\" is not auto, tcg or kvm", m->accel);
    }
    if (m->icount && strcmp(m->accel, "kvm") == 0) {
        return complain("--icount: only tcg can count instructions, not kvm");
    }
    if (r->name && !guest_name_is_good(r->name)) {
        return complain("--name: \"%s\" is not 1 to %d characters without space, comma or =",
                        r->name, NAME_BYTES - 1);
    }
    strcpy(r->guest.name, r->name ? r->name : "");
    return true;
}

bool options_parse(int argc, char **argv, struct run_request *r)
{
    struct option list[OPTIONS + 1] = {{0}};
    int opt;

    for (size_t i = 0; i < OPTIONS; i++) {
        list[i] = (struct option){run_options[i].name,
                                  run_options[i].argument ? required_argument : no_argument, NULL,
                                  256 + (int)i};
    }
    r->word = calloc((size_t)argc, sizeof(*r->word));
    if (!r->word) {
        return complain("no memory");
    }
    /* "-": words come as option 1, in their places, so that what stands before -- is known. */
    while ((opt = getopt_long(argc, argv, "-vh", list, NULL)) != -1) {
        if (opt == 1) {
            r->word[r->words++] = optarg;
        } else if (opt == '?') {
            return false;
        } else if (opt == 'v') {
            r->machine.verbose = true;
        } else if (opt == 'h') {
            r->help = true;
        } else if (!take(&run_options[opt - 256], r)) {
            return false;
        }
    }
    r->argument = argv + optind;
    r->arguments = argc - optind;
    return check(r);
}

void options_print_usage(void)
{
    puts("usage: paravane run [options] [KERNEL] [-- KERNEL-ARGUMENTS]\n"
         "       paravane run [options] GUEST.cfg...\n");
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct run_option *o = &run_options[i];
        int n =
            printf("  --%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");

        printf("%*s%s\n", n < 26 ? 26 - n : 1, "", o->help);
    }
}
