# SPDX-License-Identifier: MIT
# Everything that `make check` runs. All of it speaks TAP.
TEST_EXTENSIONS = .test
TEST_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TEST_LOG_DRIVER)
AM_TESTS_ENVIRONMENT = CK_TAP_LOG_FILE_NAME=-; CK_VERBOSITY=silent; CK_FORK=yes; \
	PARAVANE=$(abs_top_builddir)/host/paravane; PARAVANE_LIBDIR=$(abs_top_builddir)/images; \
	BUILDDIR=$(abs_top_builddir); SRCDIR=$(abs_top_srcdir); CC='$(CC)'; AWK='$(AWK)'; \
	export CK_TAP_LOG_FILE_NAME CK_VERBOSITY CK_FORK PARAVANE PARAVANE_LIBDIR BUILDDIR SRCDIR CC AWK;

include tests/unit/local.mk
include tests/guests/local.mk

SCRIPT_TESTS = \
	tests/gates/table.test \
	tests/gates/style.test \
	tests/gates/layers.test \
	tests/gates/format.test \
	tests/boot/pvguest.test \
	tests/boot/linux.test \
	tests/boot/guests.test \
	tests/boot/verdicts.test \
	tests/boot/iso.test
TESTS += $(UNIT_TESTS) $(SCRIPT_TESTS)
EXTRA_DIST += $(SCRIPT_TESTS) tests/tap.sh tests/summary.awk tests/gates/exceptions tests/boot/matrix.tab \
	tests/boot/linux-init tests/boot/make-initrd.sh tests/boot/fetch-kernel.sh

# What a run from the build tree needs in one directory (PARAVANE_LIBDIR).
images: $(images_DATA)
	$(AM_V_GEN)$(MKDIR_P) images && for f in $(images_DATA); do ln -sf ../$$f images/; done && touch images
noinst_DATA += images

# A CD with the guest that comes with Paravane.
iso: paravane.iso
paravane.iso: images $(srcdir)/hypervisor/mkiso.sh
	$(AM_V_GEN)$(srcdir)/hypervisor/mkiso.sh $@ images/paravane-hv "$(HV_OPTIONS)" images/pvguest \
	  "kernel name=pvguest memory=64 -- $(GUEST_ARGUMENTS)" images/pvguest-initrd.cpio
.PHONY: iso
CLEANFILES += paravane.iso

# What the boot tests keep: serial logs, the downloaded kernel, images made from it.
clean-local:
	rm -rf images test-logs
distclean-local:
	rm -rf cache
