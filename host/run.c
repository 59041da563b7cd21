/* SPDX-License-Identifier: MIT */
/* paravane run: options into a struct machine, then prepare and go. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "config.h"
#include "error.h"
#include "guest.h"
#include "prepare.h"
#include "qemu.h"
#include "session.h"

enum {
    OPT_INITRD = 256,
    OPT_MEMORY,
    OPT_VCPUS,
    OPT_NAME,
    OPT_MACHINE_MEMORY,
    OPT_CPU,
    OPT_ACCEL,
    OPT_ICOUNT,
    OPT_TIMEOUT,
    OPT_LOG,
    OPT_GDB,
    OPT_NO_CONTROL,
    OPT_CONSOLE,
    OPT_DOMAIN0,
    OPT_HYPERVISOR,
    OPT_HV_ARGS,
    OPT_QEMU,
    OPT_PRINT_QEMU,
};

static const struct option options[] = {
    {"initrd", required_argument, NULL, OPT_INITRD},
    {"memory", required_argument, NULL, OPT_MEMORY},
    {"vcpus", required_argument, NULL, OPT_VCPUS},
    {"name", required_argument, NULL, OPT_NAME},
    {"machine-memory", required_argument, NULL, OPT_MACHINE_MEMORY},
    {"cpu", required_argument, NULL, OPT_CPU},
    {"accel", required_argument, NULL, OPT_ACCEL},
    {"icount", no_argument, NULL, OPT_ICOUNT},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"log", required_argument, NULL, OPT_LOG},
    {"gdb", required_argument, NULL, OPT_GDB},
    {"no-control", no_argument, NULL, OPT_NO_CONTROL},
    {"console", required_argument, NULL, OPT_CONSOLE},
    {"domain0", no_argument, NULL, OPT_DOMAIN0},
    {"hypervisor", required_argument, NULL, OPT_HYPERVISOR},
    {"hv-args", required_argument, NULL, OPT_HV_ARGS},
    {"qemu", required_argument, NULL, OPT_QEMU},
    {"print-qemu", no_argument, NULL, OPT_PRINT_QEMU},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "usage: paravane run [options] [KERNEL [-- KERNEL-ARGUMENTS]]\n"
    "       paravane run [options] GUEST.cfg...\n"
    "\n"
    "  --initrd FILE          initial ramdisk of KERNEL\n"
    "  --memory MIB           memory of KERNEL's guest (256)\n"
    "  --vcpus N              its virtual CPUs (1)\n"
    "  --name NAME            its name (the file's)\n"
    "  --domain0              start it as the initial domain\n"
    "  --console NAME         of several guests, the one whose console is ours\n"
    "  --timeout SECONDS      end everything after that long\n"
    "  --log FILE             write the hypervisor's log there\n"
    "  -v, --verbose          show the hypervisor's log on stderr\n"
    "  --machine-memory MIB   memory of the machine (what is needed)\n"
    "  --cpu MODEL            QEMU's CPU model (max,-smap; host with kvm)\n"
    "  --accel auto|tcg|kvm   auto is kvm only where it really works\n"
    "  --icount               count instructions exactly\n"
    "  --gdb PORT             wait for gdb on that port\n"
    "  --hv-args WORDS        more words for the hypervisor's command line\n"
    "  --hypervisor FILE, --qemu PROGRAM, --print-qemu\n"
    "  --no-control           no control domain (the default for now)\n";

static bool parse_number(const char *option, const char *text, unsigned min, unsigned max,
                         unsigned *out)
{
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || n < min || n > max) {
        return complain("--%s: \"%s\" is not a number from %u to %u", option, text, min, max);
    }
    *out = (unsigned)n;
    return true;
}

static bool take_option(int opt, struct machine *m, struct guest *g)
{
    switch (opt) {
    case OPT_INITRD:
        g->ramdisk = optarg;
        return true;
    case OPT_MEMORY:
        return parse_number("memory", optarg, 1, 1 << 20, &g->memory_mib);
    case OPT_VCPUS:
        return parse_number("vcpus", optarg, 1, 32, &g->vcpus);
    case OPT_NAME:
        if (!optarg[0] || strlen(optarg) >= NAME_BYTES || strpbrk(optarg, " ,=\t\n")) {
            return complain("--name: \"%s\" must be 1 to %d characters without space, comma or =",
                            optarg, NAME_BYTES - 1);
        }
        strcpy(g->name, optarg);
        return true;
    case OPT_MACHINE_MEMORY:
        return parse_number("machine-memory", optarg, 16, 1 << 20, &m->memory_mib);
    case OPT_CPU:
        m->cpu = optarg;
        return true;
    case OPT_ACCEL:
        m->accel = optarg;
        return strcmp(optarg, "auto") == 0 || strcmp(optarg, "tcg") == 0 ||
               strcmp(optarg, "kvm") == 0 ||
               complain("--accel: \"%s\" is not auto, tcg or kvm", optarg);
    case OPT_TIMEOUT:
        return parse_number("timeout", optarg, 1, 1000000, &m->timeout_s);
    case OPT_GDB:
        return parse_number("gdb", optarg, 1, 65535, &m->gdb_port);
    default:
        return false;
    }
}

static bool take_plain_option(int opt, struct machine *m)
{
    switch (opt) {
    case OPT_ICOUNT:
        m->icount = true;
        return true;
    case OPT_LOG:
        m->log_file = optarg;
        return true;
    case OPT_NO_CONTROL:
        return true; /* there is no control domain yet */
    case OPT_CONSOLE:
        m->console = optarg;
        return true;
    case OPT_DOMAIN0:
        m->domain0 = true;
        return true;
    case OPT_HYPERVISOR:
        m->hypervisor = optarg;
        return true;
    case OPT_HV_ARGS:
        m->hv_args = optarg;
        return true;
    case OPT_QEMU:
        m->qemu = optarg;
        return true;
    case OPT_PRINT_QEMU:
        m->print_qemu = true;
        return true;
    case 'v':
        m->verbose = true;
        return true;
    default:
        return false;
    }
}

