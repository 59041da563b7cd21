# SPDX-License-Identifier: MIT
# From what `make check` prints to a line for each test program, the results that are not PASS, and
# the closing counts. Fails if anything failed, or if nothing ran.
# A program that reports failed results also ends with an error; that is counted once.

function program(text) {
    sub(/^[A-Z]*: */, "", text)
    sub(/ .*/, "", text)
    return text
}

function close_program() {
    if (at == "") return
    if (broken && !failed_here) {
        failed++
        print "ERROR: " at " did not end well"
    }
    printf "%s: %d passed%s%s\n", at, passed_here, failed_here ? ", " failed_here " failed" : "", \
        skipped_here ? ", " skipped_here " skipped" : ""
    if (failed_here || broken) bad = bad " " at
    fflush()
}

/^(PASS|FAIL|SKIP|ERROR|XFAIL|XPASS): / {
    if (program($0) != at) {
        close_program()
        at = program($0)
        passed_here = failed_here = skipped_here = broken = 0
    }
    if ($1 == "PASS:" || $1 == "XFAIL:") {
        passed++
        passed_here++
    } else if ($1 == "SKIP:") {
        skipped++
        skipped_here++
        print
    } else if ($1 == "ERROR:") {
        broken = 1
    } else {
        failed++
        failed_here++
        print
    }
}

END {
    close_program()
    n = split(bad, program_of, " ")
    for (i = 1; i <= n; i++) {
        log_of = logs "/" program_of[i]
        sub(/\.test$/, "", log_of)
        log_of = log_of ".log"
        print "--- " log_of
        while ((getline line < log_of) > 0) if (line !~ /^(ok|PASS)/) print line
    }
    if (passed + failed + skipped == 0) {
        print "nothing ran"
        failed = 1
    }
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed > 0
}
