# SPDX-License-Identifier: MIT
# The paravane command.
bin_PROGRAMS += host/paravane
host_paravane_SOURCES = \
	host/abi.c \
	host/accel.c \
	host/accel.h \
	host/commands.h \
	host/config.c \
	host/config.h \
	host/config_keys.c \
	host/config_keys.h \
	host/error.c \
	host/error.h \
	host/fit.c \
	host/guest.c \
	host/guest.h \
	host/image.c \
	host/image.h \
	host/inspect.c \
	host/lines.c \
	host/lines.h \
	host/main.c \
	host/mux.c \
	host/mux.h \
	host/options.c \
	host/options.h \
	host/outlet.c \
	host/outlet.h \
	host/payload.c \
	host/payload.h \
	host/prepare.c \
	host/prepare.h \
	host/qemu.c \
	host/qemu.h \
	host/run.c \
	host/session.c \
	host/session.h \
	host/signals.c \
	host/signals.h \
	host/state.c \
	host/state.h \
	host/tempdir.c \
	host/tempdir.h \
	host/terminal.c \
	host/terminal.h \
	host/unpack.c \
	libpv/build/build.h \
	libpv/build/domain.c \
	libpv/build/image.c \
	libpv/build/image.h \
	libpv/build/layout.c \
	libpv/build/notes.c \
	libpv/build/tables.c \
	libpv/build/tables.h
nodist_host_paravane_SOURCES = hypercall-abi/abi_reference.c
host_paravane_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE -DPARAVANE_VERSION='"$(VERSION)"' \
	-DPARAVANE_LIBDIR='"$(pkglibdir)"' $(HOST_CFLAGS)
host_paravane_LDADD = $(HOST_LIBS) -lxlutil

# Its tests, which need no QEMU: tests/host/run.sh runs them alone.
check_PROGRAMS += tests/host/fakeqemu tests/host/onterminal tests/host/mkbzimage
tests_host_fakeqemu_SOURCES = tests/host/fakeqemu.c
tests_host_onterminal_SOURCES = tests/host/onterminal.c
tests_host_onterminal_LDADD = -lutil
tests_host_mkbzimage_SOURCES = tests/host/mkbzimage.c
tests_host_mkbzimage_CPPFLAGS = $(AM_CPPFLAGS) $(HOST_CFLAGS)
tests_host_mkbzimage_LDADD = $(HOST_LIBS)
HOST_TESTS = \
	tests/host/abi.test \
	tests/host/bad-input.test \
	tests/host/config.test \
	tests/host/inspect.test \
	tests/host/manual.test \
	tests/host/run.test \
	tests/host/terminal.test
TESTS += $(HOST_TESTS)
EXTRA_DIST += $(HOST_TESTS) tests/host/kernels.sh tests/host/run.sh
