# SPDX-License-Identifier: MIT
# hypercalls.tab -> C. Usage: awk -v what=WHAT -f generate.awk hypercalls.tab, WHAT one of
#   handlers   prototypes of the handlers                (hypercall_handlers.h)
#   dispatch   glue, the table by number, names, errnos  (hypercall_dispatch.c)
#   stubs      a guest's inline calls                    (hypercall_stubs.h)
#   reference  what `paravane abi` prints                (abi_reference.c)
#   conform    names and numbers against Xen's headers   (hypercall_conform.h)
#   man        the list of calls as a manual page, behind the text of -v prose=FILE (hypercalls.7)
# Plain POSIX awk: Debian's is mawk. A table that breaks a rule ends it with a line that says which.

function fail(text) {
    print FILENAME ":" FNR ": " text > "/dev/stderr"
    failed = 1
    exit 1
}

/^[ \t]*(#|$)/ { next }

$1 == "hypercall" {
    if ($3 !~ /^(whole|cmd|memop|array|vcpu|value|count|batch|absent)$/) fail("unknown kind " $3)
    if (NF > 4 || (NF == 4 && $3 != "whole" && $3 != "batch")) fail("arguments are for whole and batch")
    if ($2 in seen) fail("hypercall " $2 " stands twice")
    if (h && kind[h] != "absent" && rows[h] == 0) fail("hypercall " name[h] " has no rows")
    seen[$2] = 1
    h++
    name[h] = $2
    kind[h] = $3
    nargs[h] = NF == 4 ? split($4, parts, ",") : 0
    arglist[h] = NF == 4 ? $4 : ""
    rows[h] = 0
    next
}

{
    if (!h || kind[h] == "absent") fail("row " $1 " belongs to no hypercall")
    if (NF != 7) fail("a row has 7 fields, this one " NF)
    if ($7 != "implemented" && $7 != "absent") fail("row " $1 " has no status")
    if ($2 !~ /^(in|out|inout|none|raw|array)$/) fail("unknown direction " $2)
    if ($4 !~ /^(any|priv)$/) fail("unknown caller " $4)
    if ($5 !~ /^(-|E[A-Z0-9]+(,E[A-Z0-9]+)*)$/) fail("errnos " $5 "?")
    if ($6 !~ /^(-|(hot|preempt|value)(,(hot|preempt|value))*)$/) fail("unknown flags " $6)
    if ($7 == "absent" && $5 != "ENOSYS") fail("an absent row returns ENOSYS and nothing else")
    if ((name[h], $1) in row_seen) fail("row " $1 " stands twice")
    row_seen[name[h], $1] = 1
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
function is_each(h, r) { return op[h, r] == "each" }
function handler(h, r) { return "do_" tolower(op[h, r]) }
function live(h, r) { return status[h, r] == "implemented" && !is_each(h, r) }
function has_struct(h, r) { return dir[h, r] ~ /^(in|out|inout|array)$/ && kind[h] !~ /^(value|count)$/ }
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
    if (kind[h] == "array")
        return "        return hypercall_array(v, a, sizeof(args), &args, each_" tolower(op[h, r]) ");"
    if (d == "none") return "        return " handler(h, r) "(" pre ");"
    if (d == "raw") return "        return " handler(h, r) "(" pre ", " arg ");"
    call = handler(h, r) "(" pre ", &args)"
    if (d == "in")
        return "        COPY_IN(args, " arg ");\n        return " call ";"
    return "        " (d == "out" ? "ZERO(args);" : "COPY_IN(args, " arg ");") "\n" \
        "        ret = " call ";\n" \
        "        COPY_OUT(args, " arg ", ret);\n        return ret;"
}

# Elements are handled through a pointer to void.
function make_each(i,    r) {
    for (r = 1; r <= rows[i]; r++)
        if (live(i, r))
            print "\nstatic long each_" tolower(op[i, r]) "(struct vcpu *v, void *element)\n{\n" \
                "    return " handler(i, r) "(v, element);\n}"
}

function make_glue(i,    r, arg) {
    arg = kind[i] == "vcpu" ? "a[2]" : "a[1]"
    if (kind[i] == "array") make_each(i)
    print "\nstatic inline __attribute__((always_inline)) long serve_" name[i] "(struct vcpu *v, uint64_t *a, uint32_t cmd)\n{"
    print "    long ret;\n\n    (void)ret;\n    switch (cmd) {"
    for (r = 1; r <= rows[i]; r++) {
        if (!live(i, r)) continue
        print "    case " op[i, r] ": {"
        if (has_struct(i, r)) print "        " type[i, r] " args;\n"
        if (caller[i, r] == "priv") print "        PRIVILEGED(v, \"" op[i, r] "\");"
        print row_body(i, r, arg) "\n    }"
    }
    print "    default:\n        return -XEN_ENOSYS;\n    }\n}"
    print "\nstatic long hcall_" name[i] "(struct vcpu *v, uint64_t *a)\n{"
    print "    uint32_t cmd = (uint32_t)a[0]" (kind[i] == "memop" ? " & 63" : "") ";\n"
    print "    return hypercall_check(__HYPERVISOR_" name[i] ", cmd, serve_" name[i] "(v, a, cmd));\n}"
}

function make_batch(i,    r) {
    print "\nlong " name[i] "_each(struct vcpu *v, mmuext_op_t *op)\n{\n    long ret;\n\n    switch (op->cmd) {"
    for (r = 1; r <= rows[i]; r++) {
        if (!live(i, r)) continue
        print "    case " op[i, r] ":"
        if (caller[i, r] == "priv") print "        PRIVILEGED(v, \"" op[i, r] "\");"
        print "        ret = " handler(i, r) "(v, op);\n        break;"
    }
    print "    default:\n        return -XEN_ENOSYS;\n    }"
    print "    return hypercall_check(__HYPERVISOR_" name[i] ", op->cmd, ret);\n}"
}

function make_whole(i) {
    print "\nstatic long hcall_" name[i] "(struct vcpu *v, uint64_t *a)\n{"
    if (nargs[i] == 0) print "    (void)a;"
    if (caller[i, 1] == "priv") print "    PRIVILEGED(v, \"" name[i] "\");"
    print "    return hypercall_check(__HYPERVISOR_" name[i] ", HYPERCALL_WHOLE, do_" name[i] \
        "(" numbered("a[%d]", nargs[i], "v") "));\n}"
}

# The errnos of a row as a bitmap of two words.
function errno_words(list, value,    e, i, n, low, high) {
    if (value) return "{~0ull, ~0ull}"
    n = list == "-" ? 0 : split(list, e, ",")
    for (i = 1; i <= n; i++) {
        low = low " | ERRNO_BIT(XEN_" e[i] ", 0)"
        high = high " | ERRNO_BIT(XEN_" e[i] ", 1)"
    }
    return n ? "{" substr(low, 4) ",\n      " substr(high, 4) "}" : "{0, 0}"
}

function make_ops(    i, r) {
    print "\nconst struct hypercall_op hypercall_ops[] = {"
    for (i = 1; i <= h; i++)
        for (r = 1; r <= rows[i]; r++)
            print "    {__HYPERVISOR_" name[i] ", " (is_each(i, r) ? "HYPERCALL_WHOLE" : op[i, r]) ", " \
                (is_whole(i) ? "0" : kind[i] == "memop" ? "63" : "~0u") ", \"" \
                (is_each(i, r) ? name[i] : op[i, r]) "\",\n     " \
                errno_words(errnos[i, r], flags[i, r] ~ /value/) "},"
    print "};\nconst unsigned hypercall_op_count = sizeof(hypercall_ops) / sizeof(hypercall_ops[0]);"
}

function make_dispatch(    i) {
    banner("Glue between registers and handlers.")
    print "#define __XEN_TOOLS__ 1 /* names of sub-operations that only a control domain uses */"
    print "#include \"dispatch_glue.h\"\n#include \"hypercall_op.h\""
    for (i = 1; i <= h; i++) {
        if (kind[i] == "absent") continue
        if (is_whole(i)) make_whole(i)
        else make_glue(i)
        if (kind[i] == "batch") make_batch(i)
    }
    print "\nconst struct hypercall_row hypercall_table[HYPERCALL_NUMBERS] = {"
    for (i = 1; i <= h; i++)
        print "    [__HYPERVISOR_" name[i] "] = {" (kind[i] == "absent" ? "NULL" : "hcall_" name[i]) ", \"" \
            name[i] "\", " arg_count(i) "},"
    print "};"
    make_ops()
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
            sub_name = is_each(i, r) ? "NULL, -1" : "\"" op[i, r] "\", " op[i, r]
            print "    {__HYPERVISOR_" name[i] ", \"" name[i] "\", " sub_name ", \"" dir[i, r] "\", \"" type[i, r] "\", \"" caller[i, r] "\", \"" errnos[i, r] "\", \"" flags[i, r] "\", \"" status[i, r] "\"},"
        }
    }
    print "};\nconst unsigned abi_reference_count = sizeof(abi_reference) / sizeof(abi_reference[0]);"
}

