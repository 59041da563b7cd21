/* SPDX-License-Identifier: MIT */
/*
 * console=com1: all consoles on the log's port, for a person with a terminal. Each line is tagged
 * "(dN) "; the domain in focus is shown as it types, others a line at a time, without their
 * control characters. Ctrl-A three times moves the focus: each domain in turn, then debug keys.
 */
#include <string.h>

#include "console.h"
#include "debugkey.h"
#include "log.h"

#define COM1 0
#define SWITCH_KEY 0x01 /* Ctrl-A, as on Xen */
#define SWITCH_COUNT 3
#define LINE_BYTES 160u
#define POLL_BYTES 4096
#define FOCUS_DEBUG DOMAIN_MAX /* no domain: keys are debug keys */
#define BUFFERED_DOMAINS 64    /* others' lines are not kept whole */

static struct line {
    uint16_t used;
    char text[LINE_BYTES];
} * lines; /* one per domain id below BUFFERED_DOMAINS, allocated at the first output */

static unsigned focus = FOCUS_DEBUG; /* or a domid; at first that of the first domain to run */
static bool focus_chosen;
static domid_t on_screen; /* whose text stands in the unfinished line */
static unsigned switch_keys;
static spinlock_t com1_lock;

static void put_tag(domid_t id)
{
    char tag[16];

    log_raw(tag, format(tag, sizeof(tag), "(d%u) ", id));
    on_screen = id;
}

/* The focused domain: as it comes, tag at the beginning of a line, CR before LF. */
static void show_now(domid_t id, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes;) {
        size_t run = 0;

        if (log_is_midline() && on_screen != id) {
            log_raw("\r\n", 2);
        }
        if (!log_is_midline()) {
            put_tag(id);
        }
        while (i + run < bytes && text[i + run] != '\n') {
            run++;
        }
        log_raw(text + i, run > 0 && text[i + run - 1] == '\r' ? run - 1 : run);
        i += run;
        if (i < bytes) {
            log_raw("\r\n", 2);
            i++;
        }
    }
}

static void show_line(domid_t id, struct line *line)
{
    if (line->used > 0) {
        if (log_is_midline()) {
            log_raw("\r\n", 2);
        }
        put_tag(id);
        log_raw(line->text, line->used);
        log_raw("\r\n", 2);
        line->used = 0;
    }
}

static struct line *line_of(domid_t id)
{
    if (lines == NULL) {
        mfn_t mfn = frame_alloc_hypervisor_run(
            (BUFFERED_DOMAINS * sizeof(struct line) + PAGE_SIZE - 1) / PAGE_SIZE);

        if (!mfn_equal(mfn, MFN_INVALID)) {
            lines = machine_map(mfn);
        }
    }
    return lines != NULL && id < BUFFERED_DOMAINS ? &lines[id] : NULL;
}

static void com1_output(domid_t id, const char *text, size_t bytes)
{
    struct line *line;

    spin_lock(&com1_lock);
    line = line_of(id);
    if (id == focus || line == NULL) {
        show_now(id, text, bytes);
    } else {
        for (size_t i = 0; i < bytes; i++) {
            if (text[i] == '\n' || line->used == LINE_BYTES) {
                show_line(id, line);
            }
            if (text[i] == '\t' || ((unsigned char)text[i] >= ' ' && text[i] != 127)) {
                line->text[line->used++] = text[i];
            }
        }
    }
    spin_unlock(&com1_lock);
}

static void com1_consumed(domid_t id, uint32_t bytes)
{
    (void)id;
    (void)bytes;
}

/* A domain's last words may lack their newline. The first domain gets the keys. */
static void com1_state(domid_t id, const char *text)
{
    struct line *line;

    spin_lock(&com1_lock);
    if (!focus_chosen && memcmp(text, "state=running", 13) == 0) {
        focus_chosen = true;
        focus = id;
    }
    line = line_of(id);
    if (line != NULL) {
        show_line(id, line);
    }
    spin_unlock(&com1_lock);
}

static void com1_panic(const char *text)
{
    (void)text; /* the log has it, on the same port */
}

static void com1_end(void)
{
}

static void move_focus(void)
{
    unsigned id = focus == FOCUS_DEBUG ? 0 : focus + 1;

    while (id < DOMAIN_MAX && (domain_table[id] == NULL || domain_table[id]->is_dying)) {
        id++;
    }
    focus = id;
    if (id == FOCUS_DEBUG) {
        log_info("keys go to the hypervisor: h for help, Ctrl-A three times for the next domain");
    } else {
        log_info("keys go to d%u (%s)", id, domain_table[id]->name);
    }
}

static void take_key(char key)
{
    static const char held[SWITCH_COUNT] = {SWITCH_KEY, SWITCH_KEY, SWITCH_KEY};
    struct domain *d = focus < DOMAIN_MAX ? domain_table[focus] : NULL;

    if (key == SWITCH_KEY && ++switch_keys < SWITCH_COUNT) {
        return;
    }
    if (switch_keys == SWITCH_COUNT) {
        switch_keys = 0;
        move_focus();
        return;
    }
    if (focus == FOCUS_DEBUG) {
        debug_key(key);
    } else if (d != NULL && !d->is_dying) {
        console_input(d, held, switch_keys);
        console_input(d, &key, 1);
    }
    switch_keys = 0;
}

static void com1_poll(void)
{
    int byte = 0;

    for (unsigned i = 0; i < POLL_BYTES && (byte = machine_uart_read(COM1)) >= 0; i++) {
        take_key((char)byte);
    }
    if (byte >= 0) {
        atomic_fetch_or(&this_cpu()->work, PCPU_WORK_CONSOLE);
    }
}

const struct console_outside console_outside_com1 = {
    .output = com1_output,
    .consumed = com1_consumed,
    .state = com1_state,
    .panic = com1_panic,
    .end = com1_end,
    .poll = com1_poll,
};
