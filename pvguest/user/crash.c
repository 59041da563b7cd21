/* SPDX-License-Identifier: MIT */
/* crash: makes the kernel crash its domain, by Linux's name for it (sysrq 'c'). */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    int fd = open("/proc/sysrq-trigger", O_WRONLY);

    if (fd < 0 || write(fd, "c", 1) != 1)
        perror("crash: /proc/sysrq-trigger");
    return 1;
}
