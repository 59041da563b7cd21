# SPDX-License-Identifier: MIT
# Programs of tests/unit: one for each part of core, linked with all of core, the simulated machine
# and the fixtures, under ASan and UBSan.
check_LIBRARIES = tests/unit/libcore.a

tests_unit_libcore_a_SOURCES = $(CORE_SOURCES) $(BUILD_SOURCES) \
	hypervisor/core/debug_on.c \
	hypervisor/sim/machine.c \
	hypervisor/sim/machine_arch.h \
	hypervisor/sim/sim.h \
	tests/unit/console_fixture.c \
	tests/unit/console_fixture.h \
	tests/unit/elf_fixture.c \
	tests/unit/elf_fixture.h \
	tests/unit/fixture.c \
	tests/unit/fixture.h \
	tests/unit/guests.c \
	tests/unit/guests.h \
	tests/unit/trap_fixture.c \
	tests/unit/trap_fixture.h
nodist_tests_unit_libcore_a_SOURCES = hypercall-abi/hypercall_dispatch.c

UNIT_CPPFLAGS = -D_GNU_SOURCE -I$(srcdir)/hypervisor/core -I$(srcdir)/hypervisor/sim -I$(srcdir)/libpv/build \
	-I$(srcdir)/tests/unit -I$(srcdir) -Ihypercall-abi -DPARAVANE_VERSION='"$(VERSION)"'
UNIT_CFLAGS = $(SIM_CFLAGS) $(SANITIZE) $(CHECK_CFLAGS)
UNIT_LIBS = tests/unit/libcore.a $(CHECK_LIBS)
tests_unit_libcore_a_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_libcore_a_CFLAGS = $(UNIT_CFLAGS)

UNIT_TESTS = \
	tests/unit/boot_test \
	tests/unit/bounce_test \
	tests/unit/build_test \
	tests/unit/console_test \
	tests/unit/descriptor_test \
	tests/unit/domain_test \
	tests/unit/emulate_test \
	tests/unit/event_test \
	tests/unit/format_test \
	tests/unit/grant_test \
	tests/unit/hostile_test \
	tests/unit/image_test \
	tests/unit/iret_test \
	tests/unit/log_test \
	tests/unit/policy_test \
	tests/unit/sched_test \
	tests/unit/timer_test \
	tests/unit/trap_test \
	tests/unit/vcpu_test
check_PROGRAMS += $(UNIT_TESTS)

tests_unit_bounce_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_bounce_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_bounce_test_LDADD = $(UNIT_LIBS)
tests_unit_descriptor_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_descriptor_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_descriptor_test_LDADD = $(UNIT_LIBS)
tests_unit_emulate_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_emulate_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_emulate_test_LDADD = $(UNIT_LIBS)
tests_unit_iret_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_iret_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_iret_test_LDADD = $(UNIT_LIBS)
tests_unit_policy_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_policy_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_policy_test_LDADD = $(UNIT_LIBS)
tests_unit_trap_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_trap_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_trap_test_LDADD = $(UNIT_LIBS)
tests_unit_boot_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_boot_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_boot_test_LDADD = $(UNIT_LIBS)
tests_unit_build_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_build_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_build_test_LDADD = $(UNIT_LIBS)
tests_unit_console_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_console_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_console_test_LDADD = $(UNIT_LIBS)
tests_unit_format_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_format_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_format_test_LDADD = $(UNIT_LIBS)
tests_unit_image_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_image_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_image_test_LDADD = $(UNIT_LIBS)
tests_unit_log_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_log_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_log_test_LDADD = $(UNIT_LIBS)
tests_unit_domain_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_domain_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_domain_test_LDADD = $(UNIT_LIBS)
tests_unit_event_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_event_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_event_test_LDADD = $(UNIT_LIBS)
tests_unit_grant_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_grant_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_grant_test_LDADD = $(UNIT_LIBS)
tests_unit_sched_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_sched_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_sched_test_LDADD = $(UNIT_LIBS)
tests_unit_timer_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_timer_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_timer_test_LDADD = $(UNIT_LIBS)
tests_unit_vcpu_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_vcpu_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_vcpu_test_LDADD = $(UNIT_LIBS)
tests_unit_hostile_test_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_hostile_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_hostile_test_LDADD = $(UNIT_LIBS)
