/* SPDX-License-Identifier: MIT */
/* Self-test: the ram file system, descriptors, /proc and /dev. */
#define _GNU_SOURCE
#include "selftest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/utsname.h>

static void read_what_was_written(void)
{
    char out[10000], in[10000];
    int fd = open(scratch("a"), O_CREAT | O_EXCL | O_RDWR, 0644);

    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = i * 31 >> 3;
    CHECK(fd >= 0);
    CHECK(write(fd, out, 5000) == 5000 && write(fd, out + 5000, 5000) == 5000);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK(read(fd, in, sizeof(in)) == sizeof(in) && !memcmp(in, out, sizeof(in)));
    CHECK(read(fd, in, 1) == 0);
    CHECK(pread(fd, in, 100, 4090) == 100 && !memcmp(in, out + 4090, 100));
    CHECK(pwrite(fd, "xyz", 3, 4095) == 3);
    CHECK(pread(fd, in, 5, 4094) == 5 && in[0] == out[4094] && !memcmp(in + 1, "xyz", 3));
    struct iovec vec[2] = {{in, 3}, {in + 3, 7}};
    CHECK(lseek(fd, -10, SEEK_END) == 9990 && readv(fd, vec, 2) == 10);
    CHECK(!memcmp(in, out + 9990, 10));
    CHECK(open(scratch("a"), O_CREAT | O_EXCL, 0644) == -1 && errno == EEXIST);
}

static void holes_and_truncation(void)
{
    char buffer[4096];
    struct stat st;
    int fd = open(scratch("sparse"), O_CREAT | O_RDWR, 0644);

    CHECK(pwrite(fd, "end", 3, 10 << 20) == 3);
    CHECK(!fstat(fd, &st) && st.st_size == (10 << 20) + 3 && st.st_blocks <= 16);
    CHECK(pread(fd, buffer, sizeof(buffer), 5 << 20) == sizeof(buffer));
    for (size_t i = 0; i < sizeof(buffer); i++)
        CHECK(!buffer[i]);
    CHECK(pwrite(fd, "0123456789", 10, 0) == 10);
    CHECK(!ftruncate(fd, 5) && !ftruncate(fd, 10));
    CHECK(pread(fd, buffer, 20, 0) == 10 && !memcmp(buffer, "01234\0\0\0\0\0", 10));
    CHECK(ftruncate(fd, -1) == -1 && errno == EINVAL);
}

