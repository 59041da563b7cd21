/* SPDX-License-Identifier: MIT */
/*
 * libxlutil knows a guest file's syntax, but not which names somebody reads: a name that nobody
 * reads is probably a typo, and must be told as one. A scan of our own finds the names. It runs
 * on files that libxlutil has accepted, so it need not be strict.
 */
#include "config_keys.h"

#include <ctype.h>
#include <string.h>

#include "error.h"

#define SEEN_MAX 128
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"

enum key_kind { KEY_UNKNOWN, KEY_USED, KEY_IGNORED, KEY_REFUSED };

/* Names of xl.cfg(5), by what they do here. */
static const char used[] = "name kernel ramdisk memory vcpus cmdline extra root type";
/* What makes no difference to what the guest can do. */
static const char ignored[] =
    "builder uuid seclabel init_seclabel maxvcpus maxmem on_poweroff on_reboot on_crash "
    "on_watchdog on_soft_reset cpus cpus_soft cpu_weight cap pool nodes localtime "
    "rtc_timeoffset tsc_mode timer_mode nomigrate driver_domain max_grant_frames "
    "max_maptrack_frames max_event_channels vuart claim_mode passthrough "
    "suppress_spurious_page_faults";
/* What a guest would miss. */
static const char refused[] =
    "disk vif pci bootloader bootloader_args vfb device_tree dtdev irqs ioports iomem vtpm p9 "
    "pvcalls vkb usbctrl usbdev channel vdispl vsnd vnuma e820_host virtio "
    "device_model_override serial firmware boot xen_platform_pci";

static const struct {
    const char *names;
    enum key_kind kind;
} lists[] = {{used, KEY_USED}, {ignored, KEY_IGNORED}, {refused, KEY_REFUSED}};

/* A name in the text. */
struct key {
    const char *name;
    size_t length;
    unsigned line;
};

static bool is_in(const struct key *k, const char *names)
{
    while (*names) {
        size_t n = strcspn(names, " ");

        if (n == k->length && memcmp(names, k->name, n) == 0) {
            return true;
        }
        names += n + (names[n] == ' ');
    }
    return false;
}

static bool judge(const char *file, const struct key *k)
{
    enum key_kind kind = KEY_UNKNOWN;

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        kind = is_in(k, lists[i].names) ? lists[i].kind : kind;
    }
    if (kind != KEY_USED) {
        complain("%s:%u: %.*s: %s", file, k->line, (int)k->length, k->name,
                 kind == KEY_UNKNOWN   ? "unknown key"
                 : kind == KEY_REFUSED ? "not available yet"
                                       : "has no effect here");
    }
    return kind == KEY_USED || kind == KEY_IGNORED;
}

static bool judge_new(const char *file, struct key *seen, unsigned *count, const struct key *k)
{
    for (unsigned i = 0; i < *count; i++) {
        if (seen[i].length == k->length && memcmp(seen[i].name, k->name, k->length) == 0) {
            return complain("%s:%u: %.*s: is set in line %u already", file, k->line, (int)k->length,
                            k->name, seen[i].line);
        }
    }
    if (*count < SEEN_MAX) {
        seen[(*count)++] = *k;
    }
    return judge(file, k);
}

/* The last character of a string or comment that begins at p, or p itself. */
static const char *skip(const char *p)
{
    char quote = *p;

    if (quote == '#') {
        return p + strcspn(p, "\n") - 1;
    }
    if (quote == '\'' || quote == '"') {
        for (p++; *p && *p != quote; p++) {
            p += *p == '\\' && p[1];
        }
        return *p ? p : p - 1;
    }
    return p;
}

/* Every NAME of `NAME = VALUE` at the start of a statement, outside strings, lists, comments. */
bool config_keys_check(const char *file, const char *text)
{
    struct key seen[SEEN_MAX];
    unsigned line = 1, depth = 0, count = 0;
    bool start = true, good = true;

    for (const char *p = text; *p; p++) {
        const char *from = p;

        p = skip(p);
        if (p != from) {
            continue;
        }
        depth += *p == '[';
        depth -= *p == ']' && depth > 0;
        line += *p == '\n';
        if ((*p == '\n' || *p == ';') && depth == 0) {
            start = true;
        } else if (start && (isalpha((unsigned char)*p) || *p == '_')) {
            struct key k = {p, strspn(p, NAME_CHARACTERS), line};

            good &= judge_new(file, seen, &count, &k);
            p += k.length - 1;
            start = false;
        }
    }
    return good;
}
