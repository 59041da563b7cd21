#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's kernel, downloaded and unpacked, not installed. Usage: fetch-kernel.sh CACHE_DIRECTORY;
# prints the path of vmlinuz, or says on stderr why there is none and fails.
cache=$1
mkdir -p "$cache" && cd "$cache" || exit 1
find_kernel() {
    ls boot/vmlinuz-*-amd64 2> /dev/null | sort -V | tail -n 1
}
if [ -z "$(find_kernel)" ]; then
    package=$(apt-cache depends linux-image-amd64 2> /dev/null | awk '/Depends: linux-image-/ { print $2; exit }')
    [ -n "$package" ] || { echo "apt knows no linux-image-amd64 (apt-get update?)" >&2; exit 1; }
    apt-get download "$package" > download.log 2>&1 || { echo "apt-get download $package failed" >&2; exit 1; }
    # Only the kernel itself: the modules are most of the package.
    dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x --wildcards './boot/vmlinuz-*' || exit 1
    rm -f "$package"_*.deb
fi
echo "$cache/$(find_kernel)"