static bool is_plain_option(int opt)
{
    return opt == OPT_ICOUNT || opt == OPT_LOG || opt == OPT_NO_CONTROL || opt == OPT_CONSOLE ||
           opt == OPT_DOMAIN0 || opt == OPT_HYPERVISOR || opt == OPT_HV_ARGS || opt == OPT_QEMU ||
           opt == OPT_PRINT_QEMU || opt == 'v';
}

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
        if (strchr(" ,=\t\n", *p)) {
            *p = '_';
        }
    }
}

static char *join(char **words, int count)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    for (int i = 0; i < count; i++) {
        fprintf(out, "%s%s", i ? " " : "", words[i]);
    }
    fclose(out);
    return text;
}

/* The guest that comes with Paravane, when none is named. */
static void use_pvguest(struct guest *g)
{
    g->kernel = library_file("pvguest");
    if (!g->ramdisk) {
        g->ramdisk = library_file("pvguest-initrd.cpio");
    }
}

static bool take_configs(struct machine *m, const struct guest *defaults, char **files, int count)
{
    bool good = true;

    if (count > GUESTS_MAX) {
        return complain("%d guests are more than the %d that one machine starts", count,
                        GUESTS_MAX);
    }
    for (int i = 0; i < count; i++) {
        m->guest[i] = *defaults;
        good &= config_read(files[i], &m->guest[i]);
    }
    m->guest_count = (unsigned)count;
    return good;
}

static bool take_kernel(struct machine *m, struct guest *g, char **words, int count, bool dashes)
{
    if (count == 0 || dashes) {
        use_pvguest(g);
        g->cmdline = join(words, count);
    } else {
        g->kernel = words[0];
        if (count > 1 && strcmp(words[1], "--") != 0) {
            return complain("%s: kernel arguments come after --", words[1]);
        }
        g->cmdline = join(words + 2, count > 2 ? count - 2 : 0);
    }
    g->origin = g->kernel;
    default_name(g);
    m->guest[0] = *g;
    m->guest_count = 1;
    return true;
}

int command_run(int argc, char **argv)
{
    static struct machine m = {.accel = "auto", .qemu = "qemu-system-x86_64"};
    struct guest g = {.memory_mib = 256, .vcpus = 1, .cmdline = ""};
    bool dashes;
    int opt;

    /* "+": the first word that is no option ends them, what follows is the guest's. */
    while ((opt = getopt_long(argc, argv, "+vh", options, NULL)) != -1) {
        if (opt == 'h') {
            fputs(usage, stdout);
            return EXIT_POWEROFF;
        }
        if (opt == '?' || !(is_plain_option(opt) ? take_plain_option(opt, &m)
                                                 : take_option(opt, &m, &g))) {
            return EXIT_USAGE;
        }
    }
    dashes = optind > 1 && strcmp(argv[optind - 1], "--") == 0;
    if (!dashes && optind < argc && ends_with(argv[optind], ".cfg")) {
        if (!take_configs(&m, &g, argv + optind, argc - optind)) {
            return EXIT_USAGE;
        }
    } else if (!take_kernel(&m, &g, argv + optind, argc - optind, dashes)) {
        return EXIT_USAGE;
    }
    if (!m.hypervisor) {
        m.hypervisor = library_file("paravane-hv");
    }
    if (!prepare(&m)) {
        return EXIT_USAGE;
    }
    if (m.print_qemu) {
        return qemu_print(&m) ? EXIT_POWEROFF : EXIT_USAGE;
    }
    return session_run(&m);
}
