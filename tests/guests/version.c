/* SPDX-License-Identifier: MIT */
/* Do xen_version, vm_assist, physdev_op and callback_op keep to their rows? */
#include "guest.h"

static void version(void)
{
    static xen_extraversion_t extra;
    static xen_compile_info_t compile;
    static xen_capabilities_info_t capabilities;
    static xen_changeset_info_t changeset;
    static xen_commandline_t commandline;
    static xen_domain_handle_t handle;
    xen_platform_parameters_t platform;
    xen_feature_info_t features = {.submap_idx = 0}, beyond = {.submap_idx = 1000};

    OK(hc_xenver_version() > 0x30000);
    IS(hc_xenver_extraversion(&extra), 0);
    IS(hc_xenver_compile_info(&compile), 0);
    OK(compile.compiler[0]);
    IS(hc_xenver_capabilities(&capabilities), 0);
    OK(capabilities[0] == 'x' && capabilities[4] == '3');
    IS(hc_xenver_changeset(&changeset), 0);
    IS(hc_xenver_platform_parameters(&platform), 0);
    OK(platform.virt_start == HYPERVISOR_VIRT_START);
    IS(hc_xenver_get_features(&features), 0);
    OK(features.submap & 1u << XENFEAT_pae_pgdir_above_4gb);
    OK(!(features.submap & 1u << XENFEAT_dom0));
    IS(hc_xenver_get_features(&beyond), -XEN_EINVAL);
    IS(hc_xenver_pagesize(), 4096);
    IS(hc_xenver_guest_handle(&handle), 0);
    IS(hc_xenver_commandline(&commandline), 0);
    OK(commandline[0] == '<'); /* not for unprivileged eyes */
    IS(pv_hypercall2(__HYPERVISOR_xen_version, XENVER_build_id, 0), -XEN_ENOSYS);
    IS(pv_hypercall2(__HYPERVISOR_xen_version, 999, 0), -XEN_ENOSYS);
    IS(pv_hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, 0), -XEN_EFAULT);
    IS(pv_hypercall2(__HYPERVISOR_xen_version, XENVER_get_features, 8), -XEN_EFAULT);
}

static void assist(void)
{
    IS(hc_vmasst_cmd_enable(VMASST_TYPE_writable_pagetables), 0);
    IS(hc_vmasst_cmd_enable(VMASST_TYPE_pae_extended_cr3), 0);
    IS(hc_vmasst_cmd_enable(VMASST_TYPE_architectural_iopl), 0);
    IS(hc_vmasst_cmd_disable(VMASST_TYPE_architectural_iopl), 0);
    IS(hc_vmasst_cmd_enable(VMASST_TYPE_m2p_strict + 0ul), -XEN_EINVAL);
    IS(hc_vmasst_cmd_enable(31), -XEN_EINVAL);
    IS(hc_vmasst_cmd_enable(1ul << 40), -XEN_EINVAL);
    IS(hc_vmasst_cmd_disable(~0ul), -XEN_EINVAL);
    IS(pv_hypercall2(__HYPERVISOR_vm_assist, 7, 0), -XEN_ENOSYS);
}

static void physdev(void)
{
    physdev_set_iopl_t iopl = {.iopl = 1}, too_high = {.iopl = 4};
    static uint8_t ports[8192];
    physdev_set_iobitmap_t bitmap = {.nr_ports = 65536}, beyond = {.nr_ports = 65537};

    IS(hc_physdevop_set_iopl(&iopl), 0);
    IS(hc_physdevop_set_iopl(&too_high), -XEN_EINVAL);
    set_xen_guest_handle(bitmap.bitmap, ports);
    IS(hc_physdevop_set_iobitmap(&bitmap), 0);
    IS(hc_physdevop_set_iobitmap(&beyond), -XEN_EINVAL);
    set_xen_guest_handle(bitmap.bitmap, (uint8_t *)HYPERVISOR_VIRT_START);
    IS(hc_physdevop_set_iobitmap(&bitmap), -XEN_EINVAL);
    IS(pv_hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, 0), -XEN_EFAULT);
    IS(pv_hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, 0), -XEN_EFAULT);
    OK(pv_hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_map_pirq, 0) < 0);
    IS(pv_hypercall2(__HYPERVISOR_physdev_op, 999, 0), -XEN_ENOSYS);
}

static void callback(void)
{
    callback_register_t reg = {.type = CALLBACKTYPE_event, .address = (uint64_t)guest_event_entry};
    callback_unregister_t gone = {.type = CALLBACKTYPE_nmi};

    IS(hc_callbackop_register(&reg), 0);
    reg.address = 0x0000800000000000ul;
    IS(hc_callbackop_register(&reg), -XEN_EINVAL);
    reg.type = CALLBACKTYPE_sysenter;
    IS(hc_callbackop_register(&reg), -XEN_ENOSYS);
    reg.type = 99;
    IS(hc_callbackop_register(&reg), -XEN_ENOSYS);
    IS(hc_callbackop_unregister(&gone), 0);
    gone.type = CALLBACKTYPE_event;
    IS(hc_callbackop_unregister(&gone), -XEN_EINVAL);
    gone.type = 99;
    IS(hc_callbackop_unregister(&gone), -XEN_ENOSYS);
    IS(pv_hypercall2(__HYPERVISOR_callback_op, CALLBACKOP_register, 0), -XEN_EFAULT);
    IS(pv_hypercall2(__HYPERVISOR_callback_op, CALLBACKOP_unregister, 0), -XEN_EFAULT);
    IS(pv_hypercall2(__HYPERVISOR_callback_op, 9, 0), -XEN_ENOSYS);
}

void guest_test(void)
{
    version();
    assist();
    physdev();
    callback();
}
