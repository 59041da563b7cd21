/* SPDX-License-Identifier: MIT */
/* What the kernel checks of itself and of the hypervisor below, at boot. */
#ifndef PVGUEST_KSELFTEST_H
#define PVGUEST_KSELFTEST_H

/* One line with the counts, and one for each check that failed. True when none did. */
_Bool kselftest(void);

#endif
