# SPDX-License-Identifier: MIT
# The hypercall table and what is generated from it.
ABI_GENERATE = $(AM_V_GEN)$(MKDIR_P) hypercall-abi && $(AWK) -f $(srcdir)/hypercall-abi/generate.awk
ABI_TABLE = $(srcdir)/hypercall-abi/hypercalls.tab
ABI_DEPS = $(ABI_TABLE) $(srcdir)/hypercall-abi/generate.awk

hypercall-abi/hypercall_handlers.h: $(ABI_DEPS)
	$(ABI_GENERATE) -v what=handlers $(ABI_TABLE) > $@.tmp && mv $@.tmp $@
hypercall-abi/hypercall_dispatch.c: $(ABI_DEPS)
	$(ABI_GENERATE) -v what=dispatch $(ABI_TABLE) > $@.tmp && mv $@.tmp $@
hypercall-abi/hypercall_stubs.h: $(ABI_DEPS)
	$(ABI_GENERATE) -v what=stubs $(ABI_TABLE) > $@.tmp && mv $@.tmp $@
hypercall-abi/abi_reference.c: $(ABI_DEPS)
	$(ABI_GENERATE) -v what=reference $(ABI_TABLE) > $@.tmp && mv $@.tmp $@
hypercall-abi/hypercall_conform.h: $(ABI_DEPS)
	$(ABI_GENERATE) -v what=conform $(ABI_TABLE) > $@.tmp && mv $@.tmp $@

ABI_GENERATED = hypercall-abi/hypercall_handlers.h hypercall-abi/hypercall_dispatch.c \
	hypercall-abi/hypercall_stubs.h hypercall-abi/abi_reference.c hypercall-abi/hypercall_conform.h
BUILT_SOURCES += $(ABI_GENERATED)
CLEANFILES += $(ABI_GENERATED)
EXTRA_DIST += hypercall-abi/hypercalls.tab hypercall-abi/generate.awk hypercall-abi/left-out

# Nothing links it: that it compiles is the test.
noinst_LIBRARIES += hypercall-abi/libconform.a
hypercall_abi_libconform_a_SOURCES = hypercall-abi/abi.h hypercall-abi/abi_reference.h hypercall-abi/conform.c
