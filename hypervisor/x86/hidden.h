/* SPDX-License-Identifier: MIT */
/* Included before every file of the image: all symbols are in it, so none needs a GOT entry. */
#pragma GCC visibility push(hidden)
