/* SPDX-License-Identifier: MIT */
/* Debug keys: one character, one report in the log. Typed on COM1 after Ctrl-A three times, or
 * sent in a 'k' frame. */
#ifndef PARAVANE_CORE_DEBUGKEY_H
#define PARAVANE_CORE_DEBUGKEY_H

void debug_key(char key);

/* Run every auditor; the number of differences, the first of which are in the log. */
unsigned audit_all(void);

#endif
