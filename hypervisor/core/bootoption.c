/* SPDX-License-Identifier: MIT */
/*
 * Command lines: the hypervisor's own options, a table, and what a boot module's string asks for.
 * Both come from the person who starts the machine: mistakes are named, not guessed at.
 * Man page: hypervisor(8).
 */
#include <string.h>

#include "boot.h"
#include "console.h"
#include "log.h"

#define DEFAULT_MEMORY_MIB 256
#define MEMORY_MIB_MAX (1ull << 24)

/* One word of a command line, and its parts around the first '='. */
struct word {
    const char *text;
    size_t length;
    size_t name_length; /* = length without '=' */
    const char *value;  /* "" without '=' */
    size_t value_length;
};

static bool next_word(const char **at, struct word *w)
{
    const char *text = *at;

    while (*text == ' ' || *text == '\t') {
        text++;
    }
    *w = (struct word){.text = text, .value = ""};
    while (text[w->length] != '\0' && text[w->length] != ' ' && text[w->length] != '\t') {
        w->length++;
    }
    while (w->name_length < w->length && text[w->name_length] != '=') {
        w->name_length++;
    }
    if (w->name_length < w->length) {
        w->value = text + w->name_length + 1;
        w->value_length = w->length - w->name_length - 1;
    }
    *at = text + w->length;
    return w->length > 0;
}

static bool is_word(const char *text, size_t length, const char *wanted)
{
    return strlen(wanted) == length && memcmp(text, wanted, length) == 0;
}

static bool is_named(const struct word *w, const char *name)
{
    return is_word(w->text, w->name_length, name);
}

static bool value_is(const struct word *w, const char *value)
{
    return is_word(w->value, w->value_length, value);
}

/* The whole value as a number, decimal or 0x. */
static bool value_number(const struct word *w, uint64_t *number)
{
    bool hex = w->value_length > 2 && w->value[0] == '0' && (w->value[1] | 0x20) == 'x';
    size_t i = hex ? 2 : 0;

    *number = 0;
    for (; i < w->value_length; i++) {
        char c = w->value[i];
        unsigned digit =
            c >= '0' && c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;

        if (digit >= (hex ? 16u : 10u) || *number >> 56 != 0) {
            return false;
        }
        *number = *number * (hex ? 16 : 10) + digit;
    }
    return w->value_length > 0;
}

/* The hypervisor's options. Each returns false for a value it does not know. */

static bool option_console(const struct word *w)
{
    if (value_is(w, "mux")) {
        console_init(CONSOLE_MUX);
        return true;
    }
    return value_is(w, "com1");
}

static bool option_loglvl(const struct word *w)
{
    static const char *const names[] = {
        [LOG_ERROR] = "error",
        [LOG_WARNING] = "warning",
        [LOG_INFO] = "info",
        [LOG_DEBUG] = "debug",
    };

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (value_is(w, names[i])) {
            log_threshold = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static bool option_debug_exit(const struct word *w)
{
    uint64_t port;

    if (!value_number(w, &port) || port == 0 || port > 0xffff) {
        return false;
    }
    machine_debug_exit_port = (uint16_t)port;
    return true;
}

static bool option_bootscrub(const struct word *w)
{
    frame_boot_scrub = !value_is(w, "no");
    return value_is(w, "yes") || value_is(w, "no");
}

static const struct {
    const char *name;
    bool (*apply)(const struct word *w);
    const char *values;
} options[] = {
    {"console", option_console, "com1 or mux"},
    {"loglvl", option_loglvl, "error, warning, info or debug"},
    {"bootscrub", option_bootscrub, "yes or no"},
    {"debug-exit", option_debug_exit, "an I/O port"},
};

static void apply_option(const struct word *w, bool first)
{
    for (unsigned i = 0; i < ARRAY_LEN(options); i++) {
        if (is_named(w, options[i].name)) {
            if (!options[i].apply(w)) {
                log_warning("option %.*s: the value must be %s", (int)w->length, w->text,
                            options[i].values);
            }
            return;
        }
    }
    if (!first) { /* the first word may be the hypervisor's own path */
        log_warning("unknown option %.*s", (int)w->length, w->text);
    }
}

void boot_options(const struct boot_info *info)
{
    const char *at = info->cmdline;
    struct word w;

    console_init(CONSOLE_COM1);
    for (bool first = true; next_word(&at, &w); first = false) {
        apply_option(&w, first);
    }
}

/* A module's string. */

static bool parse_kind(struct boot_request *r, const struct word *w)
{
    if (is_word(w->text, w->length, "kernel")) {
        r->kind = BOOT_KERNEL;
        return true;
    }
    r->kind = BOOT_RAMDISK;
    return is_word(w->text, w->length, "ramdisk");
}

static bool parse_number(const struct word *w, uint64_t max, uint64_t *number, char *error)
{
    if (value_number(w, number) && *number > 0 && *number <= max) {
        return true;
    }
    format(error, BOOT_ERROR_MAX, "%.*s: the value must be a number from 1 to %lu", (int)w->length,
           w->text, max);
    return false;
}

static bool parse_setting(struct boot_request *r, const struct word *w, char *error)
{
    uint64_t number;

    if (is_named(w, "name") && w->value_length > 0) {
        format(r->name, sizeof(r->name), "%.*s", (int)w->value_length, w->value);
    } else if (is_named(w, "memory")) {
        return parse_number(w, MEMORY_MIB_MAX, &r->memory_mib, error);
    } else if (is_named(w, "vcpus")) {
        if (!parse_number(w, VCPU_MAX, &number, error)) {
            return false;
        }
        r->vcpus = (unsigned)number;
    } else if (is_word(w->text, w->length, "domain0")) {
        r->domain0 = true;
    } else {
        format(error, BOOT_ERROR_MAX, "unknown setting %.*s", (int)w->length, w->text);
        return false;
    }
    return true;
}

bool boot_request_parse(struct boot_request *request, const char *string, char *error)
{
    const char *at = string;
    struct word w;

    *request = (struct boot_request){.memory_mib = DEFAULT_MEMORY_MIB, .vcpus = 1, .cmdline = ""};
    if (!next_word(&at, &w) ||
        (!parse_kind(request, &w) && (!next_word(&at, &w) || !parse_kind(request, &w)))) {
        format(error, BOOT_ERROR_MAX, "a boot module is neither kernel nor ramdisk: \"%s\"",
               string);
        return false;
    }
    while (request->kind == BOOT_KERNEL && next_word(&at, &w)) {
        if (is_word(w.text, w.length, "--")) {
            request->cmdline = *at == ' ' ? at + 1 : at;
            return true;
        }
        if (!parse_setting(request, &w, error)) {
            return false;
        }
    }
    return true;
}
