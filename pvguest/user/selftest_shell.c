/* SPDX-License-Identifier: MIT */
/* Self-test: Debian's unmodified busybox as shell, with pipelines, loops and jobs. */
#include "selftest.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const struct script {
    const char *name, *text, *output;
} scripts[] = {
    {"echo", "echo hello world", "hello world\n"},
    {"pipeline", "seq 100 | grep 7 | wc -l", "19\n"},
    {"long pipeline", "seq 20000 | cat | sort -n | tail -n 1 | tr 0 x", "2xxxx\n"},
    {"loop", "for i in 1 2 3; do echo $((i * i)); done", "1\n4\n9\n"},
    {"while", "i=0; while [ $i -lt 500 ]; do i=$((i + 1)); done; echo $i", "500\n"},
    {"redirection", "echo one >a; echo two >>a; cat <a; rm a; cat a 2>/dev/null || echo gone",
     "one\ntwo\ngone\n"},
    {"here document", "cat <<X\na $((1 + 1))\nX\n", "a 2\n"},
    {"command substitution", "echo $(echo a$(echo b)c)", "abc\n"},
    {"background", "sleep 0.2 & wait $!; echo $?", "0\n"},
    {"background jobs", "for i in 1 2 3; do (sleep 0.1; echo x) & done; wait; echo end",
     "x\nx\nx\nend\n"},
    {"kill of a job", "sleep 100 & kill $!; wait $!; echo $?", "143\n"},
    {"trap", "trap 'echo caught' USR1; kill -USR1 $$; echo after", "caught\nafter\n"},
    {"exit status", "false; echo $?; (exit 42); echo $?", "1\n42\n"},
    {"broken pipe", "yes | head -n 2", "y\ny\n"},
    {"files",
     "mkdir -p d/e; echo x >d/e/f; cp -r d g; ls g/e; rm -r d g; ls -d d 2>/dev/null; echo ok",
     "f\nok\n"},
    {"find", "mkdir -p t/u; touch t/a t/u/b; find t | sort; rm -r t", "t\nt/a\nt/u\nt/u/b\n"},
    {"gzip", "seq 5000 >n; gzip -c n | gunzip | cmp - n && echo same", "same\n"},
    {"tar", "mkdir s; seq 9 >s/x; tar cf s.tar s; rm -r s; tar xf s.tar; tail -n 1 s/x", "9\n"},
    {"dd", "dd if=/dev/zero bs=1024 count=300 2>/dev/null | wc -c", "307200\n"},
    {"sed and awk", "echo a:b | sed s/a/c/ | awk -F: '{ print $2 $1 }'", "bc\n"},
    {"md5sum", "printf abc | md5sum", "900150983cd24fb0d6963f7d28e17f72  -\n"},
    {"sort and uniq", "printf 'b\\na\\nb\\n' | sort | uniq -c | tr -s ' '", " 1 a\n 2 b\n"},
    {"xargs", "seq 3 | xargs -n 1 echo n", "n 1\nn 2\nn 3\n"},
    {"timeout", "timeout 0.2 sleep 10; echo $?", "143\n"},
    {"symbolic link", "echo v >r; ln -s r l; cat l; readlink l; [ -L l ] && echo link",
     "v\nr\nlink\n"},
    {"test of files", "touch e; chmod 640 e; stat -c %a e; [ -s e ] || echo empty", "640\nempty\n"},
    {"working directory", "cd /bin/../tmp; pwd; cd /; pwd", "/tmp\n/\n"},
    {"environment", "A=1 sh -c 'echo $A$B'", "1\n"},
    {"named pipe", "mkfifo p; echo through >p & cat p; rm p", "through\n"},
    {"uname", "uname -s -m", "Linux x86_64\n"},
    {"ps", "ps | grep -c '[s]elftest' | grep -q '^[1-9]' && echo yes", "yes\n"},
};

/* Runs the text in `sh -c`; false when the output is another. */
static int run_script(const struct script *script)
{
    static char output[4096];
    int ends[2], status;
    size_t got = 0;
    ssize_t n;

    CHECK(!pipe(ends));
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execl("/bin/busybox", "sh", "-c", script->text, NULL);
        _exit(127);
    }
    close(ends[1]);
    while ((n = read(ends[0], output + got, sizeof(output) - 1 - got)) > 0)
        got += n;
    output[got] = '\0';
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child);
    if (!strcmp(output, script->output))
        return 1;
    printf("    %s: status %#x, got \"%s\"\n", script->name, status, output);
    return 0;
}

static void shell_scripts(void)
{
    int bad = 0;

    scratch("");
    CHECK(!chdir(scratch("")));
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
        bad += !run_script(&scripts[i]);
    printf("    %zu scripts\n", sizeof(scripts) / sizeof(scripts[0]));
    CHECK(!bad);
}

static void many_programs(void)
{
    uint64_t start = now_ns();

    CHECK(!system("i=0; while [ $i -lt 100 ]; do busybox true; i=$((i + 1)); done"));
    printf("    100 times fork and exec of busybox: %.2f ms each\n", (now_ns() - start) / 1e8);
}

const struct test shell_tests[] = {
    {"shell: scripts", shell_scripts},
    {"shell: 100 programs", many_programs},
    {0},
};
