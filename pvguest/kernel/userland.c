/* SPDX-License-Identifier: MIT */
/* The way from a running kernel to /init: file tree, devices, system calls, pid 1. */
#include "userland.h"

#include "cpio.h"
#include "device.h"
#include "fpu.h"
#include "inode.h"
#include "print.h"
#include "process.h"
#include "procfs.h"
#include "syscall.h"
#include "timer.h"

void userland_start(const void *initramfs, size_t size)
{
    static struct wait_queue never;

    fpu_init();
    inode_init();
    if (size) {
        int entries = cpio_unpack(initramfs, size);
        if (entries < 0)
            panic("the initramfs (%lu bytes) cannot be unpacked: error %d", size, -entries);
        kprintf("pvguest: %d files from the initramfs\n", entries);
    }
    device_make_nodes();
    procfs_init();
    syscall_init();
    timer_init();
    process_start_init("/init");
    for (;;)
        thread_sleep(&never, 0, false);
}
