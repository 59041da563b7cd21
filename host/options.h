/* SPDX-License-Identifier: MIT */
/* The command line of `paravane run`. */
#ifndef PARAVANE_HOST_OPTIONS_H
#define PARAVANE_HOST_OPTIONS_H

#include "guest.h"

struct run_request {
    struct machine machine;
    struct guest guest;       /* what the options say of KERNEL's guest */
    const char *name;         /* of it; NULL = the kernel file's */
    const char *guest_option; /* one of these that was given, NULL = none */
    char **word;              /* KERNEL or GUEST.cfg... */
    int words;
    char **argument; /* what came after -- */
    int arguments;
    bool help;
};

/* Fill r, which starts with defaults; false with a message. */
bool options_parse(int argc, char **argv, struct run_request *r);
void options_print_usage(void);

#endif
