/* SPDX-License-Identifier: MIT */
/*
 * Kernel self-test: that exceptions come back, time advances, events and grants work, page tables
 * obey. Each check is a function that returns NULL or what is wrong.
 */
#include "kselftest.h"

#include <asm/mman.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <pv/event.h>
#include <pv/grant.h>
#include <pv/hypercall_stubs.h>

#include "clock.h"
#include "memory.h"
#include "print.h"
#include "space.h"
#include "thread.h"
#include "trap.h"

/* Run an instruction that faults with `vector`; true if it came to us and we resumed behind it. */
#define FAULTS(vector, instruction)                                                                \
    ({                                                                                             \
        __label__ after;                                                                           \
        trap_expect(vector, &&after);                                                              \
        __asm__ goto(instruction : : : "rax", "memory" : after);                                   \
    after:;                                                                                        \
        trap_happened();                                                                           \
    })

static const char *check_exceptions(void)
{
    if (!FAULTS(3, "int3"))
        return "#BP did not arrive";
    if (!FAULTS(6, "ud2"))
        return "#UD did not arrive";
    if (!FAULTS(14, "movq 0x10, %%rax"))
        return "#PF did not arrive";
    if (!FAULTS(13, "hlt"))
        return "#GP did not arrive";
    return NULL;
}

/* What a guest may not see or do ends in a fault of its own, nothing else. */
static const char *check_protection(void)
{
    if (!FAULTS(14, "movabsq 0xffff830000000000, %%rax"))
        return "the hypervisor's memory can be read";
    if (!FAULTS(14, "movabsq %%rax, 0xffff800000000000"))
        return "the machine-to-physical table can be written";
    if (!FAULTS(13, "movl $0x12345678, %%ecx\n\trdmsr"))
        return "an unknown MSR can be read";
    return NULL;
}

static const char *check_hypercalls(void)
{
    if (pv_hypercall1(63, 0) != -XEN_ENOSYS)
        return "an unknown hypercall is not -ENOSYS";
    if (hc_set_trap_table(0xffff830000000000) != -XEN_EFAULT)
        return "a pointer into the hypervisor is not -EFAULT";
    if (hc_set_trap_table(0x1000) != -XEN_EFAULT)
        return "an unmapped pointer is not -EFAULT";
    /* The initial domain of Xen may map what is no RAM: that is where devices are. */
    if (!(pv_start_info->flags & SIF_INITDOMAIN) &&
        hc_update_va_mapping(DIRECT_BASE, 0x7fffffffff067, 0) != -XEN_EINVAL)
        return "a frame that is not ours can be mapped";
    return NULL;
}

static const char *check_time(void)
{
    static struct wait_queue nobody;
    uint64_t from = clock_monotonic_ns(), spent;

    thread_sleep(&nobody, from + 20000000, false);
    spent = clock_monotonic_ns() - from;
    if (spent < 20000000)
        return "a sleep of 20 ms ended early";
    if (spent > 2000000000)
        return "a sleep of 20 ms took over 2 s";
    return NULL;
}

static volatile unsigned int events_seen;

static void on_event(evtchn_port_t port, void *arg)
{
    (void)port, (void)arg;
    events_seen++;
}

static const char *check_events(void)
{
    int port = pv_bind_ipi(on_event, NULL);

    if (port < 0)
        return "cannot bind an event to ourselves";
    events_seen = 0;
    pv_event_send((evtchn_port_t)port);
    if (events_seen)
        return "an event came although they are masked";
    pv_events_restore(0);
    pv_events_disable();
    if (events_seen != 1)
        return "the event did not come when unmasked";
    pv_event_close((evtchn_port_t)port);
    evtchn_send_t send = {.port = (evtchn_port_t)port};
    return hc_evtchnop_send(&send) == -XEN_EINVAL ? NULL : "a closed port can be sent on";
}

