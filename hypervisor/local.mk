# SPDX-License-Identifier: MIT
# The hypervisor image: paravane-hv.elf for debuggers, paravane-hv (flat, multiboot) to boot.
include hypervisor/core/sources.mk

noinst_PROGRAMS += hypervisor/paravane-hv.elf hypervisor/paravane-hv.pass1

HV_SOURCES = $(CORE_SOURCES) $(BUILD_SOURCES) \
	hypervisor/x86/apic.c \
	hypervisor/x86/boot.c \
	hypervisor/x86/bootinfo.h \
	hypervisor/x86/clock.c \
	hypervisor/x86/context.c \
	hypervisor/x86/cpu.h \
	hypervisor/x86/desc.c \
	hypervisor/x86/entry.S \
	hypervisor/x86/entry.h \
	hypervisor/x86/entry_fast.S \
	hypervisor/x86/head.S \
	hypervisor/x86/hidden.h \
	hypervisor/x86/layout.h \
	hypervisor/x86/machine.c \
	hypervisor/x86/machine_arch.h \
	hypervisor/x86/main.c \
	hypervisor/x86/paging.c \
	hypervisor/x86/string.c \
	hypervisor/x86/traps.c \
	hypervisor/x86/traps.h \
	hypervisor/x86/uart.c
if DEBUG_BUILD
HV_SOURCES += hypervisor/core/debug_on.c
else
HV_SOURCES += hypervisor/core/debug_off.c
endif

HV_CPPFLAGS = -include $(srcdir)/hypervisor/x86/hidden.h -I$(srcdir)/hypervisor/core -I$(srcdir)/hypervisor/x86 -I$(srcdir)/libpv/build \
	-I$(srcdir) -Ihypercall-abi -Ihypervisor -DPARAVANE_VERSION='"$(VERSION)"'
HV_LINK = -nostdlib -static -no-pie -Wl,--no-dynamic-linker,-z,max-page-size=4096,-z,noexecstack \
	-Wl,--no-warn-rwx-segments,--build-id=none -Wl,-T,hypervisor/hypervisor.lds
HV_OBJECT_DEPS = hypervisor/asm_offsets.h $(ABI_GENERATED)

# Linked twice: the first pass gives the addresses from which the table of symbols is made.
hypervisor_paravane_hv_pass1_SOURCES = $(HV_SOURCES)
nodist_hypervisor_paravane_hv_pass1_SOURCES = hypercall-abi/hypercall_dispatch.c
hypervisor_paravane_hv_pass1_CPPFLAGS = $(HV_CPPFLAGS)
hypervisor_paravane_hv_pass1_CFLAGS = $(HV_CFLAGS)
hypervisor_paravane_hv_pass1_CCASFLAGS =
hypervisor_paravane_hv_pass1_LDFLAGS = $(HV_LINK)
hypervisor_paravane_hv_pass1_DEPENDENCIES = hypervisor/hypervisor.lds

hypervisor_paravane_hv_elf_SOURCES =
nodist_hypervisor_paravane_hv_elf_SOURCES = hypervisor/symbols_table.S
hypervisor_paravane_hv_elf_LDADD = $(hypervisor_paravane_hv_pass1_OBJECTS)
hypervisor_paravane_hv_elf_LDFLAGS = $(HV_LINK)
hypervisor_paravane_hv_elf_DEPENDENCIES = hypervisor/hypervisor.lds $(hypervisor_paravane_hv_pass1_OBJECTS)

hypervisor/symbols_table.S: hypervisor/paravane-hv.pass1$(EXEEXT) $(srcdir)/hypervisor/symbols.awk
	$(AM_V_GEN)$(NM) -n hypervisor/paravane-hv.pass1$(EXEEXT) | $(AWK) -f $(srcdir)/hypervisor/symbols.awk > $@.tmp && mv $@.tmp $@

hypervisor/asm_offsets.h: $(srcdir)/hypervisor/x86/offsets.c $(CORE_SOURCES)
	$(AM_V_GEN)$(MKDIR_P) hypervisor && $(CC) $(HV_CPPFLAGS) $(HV_CFLAGS) -S $(srcdir)/hypervisor/x86/offsets.c -o - \
	  | sed -n 's/^->\([A-Z0-9_]*\) \$$*\([0-9]*\)/#define \1 \2/p' > $@.tmp && mv $@.tmp $@

hypervisor/hypervisor.lds: $(srcdir)/hypervisor/x86/hypervisor.lds.S $(srcdir)/hypervisor/x86/layout.h
	$(AM_V_GEN)$(MKDIR_P) hypervisor && $(CPP) -P -D__ASSEMBLER__ -I$(srcdir)/hypervisor/x86 $< > $@.tmp && mv $@.tmp $@

hypervisor/paravane-hv: hypervisor/paravane-hv.elf$(EXEEXT)
	$(AM_V_GEN)$(OBJCOPY) -O binary hypervisor/paravane-hv.elf$(EXEEXT) $@

images_DATA += hypervisor/paravane-hv
BUILT_SOURCES += hypervisor/asm_offsets.h
CLEANFILES += hypervisor/paravane-hv hypervisor/hypervisor.lds hypervisor/asm_offsets.h hypervisor/symbols_table.S
EXTRA_DIST += hypervisor/x86/hypervisor.lds.S hypervisor/x86/offsets.c hypervisor/symbols.awk \
	hypervisor/mkiso.sh
