/* SPDX-License-Identifier: MIT */
/* Start of the kernel, as a table of contents. */
#include <string.h>

#include <pv/event.h>
#include <pv/hypercall_stubs.h>
#include <pv/start.h>

#include "clock.h"
#include "console.h"
#include "kselftest.h"
#include "memory.h"
#include "print.h"
#include "thread.h"
#include "trap.h"
#include "userland.h"

static void greet(void)
{
    xen_extraversion_t extra;
    long version = hc_xenver_version();

    hc_xenver_extraversion(&extra);
    kprintf("pvguest: on Xen ABI %ld.%ld%s, %s, %lu MiB\n", version >> 16, version & 0xffff, extra,
            pv_start_info->flags & SIF_INITDOMAIN ? "initial domain" : "domU",
            pv_start_info->nr_pages >> 8);
}

static void report_memory(void)
{
    struct memory_info info;

    memory_info(&info);
    kprintf("pvguest: memory: %lu of %lu KiB free\n", info.free * 4, info.total * 4);
}

/* The initial ramdisk, wherever start_info says that it is (MOD_START_PFN or an address). */
static const void *ramdisk(size_t *bytes)
{
    *bytes = pv_start_info->mod_len;
    if (!pv_start_info->mod_len)
        return NULL;
    return pv_start_info->flags & SIF_MOD_START_PFN ? direct_page(pv_start_info->mod_start)
                                                    : (const void *)pv_start_info->mod_start;
}

void pv_main(start_info_t *si)
{
    uint64_t tsc = __builtin_ia32_rdtsc();
    const void *initrd;
    size_t bytes;

    if (pv_map_shared_info())
        panic("cannot map shared_info");
    pv_event_init();
    trap_init();
    greet();
    kprintf("pvguest: first instruction %lu thousand TSC ticks after reset\n", tsc / 1000);
    memory_init();
    report_memory();
    thread_init();
    clock_init();
    console_init();
    kprintf("pvguest: kernel arguments: %s\n", (const char *)si->cmd_line);
    kselftest();
    initrd = ramdisk(&bytes);
    if (!initrd)
        panic("no initial ramdisk");
    userland_start(initrd, bytes);
}