static const char *check_page_tables(void)
{
    void *page = page_alloc(), *other = page_alloc();
    uint64_t before = page_mfn(page) << 12 | PTE_DATA, table;
    const char *wrong = NULL;

    *(uint64_t *)page = 1;
    *(uint64_t *)other = 2;
    hc_update_va_mapping((uint64_t)page, page_mfn(other) << 12 | PTE_DATA, UVMF_INVLPG);
    if (*(volatile uint64_t *)page != 2)
        wrong = "a new mapping is not seen";
    hc_update_va_mapping((uint64_t)page, before, UVMF_INVLPG);
    if (*(volatile uint64_t *)page != 1)
        wrong = "the old mapping did not come back";
    /* A page table may not become writable, by whatever name. */
    table = pv_pfn_to_mfn((pv_start_info->pt_base - PV_VIRT_BASE) >> 12) << 12;
    if (hc_update_va_mapping((uint64_t)page, table | PTE_DATA, 0) >= 0)
        wrong = "a page table can be mapped writable";
    page_free(page);
    page_free(other);
    return wrong;
}

static const char *check_copy_on_write(void)
{
    struct space *space = space_create(), *copy = NULL;
    uint64_t value = 0x1234, back = 0, free_before;
    struct memory_info info;
    const char *wrong = NULL;

    memory_info(&info);
    free_before = info.free;
    if (!space || space_map(space, 0x400000, 0x3000, PROT_READ | PROT_WRITE))
        return "cannot make an address space";
    if (space_write(space, 0x401ffc, &value, sizeof(value)))
        wrong = "cannot write across a page border";
    copy = space_clone(space);
    if (!copy)
        return "cannot clone an address space";
    value = 0x5678;
    if (space_write(copy, 0x401ffc, &value, sizeof(value)))
        wrong = "cannot write to the copy";
    current->space = space;
    if (copy_from_user(&back, 0x401ffc, sizeof(back)) || back != 0x1234)
        wrong = "a write to the copy shows in the original";
    current->space = copy;
    if (copy_from_user(&back, 0x401ffc, sizeof(back)) || back != 0x5678)
        wrong = "the copy lost its write";
    if (copy_to_user(0x404000, &back, sizeof(back)) == 0)
        wrong = "memory outside every area can be written";
    current->space = NULL;
    space_destroy(copy);
    space_destroy(space);
    memory_info(&info);
    if (info.free < free_before)
        wrong = "pages were lost";
    return wrong;
}

static const char *check_grants(void)
{
    char *page = page_alloc(), *other = page_alloc();
    gnttab_copy_t copy = {.flags = GNTCOPY_source_gref, .len = 64};
    int ref = pv_grant_init(1) ? -1 : pv_grant(DOMID_SELF, page_mfn(page), 1);
    const char *wrong = NULL;

    if (ref < 0)
        return "cannot grant a page";
    pv_grant_end((grant_ref_t)ref);
    ref = pv_grant(0, page_mfn(page), 1);
    strcpy(page, "granted");
    copy.source.u.ref = (grant_ref_t)ref;
    copy.source.domid = DOMID_SELF;
    copy.dest.domid = DOMID_SELF;
    copy.dest.u.gmfn = page_mfn(other);
    if (hc_gnttabop_copy(&copy, 1))
        wrong = "the copy call failed";
    /* Granted to domain 0: only there may it be used. */
    if (!(pv_start_info->flags & SIF_INITDOMAIN) && copy.status == GNTST_okay)
        wrong = "a grant to another domain can be used by us";
    if (pv_grant_end((grant_ref_t)ref))
        wrong = "the grant cannot be ended";
    page_free(page);
    page_free(other);
    return wrong;
}

static const struct {
    const char *name;
    const char *(*run)(void);
} checks[] = {
    {"exceptions", check_exceptions},
    {"protection", check_protection},
    {"hypercalls", check_hypercalls},
    {"time", check_time},
    {"events", check_events},
    {"page tables", check_page_tables},
    {"copy-on-write", check_copy_on_write},
    {"grants", check_grants},
};

bool kselftest(void)
{
    unsigned int failed = 0, count = sizeof(checks) / sizeof(checks[0]);

    for (unsigned int i = 0; i < count; i++) {
        const char *wrong = checks[i].run();

        if (wrong) {
            kprintf("pvguest: self-test %s: %s\n", checks[i].name, wrong);
            failed++;
        }
    }
    kprintf("pvguest: kernel self-test: %u passed, %u failed\n", count - failed, failed);
    return failed == 0;
}
