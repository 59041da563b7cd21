#!/bin/sh
# SPDX-License-Identifier: MIT
# A ramdisk of busybox and linux-init. Usage: make-initrd.sh BUSYBOX INIT OUTPUT
set -e
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin" "$dir/proc" "$dir/sys" "$dir/dev" "$dir/tmp"
cp "$1" "$dir/bin/busybox"
cp "$2" "$dir/init"
chmod 755 "$dir/init" "$dir/bin/busybox"
(cd "$dir" && find . | LC_ALL=C sort | cpio --quiet -o -H newc --reproducible) | gzip -1n > "$3.tmp"
mv "$3.tmp" "$3"
