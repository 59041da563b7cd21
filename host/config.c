/* SPDX-License-Identifier: MIT */
/*
 * Guest files in xl.cfg syntax: libxlutil parses them; a scan of our own finds the names that are
 * set, since a name nobody reads must be told as the typo that it probably is.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxlutil.h>

#include "error.h"

enum key_kind { KEY_USED, KEY_IGNORED, KEY_REFUSED };

/* Of xl.cfg(5): what we use, what makes no difference here, and what would be silently missing. */
static const struct {
    const char *name;
    enum key_kind kind;
} keys[] = {
    {"name", KEY_USED},         {"kernel", KEY_USED},        {"ramdisk", KEY_USED},
    {"memory", KEY_USED},       {"vcpus", KEY_USED},         {"cmdline", KEY_USED},
    {"extra", KEY_USED},        {"root", KEY_USED},          {"type", KEY_USED},
    {"builder", KEY_IGNORED},   {"uuid", KEY_IGNORED},       {"maxvcpus", KEY_IGNORED},
    {"maxmem", KEY_IGNORED},    {"on_poweroff", KEY_IGNORED}, {"on_reboot", KEY_IGNORED},
    {"on_crash", KEY_IGNORED},  {"on_watchdog", KEY_IGNORED}, {"cpus", KEY_IGNORED},
    {"cpu_weight", KEY_IGNORED}, {"localtime", KEY_IGNORED}, {"tsc_mode", KEY_IGNORED},
    {"disk", KEY_REFUSED},      {"vif", KEY_REFUSED},        {"pci", KEY_REFUSED},
    {"bootloader", KEY_REFUSED}, {"vfb", KEY_REFUSED},       {"device_tree", KEY_REFUSED},
};

static char *read_file(const char *file)
{
    FILE *f = fopen(file, "re");
    char *text = NULL;
    size_t n = 0;
    ssize_t got;

    if (!f) {
        complain("%s: %s", file, strerror(errno));
        return NULL;
    }
    got = getdelim(&text, &n, '\0', f);
    if (got < 0) {
        complain("%s: %s", file, ferror(f) ? strerror(errno) : "is empty");
        free(text);
        text = NULL;
    }
    fclose(f);
    return text;
}

static bool judge_key(const char *file, unsigned line, const char *key, size_t n)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strlen(keys[i].name) != n || memcmp(keys[i].name, key, n) != 0) {
            continue;
        }
        if (keys[i].kind == KEY_REFUSED) {
            return complain("%s:%u: %s: not available yet", file, line, keys[i].name);
        }
        if (keys[i].kind == KEY_IGNORED) {
            complain("%s:%u: %s: has no effect here", file, line, keys[i].name);
        }
        return true;
    }
    return complain("%s:%u: %.*s: unknown key", file, line, (int)n, key);
}

/* Every NAME of `NAME = VALUE` at the start of a statement, outside strings, lists and comments. */
static bool check_keys(const char *file, const char *text)
{
    unsigned line = 1, depth = 0;
    bool start = true, good = true;
    char quote = 0;

    for (const char *p = text; *p; p++) {
        if (*p == '\n') {
            line++;
        }
        if (quote) {
            quote = *p == quote ? 0 : quote;
        } else if (*p == '\'' || *p == '"') {
            quote = *p;
        } else if (*p == '#') {
            p += strcspn(p, "\n") - 1;
        } else if (*p == '[') {
            depth++;
        } else if (*p == ']') {
            depth -= depth > 0;
        } else if ((*p == '\n' || *p == ';') && depth == 0) {
            start = true;
        } else if (start && depth == 0 && (isalpha((unsigned char)*p) || *p == '_')) {
            size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

            good &= judge_key(file, line, p, n);
            p += n - 1;
            start = false;
        }
    }
    return good;
}

static bool get_number(XLU_Config *cfg, const char *file, const char *key, long min, long max,
                       unsigned *out)
{
    long value;
    int err = xlu_cfg_get_long(cfg, key, &value, 1);

    if (err == ESRCH) {
        return true;
    }
    if (err) {
        return complain("%s: %s: not a number", file, key);
    }
    if (value < min || value > max) {
        return complain("%s: %s: %ld is not between %ld and %ld", file, key, value, min, max);
    }
    *out = (unsigned)value;
    return true;
}

static char *get_text(XLU_Config *cfg, const char *key)
{
    const char *value;

    return xlu_cfg_get_string(cfg, key, &value, 1) == 0 ? strdup(value) : NULL;
}

/* xl's rule: cmdline replaces root and extra. */
static char *get_cmdline(XLU_Config *cfg)
{
    char *cmdline = get_text(cfg, "cmdline"), *root, *extra;

    if (cmdline) {
        return cmdline;
    }
    root = get_text(cfg, "root");
    extra = get_text(cfg, "extra");
    if (asprintf(&cmdline, "%s%s%s%s", root ? "root=" : "", root ? root : "",
                 root && extra ? " " : "", extra ? extra : "") < 0) {
        cmdline = NULL;
    }
    free(root);
    free(extra);
    return cmdline;
}

/* Paths in a cfg file are relative to where the command runs, as with xl. */
static bool take(XLU_Config *cfg, const char *file, struct guest *g)
{
    char *name = get_text(cfg, "name"), *type = get_text(cfg, "type");
    bool good = true;

    g->kernel = get_text(cfg, "kernel");
    g->ramdisk = get_text(cfg, "ramdisk");
    g->cmdline = get_cmdline(cfg);
    if (!name) {
        good = complain("%s: name: missing", file);
    } else if (strlen(name) >= NAME_BYTES || strpbrk(name, " ,\t\n=") || !name[0]) {
        good = complain("%s: name: \"%s\" must be 1 to %d characters without space, comma or =",
                        file, name, NAME_BYTES - 1);
    } else {
        strcpy(g->name, name);
    }
    if (!g->kernel) {
        good = complain("%s: kernel: missing", file);
    }
    if (type && strcmp(type, "pv") != 0) {
        good = complain("%s: type: \"%s\": only pv guests run here", file, type);
    }
    good &= get_number(cfg, file, "memory", 1, 1 << 20, &g->memory_mib);
    good &= get_number(cfg, file, "vcpus", 1, 32, &g->vcpus);
    free(name);
    free(type);
    return good;
}

bool config_read(const char *file, struct guest *g)
{
    char *text = read_file(file);
    XLU_Config *cfg;
    bool good;

    if (!text) {
        return false;
    }
    g->origin = strdup(file);
    cfg = xlu_cfg_init(stderr, file);
    good = xlu_cfg_readdata(cfg, text, (int)strlen(text)) == 0;
    if (!good) {
        complain("%s: not in xl.cfg syntax", file);
    } else {
        good = check_keys(file, text) && take(cfg, file, g);
    }
    xlu_cfg_destroy(cfg);
    free(text);
    return good;
}
