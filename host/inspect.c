/* SPDX-License-Identifier: MIT */
/* paravane inspect: what a kernel image says of itself, and whether it can boot here. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "commands.h"
#include "error.h"
#include "image.h"
#include "payload.h"

static void add_hex(json_object *o, const char *key, bool has, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "0x%lx", (unsigned long)value);
    json_object_object_add(o, key, has ? json_object_new_string(text) : NULL);
}

static void add_text(json_object *o, const char *key, const char *text)
{
    json_object_object_add(o, key, text[0] ? json_object_new_string(text) : NULL);
}

static json_object *describe(const struct payload *p, const struct image *im)
{
    char why[PV_ERROR_MAX] = "";
    unsigned least = im->why ? 0 : image_least_memory(im, 0, "", false, why);
    json_object *o = json_object_new_object();

    add_text(o, "format", p->is_bzimage ? "bzImage" : "ELF");
    add_text(o, "compression", p->packing);
    add_text(o, "guest-os", im->guest_os);
    add_text(o, "guest-version", im->guest_version);
    add_text(o, "xen-version", im->xen_version);
    add_text(o, "loader", im->loader);
    add_text(o, "features", im->features);
    add_hex(o, "supported-features", im->has_supported_features, im->supported_features);
    add_hex(o, "entry", im->has_entry, im->entry);
    add_hex(o, "virtual-base", im->has_virt_base, im->virt_base);
    add_hex(o, "paddr-offset", im->paddr_offset != 0, im->paddr_offset);
    add_hex(o, "hypercall-page", im->has_hypercall_page, im->hypercall_page);
    add_hex(o, "init-p2m", im->has_init_p2m, im->init_p2m);
    json_object_object_add(o, "unmapped-initrd", json_object_new_boolean(im->mod_start_pfn));
    add_hex(o, "load-start", im->load_end != 0, im->load_start);
    add_hex(o, "load-end", im->load_end != 0, im->load_end);
    json_object_object_add(o, "xen-notes", json_object_new_int64((int64_t)im->notes));
    json_object_object_add(o, "symbols", json_object_new_int64((int64_t)im->symbols));
    json_object_object_add(o, "minimum-memory-mib", least ? json_object_new_int64(least) : NULL);
    json_object_object_add(o, "bootable", json_object_new_boolean(least != 0));
    add_text(o, "reason", im->why ? im->why : why);
    return o;
}

static void print_plain(json_object *o)
{
    json_object_object_foreach(o, key, value)
    {
        if (value && strcmp(key, "reason") != 0) {
            printf("%-20s %s\n", key, json_object_get_string(value));
        }
    }
}

/* The kernel as a plain ELF, for boot loaders that cannot unpack it. */
static bool write_elf(const char *file, const struct payload *p)
{
    FILE *out = fopen(file, "we");
    bool good = out && fwrite(p->elf, 1, p->bytes, out) == p->bytes;

    if (out && fclose(out) != 0) {
        good = false;
    }
    return good || complain("%s: %s", file, strerror(errno));
}

static int print(const struct payload *p, bool json)
{
    static struct image im;
    json_object *o;
    bool bootable;

    image_read(p->elf, p->bytes, &im);
    o = describe(p, &im);
    bootable = json_object_get_boolean(json_object_object_get(o, "bootable"));
    if (json) {
        puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
                                                   JSON_C_TO_STRING_NOSLASHESCAPE));
    } else {
        print_plain(o);
        printf(bootable ? "It can boot here.\n" : "It cannot boot here: %s.\n",
               json_object_get_string(json_object_object_get(o, "reason")));
    }
    json_object_put(o);
    return bootable ? EXIT_POWEROFF : EXIT_USAGE;
}

int command_inspect(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"elf", required_argument, NULL, 'e'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *elf = NULL;
    bool json = false;
    struct payload p;
    int opt, status;

    while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (opt == 'h') {
            puts("usage: paravane inspect [--json] [--elf OUTPUT] KERNEL");
            return EXIT_POWEROFF;
        }
        if (opt == '?') {
            return EXIT_USAGE;
        }
        json |= opt == 'j';
        elf = opt == 'e' ? optarg : elf;
    }
    if (optind + 1 != argc) {
        complain("inspect: name one kernel");
        return EXIT_USAGE;
    }
    if (!payload_read(argv[optind], &p)) {
        return EXIT_USAGE;
    }
    status = elf && !write_elf(elf, &p) ? EXIT_USAGE : print(&p, json);
    payload_free(&p);
    return status;
}
