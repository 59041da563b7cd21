/* SPDX-License-Identifier: MIT */
/* A release build. */
#include "debug.h"

const bool debug_build = false;
