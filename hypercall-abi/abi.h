/* SPDX-License-Identifier: MIT */
/*
 * The one include of Xen's public headers (Debian's libxen-dev). Numbers and structures come from
 * there; what Xen never wrote down, who may call what with which errors, is in hypercalls.tab.
 */
#ifndef PARAVANE_ABI_H
#define PARAVANE_ABI_H

#include <stdint.h>

/* The interface of Xen 4.13 and later: sched_op, event_channel_op and physdev_op in two-argument
 * form. */
#define __XEN_INTERFACE_VERSION__ 0x00040d00

#include <xen/callback.h>
#include <xen/elfnote.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/io/console.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/xen.h>

#endif
