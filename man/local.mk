# SPDX-License-Identifier: MIT
# Manual pages, mdoc.
dist_man_MANS += man/hypervisor.8
