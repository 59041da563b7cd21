/* SPDX-License-Identifier: MIT */
/*
 * One console per domain: its PV ring (xen/io/console.h) as the hypervisor serves it until a
 * control domain does, and the input kept for it. The guest may write anything into its ring at
 * any moment: the hypervisor keeps its own two indices, reads the guest's once, and clamps.
 * Invariant console-ring: an attached ring frame holds a reference and a PT_WRITABLE reference, so
 * that it cannot become a page table while we write to it.
 * Lock: console.lock, below event_lock and above the sched lock.
 */
#include "console.h"

#include <string.h>

#include "event.h"
#include "log.h"
#include "pagetype.h"

#define INPUT_BYTES 2048u /* a power of two; the host may have so much unacknowledged */

struct console {
    spinlock_t lock;
    struct xencons_interface *ring; /* NULL: none attached */
    mfn_t ring_mfn;
    evtchn_port_t port;
    bool ring_active; /* the guest has used it: input goes there */
    bool complained;
    uint32_t out_cons, in_prod; /* our own indices of the ring */
    uint32_t head, tail;        /* of input: free-running, tail - head bytes wait */
    char input[INPUT_BYTES];
};

static const struct console_outside *outside = &console_outside_com1;

void console_init(enum console_mode mode)
{
    outside = mode == CONSOLE_MUX ? &console_outside_mux : &console_outside_com1;
    log_set_terminal(mode == CONSOLE_COM1);
}

int console_create(struct domain *d)
{
    mfn_t mfn = frame_alloc_hypervisor();

    _Static_assert(sizeof(struct console) <= PAGE_SIZE, "a console is one frame");
    if (mfn_equal(mfn, MFN_INVALID)) {
        return -XEN_ENOMEM;
    }
    d->console = machine_map(mfn);
    return 0;
}

void console_destroy(struct domain *d)
{
    struct console *c = d->console;

    if (c == NULL) {
        return;
    }
    d->console = NULL;
    if (c->ring != NULL) {
        frame_put_and_type(NULL, c->ring_mfn);
    }
    frame_free_hypervisor(machine_mfn_of(c), 1);
}

static void complain(struct domain *d, struct console *c, const char *index, uint32_t used)
{
    struct vcpu *v = current_vcpu();

    if (!c->complained) {
        c->complained = true;
        refuse(v != NULL && v->domain == d ? v : d->vcpu[0], XEN_EINVAL, "console-ring",
               "%s makes %u bytes in the ring", index, used);
    }
}

/* Everything between our index and the guest's; at most a ring full. c->lock held. */
static void drain_output(struct domain *d, struct console *c)
{
    struct xencons_interface *ring = c->ring;
    uint32_t prod = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE);
    uint32_t used = prod - c->out_cons;
    char text[sizeof(ring->out)];

    if (used == 0) {
        return;
    }
    if (used > sizeof(ring->out)) { /* nonsense: nothing to print, go on from there */
        complain(d, c, "out_prod", used);
        used = 0;
    }
    for (uint32_t i = 0; i < used; i++) {
        text[i] = ((volatile char *)ring->out)[MASK_XENCONS_IDX(c->out_cons + i, ring->out)];
    }
    c->out_cons = prod;
    __atomic_store_n(&ring->out_cons, prod, __ATOMIC_RELEASE);
    if (used > 0) {
        outside->output(d->id, text, used);
    }
    if (used > sizeof(ring->out) / 2) {
        event_notify_guest(d, c->port); /* a writer who found little room may be asleep */
    }
}

/* From our buffer into the ring, as much as there is room for. c->lock held. */
static void feed_ring(struct domain *d, struct console *c)
{
    struct xencons_interface *ring = c->ring;
    uint32_t cons = __atomic_load_n(&ring->in_cons, __ATOMIC_ACQUIRE);
    uint32_t used = c->in_prod - cons;
    uint32_t moved = 0;

    if (used > sizeof(ring->in)) {
        complain(d, c, "in_cons", used);
        return;
    }
    while (c->head != c->tail && used + moved < sizeof(ring->in)) {
        ring->in[MASK_XENCONS_IDX(c->in_prod + moved, ring->in)] =
            c->input[c->head++ % INPUT_BYTES];
        moved++;
    }
    if (moved > 0) {
        c->in_prod += moved;
        __atomic_store_n(&ring->in_prod, c->in_prod, __ATOMIC_RELEASE);
        outside->consumed(d->id, moved);
        event_notify_guest(d, c->port);
    }
}

/* The guest sent on its console port: it wrote output, or made room for input. */
static void notified(struct domain *d, evtchn_port_t port)
{
    struct console *c = d->console;

    if (c == NULL || c->ring == NULL || port != c->port) {
        return;
    }
    spin_lock(&c->lock);
    c->ring_active = true;
    drain_output(d, c);
    feed_ring(d, c);
    spin_unlock(&c->lock);
}

int console_attach_ring(struct domain *d, mfn_t ring, evtchn_port_t *port)
{
    struct console *c = d->console;
    int err = frame_get_and_type(NULL, d, ring, PT_WRITABLE);

    if (err) {
        return err;
    }
    err = event_bind_hypervisor(d, 0, notified, port);
    if (err) {
        frame_put_and_type(NULL, ring);
        return err;
    }
    c->port = *port;
    c->ring_mfn = ring;
    c->ring = machine_map(ring);
    return 0;
}

mfn_t console_ring_frame(const struct domain *d)
{
    return d->console != NULL && d->console->ring != NULL ? d->console->ring_mfn : MFN_NONE;
}

void console_output(struct domain *d, const char *text, size_t bytes)
{
    if (d->console != NULL && bytes > 0) {
        outside->output(d->id, text, bytes);
    }
}

void console_input(struct domain *d, const char *text, size_t bytes)
{
    struct console *c = d->console;
    size_t i = 0;

    if (c == NULL) {
        return;
    }
    spin_lock(&c->lock);
    while (i < bytes && c->tail - c->head < INPUT_BYTES) {
        c->input[c->tail++ % INPUT_BYTES] = text[i++];
    }
    if (c->ring_active) {
        feed_ring(d, c);
    }
    spin_unlock(&c->lock);
    if (i < bytes) {
        log_warning("d%u: %lu bytes of console input dropped", d->id, bytes - i);
    }
    if (d->vcpu[0] != NULL) {
        event_send_virq(d->vcpu[0], VIRQ_CONSOLE);
    }
}

size_t console_take_input(struct domain *d, char *dst, size_t bytes)
{
    struct console *c = d->console;
    size_t i = 0;

    if (c == NULL) {
        return 0;
    }
    spin_lock(&c->lock);
    while (i < bytes && c->head != c->tail) {
        dst[i++] = c->input[c->head++ % INPUT_BYTES];
    }
    spin_unlock(&c->lock);
    if (i > 0) {
        outside->consumed(d->id, (uint32_t)i);
    }
    return i;
}

void console_poll(void)
{
    outside->poll();
}

void console_state_id(domid_t id, const char *text)
{
    log_debug("d%u %s", id, text);
    outside->state(id, text);
}

void console_state(struct domain *d, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vformat(text, sizeof(text), fmt, ap);
    va_end(ap);
    console_state_id(d->id, text);
}

void console_panic(const char *text)
{
    outside->panic(text);
}

void console_end(void)
{
    outside->end();
}
