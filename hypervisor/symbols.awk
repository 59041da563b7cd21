# SPDX-License-Identifier: MIT
# nm -n of a first link of the hypervisor -> C: the table that names addresses in its stack traces
# (core/symbols.h). Text symbols only: the table stands behind the text in the image, so the second
# link, which has it, leaves their addresses as they are. Plain POSIX awk: no 64-bit arithmetic.

function hex(digits,    i, value) {
    value = 0
    for (i = 1; i <= length(digits); i++)
        value = value * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
    return value
}

NF == 3 && $2 ~ /^[tTwW]$/ && $3 !~ /^\./ {
    low = hex(substr($1, 9))
    if (count == 0) { base = $1; base_low = low }
    if (count > 0 && low - base_low == offset[count - 1]) next # two names of one address
    offset[count] = low - base_low
    name[count++] = $3
}

END {
    print "/* Made from nm's output by symbols.awk. */\n#include \"symbols.h\"\n"
    print "#define TABLE __attribute__((section(\".symbols\")))"
    printf "TABLE const uint64_t hypervisor_symbols_base = 0x%sull;\n", count ? base : "0"
    printf "TABLE const uint32_t hypervisor_symbol_count = %d;\n", count
    print "TABLE const struct hypervisor_symbol hypervisor_symbols[] = {"
    at = 0
    for (i = 0; i < count; i++) {
        printf "    {%#x, %d},\n", offset[i], at
        at += length(name[i]) + 1
    }
    if (count == 0) print "    {0, 0},"
    print "};\nTABLE const char hypervisor_symbol_names[] ="
    for (i = 0; i < count; i++) printf "    \"%s\\0\"\n", name[i]
    print "    \"\";"
}
