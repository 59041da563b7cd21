/* SPDX-License-Identifier: MIT */
/* A debug build (configure --enable-debug). */
#include "debug.h"

const bool debug_build = true;
