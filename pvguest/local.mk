# SPDX-License-Identifier: MIT
# pvguest: the kernel, its user programs (static, musl), and the initial ramdisk with busybox.
noinst_PROGRAMS += pvguest/pvguest
pvguest_pvguest_SOURCES = \
	pvguest/kernel/clock.c \
	pvguest/kernel/clock.h \
	pvguest/kernel/console.c \
	pvguest/kernel/console.h \
	pvguest/kernel/cpio.c \
	pvguest/kernel/cpio.h \
	pvguest/kernel/device.c \
	pvguest/kernel/device.h \
	pvguest/kernel/dir.c \
	pvguest/kernel/direct.c \
	pvguest/kernel/direct.h \
	pvguest/kernel/elf.c \
	pvguest/kernel/elf.h \
	pvguest/kernel/entry.S \
	pvguest/kernel/exec.c \
	pvguest/kernel/exec.h \
	pvguest/kernel/exec_args.c \
	pvguest/kernel/exec_args.h \
	pvguest/kernel/exit.c \
	pvguest/kernel/fault.c \
	pvguest/kernel/file.c \
	pvguest/kernel/file.h \
	pvguest/kernel/fpu.c \
	pvguest/kernel/fpu.h \
	pvguest/kernel/inode.c \
	pvguest/kernel/inode.h \
	pvguest/kernel/iov.c \
	pvguest/kernel/iov.h \
	pvguest/kernel/job.c \
	pvguest/kernel/job.h \
	pvguest/kernel/kselftest.c \
	pvguest/kernel/kselftest.h \
	pvguest/kernel/main.c \
	pvguest/kernel/memory.c \
	pvguest/kernel/memory.h \
	pvguest/kernel/path.c \
	pvguest/kernel/path.h \
	pvguest/kernel/pipe.c \
	pvguest/kernel/pipe.h \
	pvguest/kernel/poll.c \
	pvguest/kernel/poll.h \
	pvguest/kernel/print.c \
	pvguest/kernel/print.h \
	pvguest/kernel/proc_text.c \
	pvguest/kernel/proc_text.h \
	pvguest/kernel/process.c \
	pvguest/kernel/process.h \
	pvguest/kernel/procfs.c \
	pvguest/kernel/procfs.h \
	pvguest/kernel/random.c \
	pvguest/kernel/reboot.c \
	pvguest/kernel/reboot.h \
	pvguest/kernel/signal.c \
	pvguest/kernel/signal.h \
	pvguest/kernel/signal_call.c \
	pvguest/kernel/signal_frame.c \
	pvguest/kernel/space.c \
	pvguest/kernel/space.h \
	pvguest/kernel/space_fault.c \
	pvguest/kernel/space_file.c \
	pvguest/kernel/space_file.h \
	pvguest/kernel/space_tables.c \
	pvguest/kernel/space_tables.h \
	pvguest/kernel/string.c \
	pvguest/kernel/syscall.c \
	pvguest/kernel/syscall.h \
	pvguest/kernel/syscall_dir.c \
	pvguest/kernel/syscall_file.c \
	pvguest/kernel/syscall_memory.c \
	pvguest/kernel/syscall_path.c \
	pvguest/kernel/syscall_poll.c \
	pvguest/kernel/syscall_process.c \
	pvguest/kernel/syscall_signal.c \
	pvguest/kernel/syscall_stat.c \
	pvguest/kernel/syscall_system.c \
	pvguest/kernel/syscall_time.c \
	pvguest/kernel/thread.c \
	pvguest/kernel/thread.h \
	pvguest/kernel/timer.c \
	pvguest/kernel/timer.h \
	pvguest/kernel/trap.c \
	pvguest/kernel/trap.h \
	pvguest/kernel/tty.c \
	pvguest/kernel/tty.h \
	pvguest/kernel/tty_internal.h \
	pvguest/kernel/tty_ioctl.c \
	pvguest/kernel/tty_output.c \
	pvguest/kernel/uapi_stat.h \
	pvguest/kernel/userland.c \
	pvguest/kernel/userland.h \
	pvguest/kernel/wait.c \
	pvguest/kernel/wait.h
pvguest_pvguest_CPPFLAGS = -I$(srcdir)/libpv/include -Ilibpv/include
pvguest_pvguest_CFLAGS = $(PV_CFLAGS)
pvguest_pvguest_CCASFLAGS =
pvguest_pvguest_LDADD = libpv/libpv.a
pvguest_pvguest_LDFLAGS = -nostdlib -static -no-pie -Wl,--build-id=none,-z,noexecstack,--no-warn-rwx-segments \
	-Wl,-T,$(srcdir)/pvguest/kernel/pvguest.lds -Wl,-u,pv_start
pvguest_pvguest_DEPENDENCIES = libpv/libpv.a $(srcdir)/pvguest/kernel/pvguest.lds

PVGUEST_USER = pvguest/user/init pvguest/user/crash pvguest/user/spin pvguest/user/selftest
PVGUEST_SELFTEST = $(wildcard $(srcdir)/pvguest/user/selftest*.c)
MUSL_CC = $(AM_V_CC)$(MKDIR_P) pvguest/user && $(MUSL_GCC) -std=gnu11 -Os -static $(WARNINGS)

pvguest/user/init: $(srcdir)/pvguest/user/init.c
	$(MUSL_CC) -o $@ $(srcdir)/pvguest/user/init.c
pvguest/user/crash: $(srcdir)/pvguest/user/crash.c
	$(MUSL_CC) -o $@ $(srcdir)/pvguest/user/crash.c
pvguest/user/spin: $(srcdir)/pvguest/user/spin.c
	$(MUSL_CC) -o $@ $(srcdir)/pvguest/user/spin.c
pvguest/user/selftest: $(PVGUEST_SELFTEST) $(srcdir)/pvguest/user/selftest.h
	$(MUSL_CC) -o $@ $(PVGUEST_SELFTEST)

pvguest/pvguest-initrd.cpio: $(PVGUEST_USER) $(srcdir)/pvguest/user/mkinitrd.sh
	$(AM_V_GEN)BUSYBOX=$(BUSYBOX) $(srcdir)/pvguest/user/mkinitrd.sh $@ $(PVGUEST_USER)

images_DATA += pvguest/pvguest$(EXEEXT) pvguest/pvguest-initrd.cpio
CLEANFILES += $(PVGUEST_USER) pvguest/pvguest-initrd.cpio
EXTRA_DIST += pvguest/kernel/pvguest.lds pvguest/user/mkinitrd.sh pvguest/user/init.c pvguest/user/crash.c \
	pvguest/user/spin.c pvguest/user/selftest.h $(PVGUEST_SELFTEST)
