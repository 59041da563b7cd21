/* SPDX-License-Identifier: MIT */
/* Console ring (xen/io/console.h) or console_io. */
#include <pv/console.h>
#include <pv/event.h>
#include <pv/hypercall_stubs.h>
#include <pv/ring.h>
#include <pv/start.h>

static struct xencons_interface *ring; /* NULL: console_io */
static evtchn_port_t ring_port;
static void (*input_handler)(void);

void pv_console_early(const char *text, size_t bytes)
{
    hc_consoleio_write(bytes, text);
}

static void on_event(evtchn_port_t port, void *arg)
{
    (void)port, (void)arg;
    if (input_handler) {
        input_handler();
    }
}

int pv_console_init(void (*input)(void))
{
    int port;

    input_handler = input;
    if (pv_start_info->flags & SIF_INITDOMAIN) {
        port = pv_bind_virq(VIRQ_CONSOLE, on_event, NULL);
        return port < 0 ? port : 0;
    }
    if (pv_start_info->console.domU.evtchn == 0) {
        return -XEN_ENOENT;
    }
    ring = (struct xencons_interface *)(PV_VIRT_BASE +
                                        (pv_mfn_to_pfn(pv_start_info->console.domU.mfn) << 12));
    ring_port = pv_start_info->console.domU.evtchn;
    port = pv_bind_port(ring_port, on_event, NULL);
    return port < 0 ? port : 0;
}

size_t pv_console_write(const char *text, size_t bytes)
{
    uint32_t prod;
    size_t n;

    if (!ring) {
        hc_consoleio_write(bytes, text);
        return bytes;
    }
    prod = ring->out_prod;
    n = pv_ring_put(ring->out, sizeof(ring->out), &prod,
                    __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE), text, (uint32_t)bytes);
    __atomic_store_n(&ring->out_prod, prod, __ATOMIC_RELEASE);
    if (n) {
        pv_event_send(ring_port);
    }
    return n;
}

size_t pv_console_read(char *to, size_t bytes)
{
    uint32_t cons;
    size_t n;

    if (!ring) {
        long got = hc_consoleio_read(bytes, to);

        return got > 0 ? (size_t)got : 0;
    }
    cons = ring->in_cons;
    n = pv_ring_get(ring->in, sizeof(ring->in), __atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE),
                    &cons, to, (uint32_t)bytes);
    __atomic_store_n(&ring->in_cons, cons, __ATOMIC_RELEASE);
    if (n) {
        pv_event_send(ring_port);
    }
    return n;
}
