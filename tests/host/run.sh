#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh [BUILD_DIRECTORY]: the tests of the command alone, without `make check`; needs no QEMU.
here=$(cd "$(dirname "$0")" && pwd)
SRCDIR=$(cd "$here/../.." && pwd)
BUILDDIR=$(cd "${1:-$SRCDIR/build}" && pwd) || exit 99
PARAVANE=$BUILDDIR/host/paravane PARAVANE_LIBDIR=$BUILDDIR/images CC=${CC:-cc} AWK=${AWK:-awk}
export SRCDIR BUILDDIR PARAVANE PARAVANE_LIBDIR CC AWK

make -s -C "$BUILDDIR" host/paravane tests/host/fakeqemu tests/host/onterminal tests/host/mkbzimage || exit 99
for test in "$here"/*.test; do
    bash "$test"
done | awk '/^ok/ && !/# SKIP/ { good++ } /^ok.*# SKIP/ { skipped++ } /^not ok/ { bad++ } !/^1\.\./
    END { printf "%d passed, %d failed, %d skipped\n", good, bad, skipped; exit bad > 0 || good == 0 }'
