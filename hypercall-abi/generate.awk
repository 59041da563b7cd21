# SPDX-License-Identifier: MIT
# hypercalls.tab -> C. Usage: awk -v what=WHAT -f generate.awk hypercalls.tab, WHAT one of
#   handlers   prototypes of the handlers                (hypercall_handlers.h)
#   dispatch   glue and the table by number              (hypercall_dispatch.c)
#   stubs      a guest's inline calls                    (hypercall_stubs.h)
#   reference  what `paravane abi` prints                (abi_reference.c)
#   handlersrc list of handler names, for the tests
# Plain POSIX awk: Debian's is mawk.

function fail(text) {
    print FILENAME ":" FNR ": " text > "/dev/stderr"
    failed = 1
    exit 1
}

/^[ \t]*(#|$)/ { next }

$1 == "hypercall" {
    h++
    name[h] = $2
    kind[h] = $3
    nargs[h] = $3 == "whole" || $3 == "batch" ? split($4, parts, ",") : 0
    arglist[h] = $4
    if ($3 !~ /^(whole|cmd|memop|array|vcpu|value|count|batch|absent)$/) fail("unknown kind " $3)
    if ($2 in seen) fail("hypercall " $2 " stands twice")
    seen[$2] = 1
    rows[h] = 0
    next
}

{
    if (NF != 7) fail("a row has 7 fields, this one " NF)
    if ($7 != "implemented" && $7 != "absent") fail("row " $1 " has no status")
    if ($2 !~ /^(in|out|inout|none|raw|array)$/) fail("unknown direction " $2)
    r = ++rows[h]
    op[h, r] = $1
    dir[h, r] = $2
    type[h, r] = $3
    caller[h, r] = $4
    errnos[h, r] = $5
    flags[h, r] = $6
    status[h, r] = $7
}

function is_whole(h) { return kind[h] == "whole" || kind[h] == "batch" }
function handler(h, r) { return "do_" tolower(op[h, r]) }
function live(h, r) { return status[h, r] == "implemented" }
function banner(text) {
    print "/* SPDX-License-Identifier: MIT */"
    print "/* " text " Generated from hypercalls.tab; do not edit. */"
}
function numbered(format, n, first,    i, s) {
    s = first
    for (i = 0; i < n; i++) s = s (s == "" ? "" : ", ") sprintf(format, i)
    return s
}
# C parameters of a whole-call handler, by the table's argument names.
function whole_params(h, type, first,    a, i, n, s) {
    n = split(arglist[h], a, ",")
    s = first
    for (i = 1; i <= n; i++) s = s (s == "" ? "" : ", ") type " " a[i]
    return s == "" ? "void" : s
}
# What the handler of a row takes after the vCPU.
function row_params(h, r,    s) {
    s = kind[h] == "vcpu" ? ", uint64_t vcpuid" : ""
    if (kind[h] == "value") return ", uint64_t value"
    if (kind[h] == "count") return ", uint64_t count, uint64_t arg"
    if (dir[h, r] == "none") return s
    if (dir[h, r] == "raw") return s ", uint64_t arg"
    return s ", " type[h, r] " *args"
}

function make_handlers(    i, r) {
    banner("Prototypes of the hypercall handlers.")
    print "#ifndef PARAVANE_HYPERCALL_HANDLERS_H"
    print "#define PARAVANE_HYPERCALL_HANDLERS_H"
    for (i = 1; i <= h; i++) {
        if (is_whole(i)) print "long do_" name[i] "(" whole_params(i, "uint64_t", "struct vcpu *v") ");"
        if (kind[i] != "whole")
            for (r = 1; r <= rows[i]; r++)
                if (live(i, r)) print "long " handler(i, r) "(struct vcpu *v" row_params(i, r) ");"
        if (kind[i] == "batch") print "long " name[i] "_each(struct vcpu *v, mmuext_op_t *op);"
    }
    print "#endif"
}

# The statements that serve one sub-operation; `arg` is the register that points at the structure.
function row_body(h, r, arg,    pre, call, d) {
    d = dir[h, r]
    pre = kind[h] == "vcpu" ? "v, a[1]" : "v"
    if (kind[h] == "value") return "        return " handler(h, r) "(v, a[1]);"
    if (kind[h] == "count") return "        return " handler(h, r) "(v, a[1], a[2]);"
    if (d == "none") return "        return " handler(h, r) "(" pre ");"
    if (d == "raw") return "        return " handler(h, r) "(" pre ", " arg ");"
    call = handler(h, r) "(" pre ", &args)"
    if (d == "in")
        return "        COPY_IN(args, " arg ");\n        return " call ";"
    return "        " (d == "out" ? "ZERO(args);" : "COPY_IN(args, " arg ");") "\n" \
        "        ret = " call ";\n" \
        "        COPY_OUT(args, " arg ", ret);\n        return ret;"
}

function array_body(h, r) {
    return "        return hypercall_array(v, a, sizeof(args), &args, (array_handler)" handler(h, r) ");"
}

function make_glue(i,    r, arg) {
    arg = kind[i] == "vcpu" ? "a[2]" : "a[1]"
    print "\nstatic long hcall_" name[i] "(struct vcpu *v, uint64_t *a)\n{"
    print "    long ret;\n\n    (void)ret;"
    print "    switch ((uint32_t)a[0]" (kind[i] == "memop" ? " & 63" : "") ") {"
    for (r = 1; r <= rows[i]; r++) {
        if (!live(i, r)) continue
        print "    case " op[i, r] ": {"
        if (dir[i, r] ~ /^(in|out|inout|array)$/ && kind[i] !~ /^(value|count)$/) print "        " type[i, r] " args;\n"
        print (kind[i] == "array" ? array_body(i, r) : row_body(i, r, arg)) "\n    }"
    }
    print "    default:\n        return -XEN_ENOSYS;\n    }\n}"
}

function make_batch(i,    r) {
    print "\nlong " name[i] "_each(struct vcpu *v, mmuext_op_t *op)\n{\n    switch (op->cmd) {"
    for (r = 1; r <= rows[i]; r++)
        if (live(i, r)) print "    case " op[i, r] ":\n        return " handler(i, r) "(v, op);"
    print "    default:\n        return -XEN_ENOSYS;\n    }\n}"
}

function make_dispatch(    i) {
    banner("Glue between registers and handlers.")
    print "#include \"dispatch_glue.h\""
    for (i = 1; i <= h; i++) {
        if (kind[i] == "absent") continue
        if (is_whole(i)) {
            print "\nstatic long hcall_" name[i] "(struct vcpu *v, uint64_t *a)\n{"
            if (nargs[i] == 0) print "    (void)a;"
            print "    return do_" name[i] "(" numbered("a[%d]", nargs[i], "v") ");\n}"
            if (kind[i] == "batch") make_batch(i)
        } else {
            make_glue(i)
        }
    }
    print "\nconst struct hypercall_row hypercall_table[HYPERCALL_NUMBERS] = {"
    for (i = 1; i <= h; i++)
        print "    [__HYPERVISOR_" name[i] "] = {" (kind[i] == "absent" ? "NULL" : "hcall_" name[i]) ", \"" name[i] "\", " arg_count(i) "},"
    print "};"
}

function arg_count(i) {
    if (is_whole(i)) return nargs[i]
    return kind[i] ~ /^(array|vcpu|count)$/ ? 3 : kind[i] == "absent" ? 0 : 2
}

function stub(h, r,    n, params, values) {
    n = "hc_" tolower(op[h, r])
    params = ""; values = op[h, r]
    if (kind[h] == "vcpu") { params = "unsigned vcpuid"; values = values ", vcpuid" }
    if (kind[h] == "value") { params = "unsigned long value"; values = values ", value" }
    if (kind[h] == "count") { params = "unsigned long count, const void *arg"; values = values ", count, (unsigned long)arg" }
    if (kind[h] !~ /^(value|count)$/ && dir[h, r] != "none") {
        params = params (params == "" ? "" : ", ") (type[h, r] == "-" ? "void" : type[h, r]) " *arg"
        values = values ", (unsigned long)arg"
    } else if (kind[h] == "cmd" || kind[h] == "memop" || kind[h] == "vcpu") {
        values = values ", 0ul"
    }
    if (kind[h] == "array") { params = params ", unsigned long count"; values = values ", count" }
    print "static inline long " n "(" (params == "" ? "void" : params) ")\n{"
    print "    return pv_hypercall" arg_count(h) "(__HYPERVISOR_" name[h] ", " values ");\n}\n"
}

function make_stubs(    i, r, a, n, s, k) {
    banner("A guest's hypercalls, one inline function each.")
    print "#ifndef PV_HYPERCALL_STUBS_H\n#define PV_HYPERCALL_STUBS_H\n\n#include <pv/hypercall.h>\n"
    for (i = 1; i <= h; i++) {
        if (kind[i] == "absent") continue
        if (is_whole(i)) {
            n = split(arglist[i], a, ",")
            s = ""
            for (k = 1; k <= n; k++) s = s ", " a[k]
            print "static inline long hc_" name[i] "(" whole_params(i, "unsigned long", "") ")\n{"
            print "    return pv_hypercall" n "(__HYPERVISOR_" name[i] s ");\n}\n"
        } else {
            for (r = 1; r <= rows[i]; r++) if (live(i, r)) stub(i, r)
        }
    }
    print "#endif"
}

function make_reference(    i, r, sub_name) {
    banner("What `paravane abi` prints.")
    print "#define __XEN_TOOLS__ 1 /* the numbers of calls that only a control domain makes */"
    print "#include \"hypercall-abi/abi.h\"\n#include \"hypercall-abi/abi_reference.h\"\n"
    print "const struct abi_row abi_reference[] = {"
    for (i = 1; i <= h; i++) {
        if (rows[i] == 0)
            print "    {__HYPERVISOR_" name[i] ", \"" name[i] "\", NULL, -1, \"-\", \"-\", \"-\", \"ENOSYS\", \"-\", \"absent\"},"
        for (r = 1; r <= rows[i]; r++) {
            sub_name = op[i, r] == "each" ? "NULL, -1" : "\"" op[i, r] "\", " op[i, r]
            print "    {__HYPERVISOR_" name[i] ", \"" name[i] "\", " sub_name ", \"" dir[i, r] "\", \"" type[i, r] "\", \"" caller[i, r] "\", \"" errnos[i, r] "\", \"" flags[i, r] "\", \"" status[i, r] "\"},"
        }
    }
    print "};\nconst unsigned abi_reference_count = sizeof(abi_reference) / sizeof(abi_reference[0]);"
}

END {
    if (failed) exit 1
    if (what == "handlers") make_handlers()
    else if (what == "dispatch") make_dispatch()
    else if (what == "stubs") make_stubs()
    else if (what == "reference") make_reference()
    else { print "generate.awk: what=" what "?" > "/dev/stderr"; exit 1 }
}
