/* SPDX-License-Identifier: MIT */
/*
 * xen_version(2) and vm_assist(2): what a guest may ask about the hypervisor, and the kindnesses
 * it may ask for. XENVER_version is also the guest's cheapest way to say "deliver my events now".
 */
#include "version.h"

#include <string.h>

#include "handlers.h"
#include "log.h"

#define CAPABILITIES "xen-3.0-x86_64 "
#define FEATURES                                                                                   \
    (1u << XENFEAT_pae_pgdir_above_4gb | 1u << XENFEAT_mmu_pt_update_preserve_ad |                 \
     1u << XENFEAT_gnttab_map_avail_bits)

/* Writable page tables are always on and 4gb_segments is about 32-bit guests: both are accepted
 * because guests ask. runstate_update_flag and architectural_iopl have an effect. */
#define ASSISTS                                                                                    \
    (1u << VMASST_TYPE_4gb_segments | 1u << VMASST_TYPE_4gb_segments_notify |                      \
     1u << VMASST_TYPE_writable_pagetables | 1u << VMASST_TYPE_pae_extended_cr3 |                  \
     1u << VMASST_TYPE_architectural_iopl | 1u << VMASST_TYPE_runstate_update_flag)

static xen_commandline_t commandline;

/* Copy a string into a fixed field, cut if need be, the rest zero. */
static void set_text(char *field, size_t bytes, const char *text)
{
    size_t length = strlen(text);

    memset(field, 0, bytes);
    memcpy(field, text, length < bytes ? length : bytes - 1);
}

void version_set_commandline(const char *text)
{
    set_text(commandline, sizeof(commandline), text);
}

long do_xenver_version(struct vcpu *v)
{
    (void)v;
    return VERSION_MAJOR << 16 | VERSION_MINOR;
}

long do_xenver_extraversion(struct vcpu *v, xen_extraversion_t *out)
{
    (void)v;
    set_text(*out, sizeof(*out), VERSION_EXTRA);
    return 0;
}

long do_xenver_compile_info(struct vcpu *v, xen_compile_info_t *out)
{
    (void)v;
    set_text(out->compiler, sizeof(out->compiler), "gcc " __VERSION__);
    set_text(out->compile_by, sizeof(out->compile_by), "");
    set_text(out->compile_domain, sizeof(out->compile_domain), "");
    set_text(out->compile_date, sizeof(out->compile_date), ""); /* builds are reproducible */
    return 0;
}

long do_xenver_capabilities(struct vcpu *v, xen_capabilities_info_t *out)
{
    (void)v;
    set_text(*out, sizeof(*out), CAPABILITIES);
    return 0;
}

long do_xenver_changeset(struct vcpu *v, xen_changeset_info_t *out)
{
    (void)v;
    set_text(*out, sizeof(*out), "unavailable");
    return 0;
}

long do_xenver_platform_parameters(struct vcpu *v, xen_platform_parameters_t *out)
{
    (void)v;
    out->virt_start = HYPERVISOR_VIRT_START;
    return 0;
}

long do_xenver_get_features(struct vcpu *v, xen_feature_info_t *info)
{
    if (info->submap_idx >= XENFEAT_NR_SUBMAPS) {
        return -XEN_EINVAL;
    }
    info->submap = FEATURES | (v->domain->privileged ? 1u << XENFEAT_dom0 : 0);
    return 0;
}

long do_xenver_pagesize(struct vcpu *v)
{
    (void)v;
    return PAGE_SIZE;
}

/* Domains have no handle of their own yet: the id in the last two bytes tells them apart. */
long do_xenver_guest_handle(struct vcpu *v, xen_domain_handle_t *out)
{
    memset(*out, 0, sizeof(*out));
    (*out)[14] = (uint8_t)(v->domain->id >> 8);
    (*out)[15] = (uint8_t)v->domain->id;
    return 0;
}

long do_xenver_commandline(struct vcpu *v, xen_commandline_t *out)
{
    set_text(*out, sizeof(*out), v->domain->privileged ? commandline : "<denied>");
    return 0;
}

static long set_assist(struct vcpu *v, uint64_t type, bool enable)
{
    uint32_t bit = type < 32 ? 1u << type : 0;

    if (!(bit & ASSISTS)) {
        return -XEN_EINVAL;
    }
    if (enable) {
        __atomic_fetch_or(&v->domain->vm_assist, bit, __ATOMIC_RELAXED);
    } else {
        __atomic_fetch_and(&v->domain->vm_assist, ~bit, __ATOMIC_RELAXED);
    }
    return 0;
}

long do_vmasst_cmd_enable(struct vcpu *v, uint64_t type)
{
    return set_assist(v, type, true);
}

long do_vmasst_cmd_disable(struct vcpu *v, uint64_t type)
{
    return set_assist(v, type, false);
}
