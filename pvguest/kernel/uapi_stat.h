/* SPDX-License-Identifier: MIT */
/*
 * Linux's struct stat, S_IF* and S_IS*. <linux/stat.h> hides them once a header of glibc has been
 * seen (<string.h> has): there they would be declared twice. Here there is no libc.
 */
#ifndef PVGUEST_UAPI_STAT_H
#define PVGUEST_UAPI_STAT_H

#pragma push_macro("__GLIBC__")
#undef __GLIBC__
#include <asm/stat.h>
#include <linux/stat.h>
#pragma pop_macro("__GLIBC__")

#endif
