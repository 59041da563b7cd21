# SPDX-License-Identifier: MIT
# Small PV kernel images for the tests of the command: source it after tap.sh; files go to $work.

# An ELF with a segment, and the notes given as assembly. image FILE BYTES NOTES [BITS]
image() {
    cat > "$work/k.S" << END
    .text
    .globl _start
_start: ud2
    .space $2
    .section .note.Xen, "a", @note
$3
END
    $CC -m"${4:-64}" -nostdlib -static -no-pie -Wl,-Ttext=0x1000000,--build-id=none -o "$1" "$work/k.S" 2> "$work/cc" ||
        sed 's/^/# /' "$work/cc"
}

note() { # TYPE DIRECTIVE
    printf '    .balign 4\n    .long 4, 9f - 8f, %s\n    .asciz "Xen"\n8:  %s\n9:  .balign 4\n' "$1" "$2"
}

notes="$(note 5 '.asciz "xen-3.0"')
$(note 8 '.asciz "generic"')
$(note 6 '.asciz "test"')
$(note 1 '.quad _start')"
