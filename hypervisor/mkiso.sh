#!/bin/sh
# SPDX-License-Identifier: MIT
# A bootable CD image. Usage: mkiso.sh OUTPUT HYPERVISOR "HYPERVISOR OPTIONS" KERNEL "MODULE STRING" [RAMDISK]
# KERNEL is a plain ELF (`paravane inspect --elf`); the module string is that of hypervisor(8), for
# example "kernel name=pvguest memory=64 --".
set -e
[ $# -ge 5 ] || { sed -n '3,5s/^# //p' "$0" >&2; exit 1; }
command -v grub-mkrescue > /dev/null || { echo "mkiso.sh: grub-mkrescue is missing (packages grub-common, grub-pc-bin, xorriso, mtools)" >&2; exit 1; }
output=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/boot/grub"
cp "$2" "$tree/boot/paravane-hv"
cp "$4" "$tree/boot/kernel"
{
    echo 'set timeout=0'
    echo 'serial --unit=0 --speed=115200'
    echo 'menuentry Paravane {'
    echo "    multiboot2 /boot/paravane-hv $3"
    echo "    module2 /boot/kernel $5"
    if [ -n "$6" ]; then
        cp "$6" "$tree/boot/ramdisk"
        echo '    module2 /boot/ramdisk ramdisk'
    fi
    echo '}'
} > "$tree/boot/grub/grub.cfg"
grub-mkrescue -o "$output.tmp" "$tree" > "$output.log" 2>&1 || { cat "$output.log" >&2; exit 1; }
rm -f "$output.log"
mv "$output.tmp" "$output"