# A `case` for each number: the compiler refuses two that are equal, and names that Xen does not have.
function make_conform(    i, r) {
    banner("The names of the table against Xen's headers.")
    print "\nstatic inline void conform_numbers(unsigned nr)\n{\n    switch (nr) {"
    for (i = 1; i <= h; i++) print "    case __HYPERVISOR_" name[i] ":"
    print "        break;\n    }\n}"
    for (i = 1; i <= h; i++) {
        if (rows[i] == 0 || (rows[i] == 1 && is_each(i, 1))) continue
        print "\nstatic inline void conform_" name[i] "(unsigned cmd)\n{\n    switch (cmd) {"
        for (r = 1; r <= rows[i]; r++) if (!is_each(i, r)) print "    case " op[i, r] ":"
        print "        break;\n    }\n}"
    }
    print ""
    for (i = 1; i <= h; i++) {
        print "_Static_assert(__HYPERVISOR_" name[i] " < 64, \"the dispatch table is large enough\");"
        for (r = 1; r <= rows[i]; r++) {
            if (kind[i] == "memop" && !is_each(i, r))
                print "_Static_assert(" op[i, r] " < 64, \"fits below a continuation's progress\");"
            if (type[i, r] != "-" && live(i, r))
                print "_Static_assert(sizeof(" type[i, r] ") <= 8192, \"" type[i, r] " fits the stack\");"
        }
    }
}

