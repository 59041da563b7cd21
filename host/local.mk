# SPDX-License-Identifier: MIT
# The paravane command.
bin_PROGRAMS += host/paravane
host_paravane_SOURCES = \
	host/abi.c \
	host/commands.h \
	host/config.c \
	host/config.h \
	host/error.c \
	host/error.h \
	host/guest.h \
	host/image.c \
	host/image.h \
	host/inspect.c \
	host/main.c \
	host/mux.c \
	host/mux.h \
	host/payload.c \
	host/payload.h \
	host/prepare.c \
	host/prepare.h \
	host/qemu.c \
	host/qemu.h \
	host/run.c \
	host/session.c \
	host/session.h \
	host/tempdir.c \
	host/tempdir.h \
	host/terminal.c \
	host/terminal.h \
	host/unpack.c
nodist_host_paravane_SOURCES = hypercall-abi/abi_reference.c
host_paravane_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE -DPARAVANE_VERSION='"$(VERSION)"' \
	-DPARAVANE_LIBDIR='"$(pkglibdir)"' $(HOST_CFLAGS)
host_paravane_LDADD = $(HOST_LIBS) -lxlutil
