/* SPDX-License-Identifier: MIT */
/* Guest files in xl.cfg syntax, parsed with libxlutil: paravane.cfg(5). */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libxlutil.h>

#include "config_keys.h"
#include "error.h"

static char *read_file(const char *file)
{
    FILE *f = fopen(file, "re");
    char *text = NULL;
    struct stat st;
    size_t n = 0;
    ssize_t got;

    if (!f || fstat(fileno(f), &st) != 0) {
        complain("%s: %s", file, strerror(errno));
        return NULL;
    }
    errno = S_ISDIR(st.st_mode) ? EISDIR : 0;
    got = errno ? -1 : getdelim(&text, &n, '\0', f);
    if (got <= 0 || text[got - 1] == '\0') {
        complain("%s: %s", file, errno ? strerror(errno) : got <= 0 ? "is empty" : "is no text");
        free(text);
        text = NULL;
    }
    fclose(f);
    return text;
}

/* Parse, with libxlutil's report as our one line. NULL: it has been told. */
static XLU_Config *parse(const char *file, const char *text)
{
    char *report = NULL, *last;
    size_t n = 0;
    FILE *out = open_memstream(&report, &n);
    XLU_Config *cfg = out ? xlu_cfg_init(out, file) : NULL;

    if (!cfg) {
        complain("%s: no memory", file);
        return NULL;
    }
    if (xlu_cfg_readdata(cfg, text, (int)strlen(text)) == 0) {
        return cfg; /* it keeps `out`, which lives as long as the command */
    }
    xlu_cfg_destroy(cfg);
    fclose(out);
    if (n > 0 && report[n - 1] == '\n') {
        report[n - 1] = '\0';
    }
    last = strrchr(report, '\n'); /* advice on Python may come before */
    complain("%s", last ? last + 1 : report);
    free(report);
    return NULL;
}

static bool get_number(XLU_Config *cfg, const char *file, const char *key, long max, unsigned *out)
{
    long value;
    int err = xlu_cfg_get_long(cfg, key, &value, 1);

    if (err == ESRCH) {
        return true;
    }
    if (err) {
        return complain("%s: %s: not a number", file, key);
    }
    if (value < 1 || value > max) {
        return complain("%s: %s: %ld is not from 1 to %ld", file, key, value, max);
    }
    *out = (unsigned)value;
    return true;
}

/* *out stays as it is if key is not set. */
static bool get_text(XLU_Config *cfg, const char *file, const char *key, const char **out)
{
    const char *value;
    int err = xlu_cfg_get_string(cfg, key, &value, 1);

    if (err == ESRCH) {
        return true;
    }
    if (err) {
        return complain("%s: %s: not a single text", file, key);
    }
    *out = strdup(value);
    return *out || complain("no memory");
}

/* xl's rule: cmdline replaces root and extra. */
static bool get_cmdline(XLU_Config *cfg, const char *file, struct guest *g)
{
    const char *root = NULL, *extra = NULL, *cmdline = NULL;
    char *both;

    if (!get_text(cfg, file, "cmdline", &cmdline) || !get_text(cfg, file, "root", &root) ||
        !get_text(cfg, file, "extra", &extra)) {
        return false;
    }
    if (cmdline) {
        g->cmdline = cmdline;
        return true;
    }
    if (asprintf(&both, "%s%s%s%s", root ? "root=" : "", root ? root : "", root && extra ? " " : "",
                 extra ? extra : "") < 0) {
        return complain("no memory");
    }
    g->cmdline = both;
    return true;
}

static bool take_name(XLU_Config *cfg, const char *file, struct guest *g)
{
    const char *name = NULL;

    if (!get_text(cfg, file, "name", &name)) {
        return false;
    }
    if (!name) {
        return complain("%s: name: missing", file);
    }
    if (!guest_name_is_good(name)) {
        return complain("%s: name: \"%s\" is not 1 to %d characters without space, comma or =",
                        file, name, NAME_BYTES - 1);
    }
    strcpy(g->name, name);
    return true;
}

/* Paths in a cfg file are relative to where the command runs, as with xl. */
static bool take(XLU_Config *cfg, const char *file, struct guest *g)
{
    const char *type = "pv";
    bool good = take_name(cfg, file, g);

    good &= get_text(cfg, file, "kernel", &g->kernel);
    if (good && !g->kernel) {
        good = complain("%s: kernel: missing", file);
    }
    good &= get_text(cfg, file, "ramdisk", &g->ramdisk);
    good &= get_cmdline(cfg, file, g);
    good &= get_text(cfg, file, "type", &type);
    if (strcmp(type, "pv") != 0) {
        good = complain("%s: type: \"%s\": only pv guests run here", file, type);
    }
    good &= get_number(cfg, file, "memory", MEMORY_MIB_MAX, &g->memory_mib);
    good &= get_number(cfg, file, "vcpus", VCPUS_MAX, &g->vcpus);
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
    g->origin = file;
    cfg = parse(file, text);
    good = cfg && config_keys_check(file, text) && take(cfg, file, g);
    if (cfg) {
        xlu_cfg_destroy(cfg);
    }
    free(text);
    return good;
}