function man_row(h, r,    text) {
    print ".It " (is_each(h, r) ? "Em each" : "Dv " op[h, r])
    if (status[h, r] == "absent") {
        print "Absent."
        return
    }
    text = dir[h, r] == "none" ? "No argument" : dir[h, r] == "raw" ? "The handler reads the argument itself" : ""
    if (text == "")
        print ".Vt " type[h, r] " ,\n" (dir[h, r] == "array" ? "an array, each element copied back" : dir[h, r]) "."
    else
        print text (type[h, r] == "-" ? "." : ":\n.Vt " type[h, r] " .")
    if (caller[h, r] == "priv") print "For privileged domains."
    text = errnos[h, r]
    gsub(/,/, " , ", text)
    print errnos[h, r] == "-" ? "Cannot fail." : "Fails with\n.Er " text " ."
    if (flags[h, r] ~ /preempt/) print "May be continued."
}

function make_man(    i, r, a) {
    while ((getline text < prose) > 0) print text
    for (i = 1; i <= h; i++) {
        print ".Ss " name[i]
        if (kind[i] == "absent") {
            print "Absent: answers\n.Er ENOSYS ."
            continue
        }
        a = is_whole(i) ? arglist[i] : kind[i] == "array" ? "cmd,arg,count" : kind[i] == "vcpu" ? "cmd,vcpuid,arg" : \
            kind[i] == "value" ? "cmd,value" : kind[i] == "count" ? "cmd,count,arg" : "cmd,arg"
        gsub(/,/, " , ", a)
        print a == "" ? "No arguments." : "Arguments:\n.Fa " a " ."
        print ".Bl -tag -width Ds"
        for (r = 1; r <= rows[i]; r++) man_row(i, r)
        print ".El"
    }
    print ".Sh SEE ALSO\n.Xr paravane 1 ,\n.Xr hypervisor 8"
}

END {
    if (failed) exit 1
    if (what == "handlers") make_handlers()
    else if (what == "dispatch") make_dispatch()
    else if (what == "stubs") make_stubs()
    else if (what == "reference") make_reference()
    else if (what == "conform") make_conform()
    else if (what == "man") make_man()
    else { print "generate.awk: what=" what "?" > "/dev/stderr"; exit 1 }
}
