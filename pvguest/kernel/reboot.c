/* SPDX-License-Identifier: MIT */
/* The ends of the domain, as shutdown hypercalls. */
#include "reboot.h"

#include <pv/start.h>

#include "print.h"

void reboot_power_off(void)
{
    pv_shutdown(SHUTDOWN_poweroff);
}

void reboot_restart(void)
{
    pv_shutdown(SHUTDOWN_reboot);
}

void reboot_crash(void)
{
    kprintf("pvguest: crash\n");
    pv_shutdown(SHUTDOWN_crash);
}
