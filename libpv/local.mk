# SPDX-License-Identifier: MIT
# The guest-side library, and the domain builder that the hypervisor shares.
