#!/bin/sh
# SPDX-License-Identifier: MIT
# mkinitrd.sh OUTPUT PROGRAM...: the initramfs of pvguest, a cpio archive ("newc") with busybox, a
# link for each of its applets, and our programs in /bin (the one called init as /init).
# The same input gives the same bytes: owners, times, order and inode numbers are fixed.
# BUSYBOX names another busybox than that of Debian's busybox-static.
set -eu

[ $# -ge 2 ] || { echo "usage: mkinitrd.sh OUTPUT PROGRAM..." >&2; exit 1; }
output=$1
shift
busybox=${BUSYBOX:-/bin/busybox}
[ -x "$busybox" ] || { echo "mkinitrd.sh: $busybox is missing (package busybox-static)" >&2; exit 1; }
tree=$(mktemp -d)
trap 'rm -rf "$tree" "$output.new"' EXIT
trap 'exit 1' INT TERM HUP

mkdir -p "$tree/bin" "$tree/dev" "$tree/etc" "$tree/proc" "$tree/root" "$tree/tmp" "$tree/usr/bin"
cp "$busybox" "$tree/bin/busybox"
for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$tree/bin/$applet"
done
for program in "$@"; do
    name=$(basename "$program")
    if [ "$name" = init ]; then
        cp "$program" "$tree/init"
    else
        rm -f "$tree/bin/$name"
        cp "$program" "$tree/bin/$name"
    fi
done
echo 'root:x:0:0:root:/root:/bin/sh' > "$tree/etc/passwd"
echo 'root:x:0:' > "$tree/etc/group"
echo pvguest > "$tree/etc/hostname"
chmod -R u=rwX,go=rX "$tree"
chmod 1777 "$tree/tmp"
chmod 700 "$tree/root"

find "$tree" -exec touch --no-dereference --date=@0 {} +
(cd "$tree" && find . | LC_ALL=C sort |
    cpio --create --format=newc --reproducible --owner=+0:+0 --quiet) > "$output.new"
mv "$output.new" "$output"
