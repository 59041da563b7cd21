/* SPDX-License-Identifier: MIT */
/* Prototypes of every hypercall handler, generated from hypercall-abi/hypercalls.tab. */
#ifndef PARAVANE_CORE_HANDLERS_H
#define PARAVANE_CORE_HANDLERS_H

#include "domain.h"
#include "hypercall_handlers.h"

#endif
