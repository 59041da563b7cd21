# SPDX-License-Identifier: MIT
# Test guests: PV kernels on libpv, one question each. verdicts.test boots those of verdicts.tab.
check_LIBRARIES += tests/guests/libguest.a
tests_guests_libguest_a_SOURCES = \
	tests/guests/guest.c \
	tests/guests/guest.h \
	tests/guests/guest_entry.S \
	tests/guests/guest_table.c
GUEST_CPPFLAGS = -I$(srcdir)/libpv/include -Ilibpv/include -I$(srcdir)/tests/guests
tests_guests_libguest_a_CPPFLAGS = $(GUEST_CPPFLAGS)
tests_guests_libguest_a_CFLAGS = $(PV_CFLAGS)
tests_guests_libguest_a_CCASFLAGS =

TEST_GUESTS = version event memory mmu mmuext grant sched vcpu descriptor trap iret
GUEST_IMAGES = $(TEST_GUESTS:%=tests/guests/%.guest)
GUEST_LINK = -nostdlib -static -no-pie -Wl,--build-id=none,-z,noexecstack,--no-warn-rwx-segments \
	-Wl,-T,$(srcdir)/pvguest/kernel/pvguest.lds -Wl,-u,pv_start
$(GUEST_IMAGES): tests/guests/%.guest: $(srcdir)/tests/guests/%.c $(srcdir)/tests/guests/guest.h \
		tests/guests/libguest.a libpv/libpv.a $(srcdir)/pvguest/kernel/pvguest.lds
	$(AM_V_CC)$(CC) $(PV_CFLAGS) $(GUEST_CPPFLAGS) $(GUEST_LINK) -o $@ \
	  $(srcdir)/tests/guests/$*.c tests/guests/libguest.a libpv/libpv.a

check_DATA = $(GUEST_IMAGES)
CLEANFILES += $(GUEST_IMAGES)
EXTRA_DIST += $(TEST_GUESTS:%=tests/guests/%.c) tests/guests/verdicts.tab
