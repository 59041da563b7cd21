/* SPDX-License-Identifier: MIT */
/* The image: one flat run of pages, each kind on its own pages so that paging.c can protect it. */
#include "layout.h"

OUTPUT_FORMAT(elf64-x86-64)
ENTRY(start32)

PHDRS
{
    all PT_LOAD FLAGS(7);
}

SECTIONS
{
    . = IMAGE_BASE + IMAGE_PHYS;
    image_start = .;
    .text : {
        KEEP(*(.head))
        *(.entry)
        *(.text .text.*)
        . = ALIGN(4096);
    } :all
    image_text_end = .;
    .rodata : {
        *(.rodata .rodata.*)
        . = ALIGN(8);
        ex_table_start = .;
        KEEP(*(.ex_table))
        ex_table_end = .;
        KEEP(*(.symbols))
        . = ALIGN(4096);
    } :all
    image_rodata_end = .;
    .data : {
        *(.data .data.*)
        *(.got .got.plt)
        . = ALIGN(4096);
    } :all
    image_load_end = .;
    .bss : {
        bss_start = .;
        *(.bss .bss.* COMMON)
        . = ALIGN(4096);
    } :all
    image_end = .;
    /DISCARD/ : {
        *(.comment .note.* .eh_frame* .dynamic .dynsym .dynstr .hash .gnu.hash .interp)
    }
    ASSERT(image_end - image_start < 0x600000, "the image outgrew its boot mapping")
}
