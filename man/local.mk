# SPDX-License-Identifier: MIT
# Manual pages, mdoc.
