/* SPDX-License-Identifier: MIT */
/* Start of day in C: start_info, shared_info, features, shutdown. */
#include <pv/hypercall_stubs.h>
#include <pv/start.h>

start_info_t *pv_start_info;
shared_info_t *pv_shared_info;

void pv_start_c(start_info_t *si) __attribute__((noreturn));

/* A page of the image whose own frame is given up for the shared_info frame. */
static char shared_info_page[4096] __attribute__((aligned(4096)));

void pv_start_c(start_info_t *si)
{
    pv_start_info = si;
    pv_main(si);
    pv_shutdown(SHUTDOWN_crash);
}

int pv_map_shared_info(void)
{
    /* Present, writable, user, accessed, dirty. */
    long err = hc_update_va_mapping((unsigned long)shared_info_page,
                                    pv_start_info->shared_info | 0x67, UVMF_INVLPG);

    if (!err) {
        pv_shared_info = (shared_info_t *)shared_info_page;
    }
    return (int)err;
}

int pv_has_feature(unsigned bit)
{
    xen_feature_info_t info = {.submap_idx = bit / 32};

    return hc_xenver_get_features(&info) == 0 && (info.submap >> (bit % 32) & 1);
}

void pv_shutdown(unsigned reason)
{
    sched_shutdown_t shutdown = {.reason = reason};

    for (;;) {
        hc_schedop_shutdown(&shutdown);
    }
}
