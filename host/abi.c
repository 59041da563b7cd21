/* SPDX-License-Identifier: MIT */
/* paravane abi: the hypercall table, as generated from hypercall-abi/hypercalls.tab. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "commands.h"
#include "error.h"
#include "hypercall-abi/abi_reference.h"

static int by_number(const void *a, const void *b)
{
    const struct abi_row *x = *(const struct abi_row *const *)a;
    const struct abi_row *y = *(const struct abi_row *const *)b;

    return x->number != y->number ? x->number - y->number : x->subop_number - y->subop_number;
}

static void print_row(const struct abi_row *r)
{
    char number[16] = "";

    if (r->subop) {
        snprintf(number, sizeof(number), "%d", r->subop_number);
    }
    printf("%3d %3s  %-40s %-6s %-5s %-12s %s\n", r->number, number,
           r->subop ? r->subop : r->hypercall, r->direction, r->callers, r->status, r->errnos);
}

static json_object *row_json(const struct abi_row *r)
{
    json_object *o = json_object_new_object();

    json_object_object_add(o, "number", json_object_new_int(r->number));
    json_object_object_add(o, "hypercall", json_object_new_string(r->hypercall));
    json_object_object_add(o, "subop", r->subop ? json_object_new_string(r->subop) : NULL);
    json_object_object_add(o, "subop-number",
                           r->subop ? json_object_new_int(r->subop_number) : NULL);
    json_object_object_add(o, "direction", json_object_new_string(r->direction));
    json_object_object_add(o, "structure", json_object_new_string(r->type));
    json_object_object_add(o, "callers", json_object_new_string(r->callers));
    json_object_object_add(o, "errors", json_object_new_string(r->errnos));
    json_object_object_add(o, "flags", json_object_new_string(r->flags));
    json_object_object_add(o, "status", json_object_new_string(r->status));
    return o;
}

static bool is_wanted(const struct abi_row *r, const char *name)
{
    return !name || strcmp(r->hypercall, name) == 0 || (r->subop && strcmp(r->subop, name) == 0);
}

int command_abi(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    const struct abi_row **rows;
    json_object *list = NULL;
    const char *name;
    unsigned shown = 0;
    int opt;

    while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (opt == 'h') {
            puts("usage: paravane abi [--json] [HYPERCALL | SUB-OPERATION]");
            return EXIT_POWEROFF;
        }
        if (opt == '?') {
            return EXIT_USAGE;
        }
        list = list ? list : json_object_new_array();
    }
    rows = calloc(abi_reference_count, sizeof(*rows));
    if (!rows || argc - optind > 1) {
        complain(rows ? "abi: one name at most" : "no memory");
        return EXIT_USAGE;
    }
    name = optind < argc ? argv[optind] : NULL;
    for (unsigned i = 0; i < abi_reference_count; i++) {
        rows[i] = &abi_reference[i];
    }
    qsort(rows, abi_reference_count, sizeof(*rows), by_number);
    if (!list) {
        printf("%3s %3s  %-40s %-6s %-5s %-12s %s\n", "nr", "sub", "name", "arg", "who", "status",
               "errors");
    }
    for (unsigned i = 0; i < abi_reference_count; i++) {
        if (!is_wanted(rows[i], name)) {
            continue;
        }
        shown++;
        if (list) {
            json_object_array_add(list, row_json(rows[i]));
        } else {
            print_row(rows[i]);
        }
    }
    if (list && shown) {
        puts(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PRETTY));
    }
    json_object_put(list);
    free(rows);
    if (!shown) {
        complain("%s: there is no such hypercall", name);
    }
    return shown ? EXIT_POWEROFF : EXIT_USAGE;
}
