/* SPDX-License-Identifier: MIT */
/*
 * Guest consoles: the PV console ring served by the hypervisor, console_io, and the two ways they
 * reach the outside: frames on COM2 (`console=mux`, the paravane command) or tagged lines on COM1.
 * The frame format stands in hypervisor(8).
 */
#ifndef PARAVANE_CORE_CONSOLE_H
#define PARAVANE_CORE_CONSOLE_H

#include "domain.h"

enum console_mode { CONSOLE_COM1, CONSOLE_MUX };

void console_init(enum console_mode mode);
int console_create(struct domain *d);   /* -ENOMEM */
void console_destroy(struct domain *d); /* repeatable */
/* The builder gave d a console ring page; binds the hypervisor's end, returns the guest's port. */
int console_attach_ring(struct domain *d, mfn_t ring, evtchn_port_t *port);

/* The ring's frame, on which the hypervisor holds references (audit); MFN_NONE without one. */
mfn_t console_ring_frame(const struct domain *d);

void console_output(struct domain *d, const char *text, size_t bytes);
/* Bytes typed for d: into its ring, or kept until it asks. What does not fit is dropped. */
void console_input(struct domain *d, const char *text, size_t bytes);
/* Take up to `bytes` of the input kept for d (console_io read). */
size_t console_take_input(struct domain *d, char *dst, size_t bytes);
/* Serve UART input: frames or raw bytes to the focused domain. Called for PCPU_WORK_CONSOLE. */
void console_poll(void);
/* Tell the outside about a domain ("state=running name=x") or the end of the machine. */
void console_state(struct domain *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void console_state_id(domid_t id, const char *text);
void console_panic(const char *text);
void console_end(void);

/* How consoles reach the outside: one const table for each mode (mux.c, com1.c). */
struct console_outside {
    void (*output)(domid_t id, const char *text, size_t bytes);
    void (*consumed)(domid_t id, uint32_t bytes); /* the guest has taken so much input */
    void (*state)(domid_t id, const char *text);
    void (*panic)(const char *text);
    void (*end)(void);
    void (*poll)(void);
};
extern const struct console_outside console_outside_mux, console_outside_com1;

#endif
