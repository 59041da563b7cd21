/* SPDX-License-Identifier: MIT */
/* The subcommands of paravane(1), and where their data files are. */
#ifndef PARAVANE_HOST_COMMANDS_H
#define PARAVANE_HOST_COMMANDS_H

/* Each gets argv[0] = its own name; the result is the exit status. */
int command_run(int argc, char **argv);
int command_inspect(int argc, char **argv);
int command_abi(int argc, char **argv);

/* NAME in the directory of installed images; PARAVANE_LIBDIR overrides the directory. */
char *library_file(const char *name);

#endif
