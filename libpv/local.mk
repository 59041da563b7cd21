# SPDX-License-Identifier: MIT
# libpv: what a porter links. (The domain builder in build/ belongs to the hypervisor's sources.)
lib_LIBRARIES += libpv/libpv.a
libpv_libpv_a_SOURCES = \
	libpv/console.c \
	libpv/event.c \
	libpv/grant.c \
	libpv/entry.S \
	libpv/start.c \
	libpv/time.c
libpv_libpv_a_CPPFLAGS = -I$(srcdir)/libpv/include -Ilibpv/include
libpv_libpv_a_CFLAGS = $(PV_CFLAGS)
libpv_libpv_a_CCASFLAGS =

pvincludedir = $(includedir)/pv
pvinclude_HEADERS = \
	libpv/include/pv/console.h \
	libpv/include/pv/event.h \
	libpv/include/pv/grant.h \
	libpv/include/pv/hypercall.h \
	libpv/include/pv/ring.h \
	libpv/include/pv/start.h \
	libpv/include/pv/time.h \
	libpv/include/pv/xen.h
nodist_pvinclude_HEADERS = libpv/include/pv/hypercall_stubs.h

libpv/include/pv/hypercall_stubs.h: hypercall-abi/hypercall_stubs.h
	$(AM_V_GEN)$(MKDIR_P) libpv/include/pv && cp hypercall-abi/hypercall_stubs.h $@
BUILT_SOURCES += libpv/include/pv/hypercall_stubs.h
CLEANFILES += libpv/include/pv/hypercall_stubs.h

pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = libpv/libpv.pc
