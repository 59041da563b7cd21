# SPDX-License-Identifier: MIT
# Manual pages, mdoc.
dist_man_MANS += \
	man/hypervisor.8 \
	man/paravane.1 \
	man/paravane.cfg.5
