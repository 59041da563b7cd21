/* SPDX-License-Identifier: MIT */
/* The ends of the domain. */
#ifndef PVGUEST_REBOOT_H
#define PVGUEST_REBOOT_H

void reboot_power_off(void) __attribute__((noreturn));
void reboot_restart(void) __attribute__((noreturn));
/* SHUTDOWN_crash: what sysrq 'c' and the end of init do. */
void reboot_crash(void) __attribute__((noreturn));

#endif
