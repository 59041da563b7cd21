/* SPDX-License-Identifier: MIT */
/* One private directory per run, gone when the process ends. */
#ifndef PARAVANE_HOST_TEMPDIR_H
#define PARAVANE_HOST_TEMPDIR_H

/* Its path, made at the first call (mode 0700); NULL with a message if it cannot be made. */
const char *tempdir(void);
/* "DIR/name", to be freed. */
char *tempdir_path(const char *name);

#endif
