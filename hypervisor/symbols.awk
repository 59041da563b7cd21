# SPDX-License-Identifier: MIT
# nm -n of a first link of the hypervisor -> assembly: the table that names addresses in its stack traces
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
    print "/* Made from nm's output by symbols.awk; declared in core/symbols.h. */"
    print "    .section .symbols, \"a\"\n    .balign 8"
    print "    .globl hypervisor_symbols_base, hypervisor_symbol_count"
    print "    .globl hypervisor_symbols, hypervisor_symbol_names"
    print "hypervisor_symbols_base: .quad 0x" (count ? base : 0)
    print "hypervisor_symbol_count: .long " count + 0
    print "hypervisor_symbols:"
    at = 0
    for (i = 0; i < count; i++) {
        printf "    .long %d, %d\n", offset[i], at
        at += length(name[i]) + 1
    }
    print "hypervisor_symbol_names:"
    for (i = 0; i < count; i++) printf "    .asciz \"%s\"\n", name[i]
    print "    .section .note.GNU-stack, \"\", @progbits"
}
