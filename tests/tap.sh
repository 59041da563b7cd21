# SPDX-License-Identifier: MIT
# Test Anything Protocol for shell tests: source it, call ok/is/skip, end with done_testing.
tap_count=0
tap_failed=0

# ok STATUS NAME: passes when STATUS is 0.
ok() {
    tap_count=$((tap_count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tap_count - $2"
    else
        tap_failed=1
        echo "not ok $tap_count - $2"
    fi
}

# is GOT WANTED NAME: passes when both are the same text.
is() {
    if [ "$1" = "$2" ]; then
        ok 0 "$3"
    else
        ok 1 "$3"
        echo "# got:    $1"
        echo "# wanted: $2"
    fi
}

skip() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

# Lines of a file as TAP comments.
show() {
    sed 's/^/# /' "$1"
}

done_testing() {
    echo "1..$tap_count"
    exit "$tap_failed"
}
