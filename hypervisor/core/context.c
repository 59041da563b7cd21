/* SPDX-License-Identifier: MIT */
/*
 * The first context of a vCPU (VCPUOP_initialise and the builder): struct vcpu_guest_context of
 * xen/arch-x86/xen.h, checked and taken over whole or not at all.
 */
#include <string.h>

#include "descriptor.h"
#include "domain.h"
#include "log.h"
#include "pagetype.h"
#include "trap.h"

static struct guest_entry entry_of(uint64_t address, bool mask)
{
    return (struct guest_entry){.address = address, .mask_events = mask};
}

static int check_addresses(struct vcpu *caller, const vcpu_guest_context_t *c)
{
    const uint64_t addresses[] = {
        c->event_callback_eip, c->failsafe_callback_eip, c->syscall_callback_eip, c->fs_base,
        c->gs_base_kernel,     c->gs_base_user,          c->user_regs.rip,        c->kernel_sp};

    for (unsigned i = 0; i < ARRAY_LEN(addresses); i++) {
        if (!va_is_canonical(addresses[i])) {
            return refuse(caller, XEN_EINVAL, "address", "context names %#lx, not canonical",
                          addresses[i]);
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(c->trap_ctxt); i++) {
        if (!va_is_canonical(c->trap_ctxt[i].address)) {
            return refuse(caller, XEN_EINVAL, "address", "trap handler %#lx is not canonical",
                          c->trap_ctxt[i].address);
        }
    }
    return 0;
}

static int check(struct vcpu *caller, const vcpu_guest_context_t *c)
{
    if (c->gdt_ents > FIRST_RESERVED_GDT_ENTRY || c->ldt_ents > LDT_FRAMES * 512u) {
        return refuse(caller, XEN_EINVAL, "gdt-size", "context with %lu GDT and %lu LDT entries",
                      (uint64_t)c->gdt_ents, (uint64_t)c->ldt_ents);
    }
    if (!(c->flags & VGCF_in_kernel) && !c->ctrlreg[1]) {
        return refuse(caller, XEN_EINVAL, "root", "context in user mode without a user root");
    }
    return check_addresses(caller, c);
}

static void take_traps(struct vcpu *v, const vcpu_guest_context_t *c)
{
    for (unsigned i = 0; i < ARRAY_LEN(c->trap_ctxt); i++) {
        const trap_info_t *t = &c->trap_ctxt[i];

        if (t->address) {
            trap_set_entry(v, t); /* which check() has seen */
        }
    }
    v->event_callback = entry_of(c->event_callback_eip, true);
    v->failsafe_callback =
        entry_of(c->failsafe_callback_eip, c->flags & VGCF_failsafe_disables_events);
    v->syscall_callback =
        entry_of(c->syscall_callback_eip, c->flags & VGCF_syscall_disables_events);
}

static void take_registers(struct vcpu *v, const vcpu_guest_context_t *c)
{
    v->regs = c->user_regs;
    v->regs.error_code = 0;
    v->regs.entry_vector = 0;
    v->regs.saved_upcall_mask = 0;
    /* The virtual IOPL arrives in rflags, as on Xen: Linux asks for ring 1 on later vCPUs. */
    v->iopl = c->user_regs.rflags >> 12 & 3;
    trap_sanitize(&v->regs);
    v->kernel_mode = c->flags & VGCF_in_kernel;
    v->kernel_ss = c->kernel_ss | 3;
    v->kernel_sp = c->kernel_sp;
    v->fs_base = c->fs_base;
    v->gs_base_kernel = c->gs_base_kernel;
    v->gs_base_user = c->gs_base_user;
    v->debugreg[6] = 0xffff0ff0;
    v->debugreg[7] = 0x400;
}

/* One root, referenced, into *root. -ERESTART: validating it goes on when called again. */
static int take_root(struct vcpu *caller, struct domain *d, uint64_t cr3, mfn_t *root)
{
    mfn_t mfn = MFN(xen_cr3_to_pfn(cr3));
    int err = frame_get_and_type(caller, d, mfn, PT_L4);

    if (err && err != -XEN_ERESTART) {
        return refuse(caller, XEN_EINVAL, "root", "mfn %#lx cannot be a root", mfn.n);
    }
    if (!err) {
        *root = mfn;
    }
    return err;
}

static int take_tables(struct vcpu *caller, struct vcpu *v, const vcpu_guest_context_t *c,
                       mfn_t *root, mfn_t *user_root)
{
    mfn_t frames[GDT_GUEST_FRAMES];
    int err;

    for (unsigned i = 0; i < GDT_GUEST_FRAMES; i++) {
        frames[i] = MFN(c->gdt_frames[i]);
    }
    err = ldt_set(v, c->ldt_base, (unsigned)c->ldt_ents);
    if (!err && c->gdt_ents) {
        err = gdt_set(v, v->domain, frames, (unsigned)c->gdt_ents);
    }
    if (!err) {
        err = take_root(caller, v->domain, c->ctrlreg[3], root);
    }
    if (!err && c->ctrlreg[1]) {
        err = take_root(caller, v->domain, c->ctrlreg[1], user_root);
    }
    return err;
}

int vcpu_set_context(struct vcpu *caller, struct vcpu *v, const vcpu_guest_context_t *ctx)
{
    mfn_t root = MFN_NONE, user_root = MFN_NONE;
    int err = check(caller, ctx);

    if (err) {
        return err;
    }
    err = take_tables(caller, v, ctx, &root, &user_root);
    if (err) {
        descriptor_drop(v);
        if (!mfn_is_none(root)) {
            pagetype_put_later(caller, root);
        }
        return err;
    }
    v->guest_table = root;
    v->guest_table_user = user_root;
    take_traps(v, ctx);
    take_registers(v, ctx);
    v->initialised = true;
    return 0;
}
