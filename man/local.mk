# SPDX-License-Identifier: MIT
# Manual pages, mdoc. The list of hypercalls is generated behind its hand-written head.
dist_man_MANS += \
	man/hypervisor.8 \
	man/paravane.1 \
	man/paravane.cfg.5
nodist_man_MANS = man/hypercalls.7

man/hypercalls.7: $(ABI_DEPS) $(srcdir)/man/hypercalls.7.head
	$(AM_V_GEN)$(MKDIR_P) man && $(AWK) -v what=man -v prose=$(srcdir)/man/hypercalls.7.head \
	  -f $(srcdir)/hypercall-abi/generate.awk $(ABI_TABLE) > $@.tmp && mv $@.tmp $@
CLEANFILES += man/hypercalls.7
EXTRA_DIST += man/hypercalls.7.head