static void append_and_flags(void)
{
    const char *path = scratch("log");
    int fd = open(path, O_CREAT | O_WRONLY | O_APPEND, 0644);
    char buffer[16];

    CHECK(write(fd, "one", 3) == 3 && lseek(fd, 0, SEEK_SET) == 0 && write(fd, "two", 3) == 3);
    CHECK(read(fd, buffer, 1) == -1 && errno == EBADF);
    CHECK((fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND)) == (O_WRONLY | O_APPEND));
    int back = open(path, O_RDONLY);
    CHECK(read(back, buffer, 16) == 6 && !memcmp(buffer, "onetwo", 6));
    CHECK(write(back, "x", 1) == -1 && errno == EBADF);
    close(open(path, O_WRONLY | O_TRUNC));
    struct stat st;
    CHECK(!stat(path, &st) && st.st_size == 0);
    CHECK(open("/tmp", O_WRONLY) == -1 && errno == EISDIR);
    CHECK(open("/nowhere/x", O_RDONLY | O_CREAT, 0600) == -1 && errno == ENOENT);
    CHECK(open("/etc/passwd/x", O_RDONLY) == -1 && errno == ENOTDIR);
    CHECK(open(path, O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
}

static void names(void)
{
    char other[256];
    struct stat st, st2;

    strcpy(other, scratch("new"));
    int fd = open(scratch("old"), O_CREAT | O_WRONLY, 0600);
    CHECK(!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_nlink == 1);
    CHECK(!rename(scratch("old"), other));
    CHECK(access(scratch("old"), F_OK) == -1 && errno == ENOENT);
    CHECK(!link(other, scratch("hard")) && !stat(scratch("hard"), &st2));
    CHECK(st2.st_ino == st.st_ino && st2.st_nlink == 2);
    CHECK(!unlink(other) && !fstat(fd, &st2) && st2.st_nlink == 1);
    CHECK(!symlink("hard", scratch("soft")));
    CHECK(!stat(scratch("soft"), &st2) && st2.st_ino == st.st_ino);
    CHECK(!lstat(scratch("soft"), &st2) && S_ISLNK(st2.st_mode) && st2.st_size == 4);
    CHECK(readlink(scratch("soft"), other, sizeof(other)) == 4 && !memcmp(other, "hard", 4));
    CHECK(!symlink("loop", scratch("loop")));
    CHECK(open(scratch("loop"), O_RDONLY) == -1 && errno == ELOOP);
    CHECK(unlink(scratch("")) == -1 && (errno == EISDIR || errno == ENOENT || errno == EPERM));
    CHECK(!chmod(scratch("hard"), 0751) && !stat(scratch("hard"), &st2));
    CHECK((st2.st_mode & 07777) == 0751);
}

static void directories(void)
{
    char name[300];

    CHECK(!mkdir(scratch("d"), 0755) && !mkdir(scratch("d/e"), 0755));
    CHECK(mkdir(scratch("d"), 0755) == -1 && errno == EEXIST);
    CHECK(rmdir(scratch("d")) == -1 && errno == ENOTEMPTY);
    CHECK(rename(scratch("d"), "/tmp/../tmp/x/y/z") == -1 && errno == ENOENT);
    strcpy(name, scratch("d/e/f"));
    CHECK(rename(scratch("d"), name) == -1 && errno == EINVAL); /* into itself */
    CHECK(!chdir(scratch("d/e")));
    char *cwd = getcwd(NULL, 0);
    CHECK(cwd && !strcmp(cwd, scratch("d/e")));
    CHECK(!chdir("..") && !rmdir("e") && access("e", F_OK) == -1);
    memset(name, 'x', 256);
    name[256] = '\0';
    CHECK(mkdir(name, 0755) == -1 && errno == ENAMETOOLONG);
    CHECK(getcwd(name, 2) == NULL && errno == ERANGE);
}

/* Reads a directory of many names while taking them away: none may be skipped. */
static void read_directory(void)
{
    enum { FILES = 500 };
    char name[32];
    int seen = 0;

    CHECK(!mkdir(scratch("many"), 0755) && !chdir(scratch("many")));
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "file-%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    DIR *dir = opendir(".");
    struct dirent *entry;
    CHECK(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        CHECK(entry->d_type == DT_REG);
        CHECK(!unlink(entry->d_name));
        seen++;
    }
    CHECK(seen == FILES);
    CHECK(!chdir("/") && !rmdir(scratch("many")));
}

static void descriptors(void)
{
    int fd = open("/dev/null", O_RDWR), other;

    CHECK(fd >= 0 && (other = dup(fd)) > fd);
    CHECK(dup2(fd, 100) == 100 && dup2(100, 100) == 100);
    CHECK(dup3(fd, fd, 0) == -1 && errno == EINVAL);
    CHECK(fcntl(fd, F_DUPFD, 50) == 50);
    CHECK(fcntl(fd, F_DUPFD_CLOEXEC, 50) == 51 && fcntl(51, F_GETFD) == FD_CLOEXEC);
    CHECK(!close(other) && close(other) == -1 && errno == EBADF);
    CHECK(read(9999, &fd, 1) == -1 && errno == EBADF);
    CHECK(dup2(fd, 1 << 20) == -1 && errno == EBADF);
    while ((other = open("/dev/null", O_RDONLY)) >= 0)
        CHECK(other < 100000);
    CHECK(errno == EMFILE);
}

static void shared_position(void)
{
    int fd = open(scratch("shared"), O_CREAT | O_RDWR, 0600);

    fflush(stdout);
    if (!fork()) {
        CHECK(write(fd, "abc", 3) == 3);
        _exit(0);
    }
    usleep(100000);
    for (int i = 0; i < 100 && lseek(fd, 0, SEEK_CUR) != 3; i++)
        usleep(10000);
    CHECK(lseek(fd, 0, SEEK_CUR) == 3);
}

static void bad_pointers(void)
{
    int fd = open(scratch("a"), O_CREAT | O_RDWR, 0600);
    void *const bad[] = {(void *)8, (void *)0xffffffff80000000, (void *)0xffff800000000000,
                         (void *)0x800000000000, (void *)-1};

    CHECK(write(fd, "0123456789", 10) == 10);
    for (int i = 0; i < 5; i++) {
        CHECK(pread(fd, bad[i], 10, 0) == -1 && errno == EFAULT);
        CHECK(write(fd, bad[i], 10) == -1 && errno == EFAULT);
        CHECK(open(bad[i], O_RDONLY) == -1 && errno == EFAULT);
        CHECK(syscall(SYS_newfstatat, AT_FDCWD, "/", bad[i], 0) == -1 && errno == EFAULT);
        CHECK(readv(fd, bad[i], 2) == -1 && errno == EFAULT);
        CHECK(pipe(bad[i]) == -1 && errno == EFAULT);
    }
}

static void devices(void)
{
    char buffer[64];
    int fd = open("/dev/zero", O_RDWR);

    memset(buffer, 1, sizeof(buffer));
    CHECK(read(fd, buffer, 64) == 64 && !buffer[0] && !buffer[63]);
    CHECK(write(open("/dev/null", O_WRONLY), buffer, 64) == 64);
    CHECK(read(open("/dev/null", O_RDONLY), buffer, 64) == 0);
    CHECK(write(open("/dev/full", O_WRONLY), buffer, 64) == -1 && errno == ENOSPC);
    uint64_t random[8] = {0};
    CHECK(read(open("/dev/urandom", O_RDONLY), random, 64) == 64);
    for (int i = 1; i < 8; i++)
        CHECK(random[i] != random[0]);
    int size;
    CHECK(ioctl(fd, FIONREAD, &size) == -1 && errno == ENOTTY);
    struct stat st;
    CHECK(!stat("/dev/null", &st) && S_ISCHR(st.st_mode) && st.st_rdev == 0x103);
}

static void proc_files(void)
{
    char buffer[4096], path[64];
    ssize_t n;
    struct utsname name;
    struct sysinfo info;

    n = read(open("/proc/uptime", O_RDONLY), buffer, sizeof(buffer) - 1);
    CHECK(n > 0 && strtod(buffer, NULL) > 0);
    n = read(open("/proc/meminfo", O_RDONLY), buffer, sizeof(buffer) - 1);
    CHECK(n > 0 && !memcmp(buffer, "MemTotal:", 9));
    n = readlink("/proc/self", buffer, sizeof(buffer));
    CHECK(n > 0 && n < 10);
    buffer[n] = '\0';
    CHECK(atoi(buffer) == getpid());
    snprintf(path, sizeof(path), "/proc/%d/stat", getpid());
    n = read(open(path, O_RDONLY), buffer, sizeof(buffer) - 1);
    CHECK(n > 0 && atoi(buffer) == getpid() && strchr(buffer, ')'));
    n = readlink("/proc/self/exe", buffer, sizeof(buffer));
    CHECK(n > 0 && buffer[0] == '/');
    CHECK(open("/proc/99999", O_RDONLY) == -1 && errno == ENOENT);
    CHECK(!uname(&name) && !strcmp(name.sysname, "Linux") && !strcmp(name.machine, "x86_64"));
    CHECK(!sysinfo(&info) && info.totalram > info.freeram);
    struct statfs fs;
    CHECK(!statfs("/", &fs) && fs.f_bsize == 4096);
}

static void removed_while_open(void)
{
    char buffer[8];
    int fd = open(scratch("gone"), O_CREAT | O_RDWR, 0600);

    CHECK(write(fd, "still", 5) == 5 && !unlink(scratch("gone")));
    CHECK(pread(fd, buffer, 8, 0) == 5 && !memcmp(buffer, "still", 5));
    CHECK(!mkdir(scratch("cwd"), 0700) && !chdir(scratch("cwd")) && !rmdir(scratch("cwd")));
    CHECK(open("x", O_CREAT | O_WRONLY, 0600) == -1 && errno == ENOENT);
    CHECK(!chdir("/"));
}

const struct test file_tests[] = {
    {"file: read what was written", read_what_was_written},
    {"file: holes and truncation", holes_and_truncation},
    {"file: append and open flags", append_and_flags},
    {"file: names and links", names},
    {"file: directories", directories},
    {"file: reading a changing directory", read_directory},
    {"file: descriptors", descriptors},
    {"file: position shared over fork", shared_position},
    {"file: bad pointers", bad_pointers},
    {"file: devices", devices},
    {"file: /proc", proc_files},
    {"file: removed while open", removed_while_open},
    {0},
};
