/* SPDX-License-Identifier: MIT */
/* paravane: the command a person types. Finds the subcommand. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "error.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"run", command_run, "boot guests in the foreground"},
    {"inspect", command_inspect, "say what a kernel image is and whether it can boot here"},
    {"abi", command_abi, "print the hypercall reference"},
};

char *library_file(const char *name)
{
    const char *dir = getenv("PARAVANE_LIBDIR");
    char *path;

    if (asprintf(&path, "%s/%s", dir && dir[0] ? dir : PARAVANE_LIBDIR, name) < 0) {
        abort();
    }
    return path;
}

static void print_usage(FILE *out)
{
    fprintf(out, "usage: paravane COMMAND [ARGUMENTS]\n\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
    }
    fprintf(out, "\n`paravane COMMAND --help` tells more; so does paravane(1).\n");
}

/* What went to stdout must have arrived. */
static int finish(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain("standard output: %s", strerror(errno));
        return status ? status : EXIT_USAGE;
    }
    return status;
}

/* 0, 1 and 2 must be taken, or a socket to QEMU might become one of them. */
static void open_standard_files(void)
{
    int fd;

    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= 2) {
    }
    close(fd);
}

int main(int argc, char **argv)
{
    open_standard_files();
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return finish(EXIT_SUCCESS);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("paravane %s\n", PARAVANE_VERSION);
        return finish(EXIT_SUCCESS);
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            argv[1] = argv[0] = "paravane"; /* as getopt names us in its messages */
            return finish(commands[i].run(argc - 1, argv + 1));
        }
    }
    complain("%s: there is no such command; `paravane --help` lists them", argv[1]);
    return EXIT_USAGE;
}
