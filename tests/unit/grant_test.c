/* SPDX-License-Identifier: MIT */
/*
 * grant.c, grant_table.c, grant_track.c, grant_copy.c: a maps what b grants. Beside the results,
 * each test asks who still holds which frame afterwards; grant_audit() and the page-type audit run
 * after every call.
 */
#include "grant_internal.h"
#include "guests.h"

#define REF 9u
#define SLOT_VA(n) (GUEST_EMPTY_VA + (n)*PAGE_SIZE)
#define SLOT(n) (256u + (n))

static struct guest a, b, c;

static void start(void)
{
    guests_start();
    a = guest_make(1, 1, false);
    b = guest_make(2, 1, false);
    c = guest_make(3, 1, false);
}

static grant_entry_v1_t *entry(const struct guest *g, grant_ref_t ref)
{
    return grant_shared(g->d->grant_table, ref);
}

static void grant(const struct guest *g, grant_ref_t ref, domid_t to, mfn_t mfn, uint16_t flags)
{
    *entry(g, ref) = (grant_entry_v1_t){
        .flags = GTF_permit_access | flags, .domid = to, .frame = (uint32_t)mfn.n};
}

static pte_t slot(const struct guest *g, unsigned n)
{
    return ((pte_t *)machine_map(g->l1))[SLOT(n)];
}

static gnttab_map_grant_ref_t map_op(grant_ref_t ref, unsigned n, uint32_t flags)
{
    return (gnttab_map_grant_ref_t){
        .host_addr = SLOT_VA(n), .flags = GNTMAP_host_map | flags, .ref = ref, .dom = 2};
}

static int16_t map(struct vcpu *v, gnttab_map_grant_ref_t *op)
{
    ck_assert_int_eq(grant_op(v, GNTTABOP_map_grant_ref, *op), 0);
    return op->status;
}

static int16_t unmap_at(struct vcpu *v, grant_handle_t handle, uint64_t host_addr)
{
    gnttab_unmap_grant_ref_t op = {.handle = handle, .host_addr = host_addr};

    ck_assert_int_eq(grant_op(v, GNTTABOP_unmap_grant_ref, op), 0);
    return op.status;
}

static uint64_t references(mfn_t mfn)
{
    return atomic_load(&frame_of(mfn)->count) & FRAME_COUNT_MASK;
}

START_TEST(map_and_unmap)
{
    gnttab_map_grant_ref_t op = map_op(REF, 0, 0);
    mfn_t mfn = b.page[3];
    uint64_t before = references(mfn);
    unsigned flushes;

    grant(&b, REF, 1, mfn, 0);
    strcpy(guest_page(&b, 3), "written by b");
    ck_assert_int_eq(map(a.v, &op), GNTST_okay);
    ck_assert_uint_eq(op.dev_bus_addr, mfn.n << PAGE_SHIFT);
    ck_assert_uint_eq(pte_mfn(slot(&a, 0)).n, mfn.n);
    ck_assert(slot(&a, 0) & PTE_RW);
    ck_assert_uint_eq(references(mfn), before + 1);
    ck_assert_uint_eq(entry(&b, REF)->flags, GTF_permit_access | GTF_reading | GTF_writing);
    char text[16];
    ck_assert_uint_eq(machine_copy_from_guest(text, SLOT_VA(0), 13), 0);
    ck_assert_str_eq(text, "written by b");
    guests_exit();
    guests_run_as(a.v);
    flushes = guests_flushes();
    ck_assert_int_eq(unmap_at(a.v, op.handle, SLOT_VA(0)), GNTST_okay);
    ck_assert_uint_eq(slot(&a, 0), 0);
    ck_assert_uint_eq(references(mfn), before);
    ck_assert_uint_eq(entry(&b, REF)->flags, GTF_permit_access);
    guests_exit();
    ck_assert_uint_gt(guests_flushes(), flushes); /* before any guest runs again */
    ck_assert_int_eq(unmap_at(a.v, op.handle, SLOT_VA(0)), GNTST_bad_handle);
}
END_TEST

START_TEST(read_only)
{
    gnttab_map_grant_ref_t ro = map_op(REF, 0, GNTMAP_readonly), rw = map_op(REF, 1, 0);

    grant(&b, REF, 1, b.page[3], GTF_readonly);
    ck_assert_int_eq(map(a.v, &rw), GNTST_permission_denied);
    ck_assert_uint_eq(slot(&a, 1), 0);
    ck_assert_int_eq(map(a.v, &ro), GNTST_okay);
    ck_assert(!(slot(&a, 0) & PTE_RW));
    ck_assert_uint_eq(entry(&b, REF)->flags, GTF_permit_access | GTF_readonly | GTF_reading);
    /* The guest cannot make it writable by itself. */
    mmu_update_t u = {.ptr = (a.l1.n << PAGE_SHIFT) + SLOT(0) * 8, .val = slot(&a, 0) | PTE_RW};
    memcpy(guest_page(&a, ARGS_PAGE), &u, sizeof(u));
    a.v->regs.r10 = DOMID_SELF;
    ck_assert_int_lt(call(a.v, __HYPERVISOR_mmu_update, GUEST_VA, 1, 0), 0);
    ck_assert(!(slot(&a, 0) & PTE_RW));
    ck_assert_int_eq(unmap_at(a.v, ro.handle, SLOT_VA(0)), GNTST_okay);
}
END_TEST

START_TEST(by_machine_address_of_the_entry)
{
    gnttab_map_grant_ref_t op = map_op(REF, 0, GNTMAP_contains_pte | 1u << _GNTMAP_guest_avail0);

    grant(&b, REF, 1, b.page[3], 0);
    op.host_addr = (a.l1.n << PAGE_SHIFT) + SLOT(5) * 8;
    ck_assert_int_eq(map(a.v, &op), GNTST_okay);
    ck_assert_uint_eq(pte_mfn(slot(&a, 5)).n, b.page[3].n);
    ck_assert_uint_eq(slot(&a, 5) & PTE_AVAIL, 1u << 9);
    ck_assert_int_eq(unmap_at(a.v, op.handle, SLOT_VA(5)), GNTST_bad_virt_addr);
    ck_assert_int_eq(unmap_at(a.v, op.handle, op.host_addr + 8), GNTST_bad_virt_addr);
    ck_assert_int_eq(unmap_at(a.v, op.handle, op.host_addr), GNTST_okay);
    ck_assert_uint_eq(slot(&a, 5), 0);
}
END_TEST

START_TEST(places_that_cannot_be_mapped_into)
{
    const uint64_t by_va[] = {0, GUEST_HOLE, HYPERVISOR_RANGE_START, 0x800000000000ull, ~0ull};
    const mfn_t tables[] = {a.l2, a.l4, a.page[2], b.l1, MFN(0), MFN(frame_limit)};
    gnttab_map_grant_ref_t op;

    grant(&b, REF, 1, b.page[3], 0);
    for (unsigned i = 0; i < ARRAY_LEN(by_va); i++) {
        op = map_op(REF, 0, 0);
        op.host_addr = by_va[i];
        ck_assert_int_eq(map(a.v, &op), GNTST_bad_virt_addr);
    }
    for (unsigned i = 0; i < ARRAY_LEN(tables); i++) {
        op = map_op(REF, 0, GNTMAP_contains_pte);
        op.host_addr = tables[i].n << PAGE_SHIFT;
        ck_assert_int_eq(map(a.v, &op), GNTST_bad_virt_addr);
    }
    op = map_op(REF, 0, GNTMAP_contains_pte);
    op.host_addr = (a.l1.n << PAGE_SHIFT) + SLOT(0) * 8 + 4;
    ck_assert_int_eq(map(a.v, &op), GNTST_bad_virt_addr);
    ck_assert_uint_eq(entry(&b, REF)->flags, GTF_permit_access);
}
END_TEST

START_TEST(grants_that_are_refused)
{
    gnttab_map_grant_ref_t op = map_op(REF, 0, 0);

    ck_assert_int_eq(map(a.v, &op), GNTST_bad_gntref); /* not granted */
    grant(&b, REF, 3, b.page[3], 0);
    ck_assert_int_eq(map(a.v, &op), GNTST_bad_gntref); /* to another */
    grant(&b, REF, 1, b.page[3], 0);
    entry(&b, REF)->flags = GTF_accept_transfer;
    ck_assert_int_eq(map(a.v, &op), GNTST_bad_gntref);
    op.ref = GRANTS_PER_FRAME; /* beyond the table */
    ck_assert_int_eq(map(a.v, &op), GNTST_bad_gntref);
    op.ref = ~0u;
    ck_assert_int_eq(map(a.v, &op), GNTST_bad_gntref);
    op = map_op(REF, 0, 0);
    grant(&b, REF, 1, b.page[3], 0);
    op.flags = GNTMAP_device_map;
    ck_assert_int_eq(map(a.v, &op), GNTST_bad_gntref);
    op = map_op(REF, 0, 0);
    op.dom = 77;
    ck_assert_int_eq(map(a.v, &op), GNTST_bad_domain);
    op = map_op(REF, 0, 0);
    grant(&b, REF, 1, a.page[3], 0); /* what is not b's to grant */
    ck_assert_int_eq(map(a.v, &op), GNTST_bad_page);
    grant(&b, REF, 1, MFN(0xffffffff), 0);
    ck_assert_int_eq(map(a.v, &op), GNTST_bad_page);
    grant(&b, REF, 1, b.l1, 0); /* a page table: to read, not to write */
    ck_assert_int_eq(map(a.v, &op), GNTST_general_error);
    ck_assert_uint_eq(entry(&b, REF)->flags, GTF_permit_access);
    op = map_op(REF, 0, GNTMAP_readonly);
    ck_assert_int_eq(map(a.v, &op), GNTST_okay);
    ck_assert_int_eq(unmap_at(a.v, op.handle, SLOT_VA(0)), GNTST_okay);
}
END_TEST

START_TEST(handles_that_are_not)
{
    const grant_handle_t none[] = {0, 1, 2, TRACK_PER_PAGE, TRACK_PER_PAGE + 1, 0x80000000u, ~0u};

    for (unsigned i = 0; i < ARRAY_LEN(none); i++) {
        ck_assert_int_eq(unmap_at(a.v, none[i], SLOT_VA(0)), GNTST_bad_handle);
    }
    gnttab_map_grant_ref_t op = map_op(REF, 0, 0);
    grant(&b, REF, 1, b.page[3], 0);
    ck_assert_int_eq(map(a.v, &op), GNTST_okay);
    ck_assert_int_eq(unmap_at(c.v, op.handle, SLOT_VA(0)), GNTST_bad_handle); /* another's */
    ck_assert_int_eq(unmap_at(b.v, op.handle, SLOT_VA(0)), GNTST_bad_handle);
}
END_TEST

/* A pin may only go together with the entry that it was taken for. */
START_TEST(what_is_unmapped_is_what_was_mapped)
{
    gnttab_map_grant_ref_t rw = map_op(REF, 0, 0), ro = map_op(REF, 1, GNTMAP_readonly);

    grant(&b, REF, 1, b.page[3], 0);
    ck_assert_int_eq(map(a.v, &rw), GNTST_okay);
    ck_assert_int_eq(map(a.v, &ro), GNTST_okay);
    ck_assert_int_eq(unmap_at(a.v, rw.handle, 0), GNTST_bad_virt_addr);
    ck_assert_int_eq(unmap_at(a.v, rw.handle, SLOT_VA(1)), GNTST_bad_virt_addr);
    ck_assert_int_eq(unmap_at(a.v, ro.handle, SLOT_VA(0)), GNTST_bad_virt_addr);
    ck_assert_int_eq(unmap_at(a.v, rw.handle, GUEST_VA), GNTST_bad_virt_addr);
    ck_assert_uint_eq(entry(&b, REF)->flags & GTF_writing, GTF_writing);
    ck_assert_int_eq(unmap_at(a.v, rw.handle, SLOT_VA(0)), GNTST_okay);
    ck_assert_uint_eq(entry(&b, REF)->flags, GTF_permit_access | GTF_reading);
    ck_assert_int_eq(unmap_at(a.v, ro.handle, SLOT_VA(1)), GNTST_okay);
    ck_assert_uint_eq(entry(&b, REF)->flags, GTF_permit_access);
}
END_TEST

/* The guest zaps the entry as if it were an ordinary one: the references go with it, once. */
START_TEST(an_entry_that_the_guest_overwrote)
{
    gnttab_map_grant_ref_t op = map_op(REF, 0, 0);
    uint64_t before = references(b.page[3]);

    grant(&b, REF, 1, b.page[3], 0);
    ck_assert_int_eq(map(a.v, &op), GNTST_okay);
    ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, SLOT_VA(0), 0, 0), 0);
    ck_assert_uint_eq(references(b.page[3]), before);
    ck_assert_uint_eq(entry(&b, REF)->flags & GTF_writing, GTF_writing);
    /* Its own frame there now: unmapping must not take that away. */
    ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, SLOT_VA(0),
                          a.page[4].n << PAGE_SHIFT | PTE_PRESENT | PTE_RW, 0),
                     0);
    ck_assert_int_eq(unmap_at(a.v, op.handle, SLOT_VA(0)), GNTST_okay);
    ck_assert_uint_eq(pte_mfn(slot(&a, 0)).n, a.page[4].n);
    ck_assert_uint_eq(entry(&b, REF)->flags, GTF_permit_access);
}
END_TEST

/* What a guest may not do with a granted frame: map it again by itself, or use it as a table. */
START_TEST(a_granted_frame_is_not_ones_own)
{
    gnttab_map_grant_ref_t op = map_op(REF, 0, 0);
    pte_t pte;

    grant(&b, REF, 1, b.page[3], 0);
    ck_assert_int_eq(map(a.v, &op), GNTST_okay);
    pte = slot(&a, 0);
    ck_assert_int_lt(call(a.v, __HYPERVISOR_update_va_mapping, SLOT_VA(1), pte, 0), 0);
    struct mmuext_op pin = {.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = b.page[3].n};
    memcpy(guest_page(&a, ARGS_PAGE), &pin, sizeof(pin));
    a.v->regs.r10 = DOMID_SELF;
    ck_assert_int_lt(call(a.v, __HYPERVISOR_mmuext_op, GUEST_VA, 1, 0), 0);
    /* And while a writes to it, b cannot make it a page table. */
    ck_assert_int_eq(call(b.v, __HYPERVISOR_update_va_mapping, GUEST_VA + 3 * PAGE_SIZE, 0, 0), 0);
    memcpy(guest_page(&b, ARGS_PAGE), &pin, sizeof(pin));
    b.v->regs.r10 = DOMID_SELF;
    ck_assert_int_lt(call(b.v, __HYPERVISOR_mmuext_op, GUEST_VA, 1, 0), 0);
    ck_assert_int_eq(unmap_at(a.v, op.handle, SLOT_VA(0)), GNTST_okay);
    b.v->regs.r10 = DOMID_SELF;
    ck_assert_int_eq(call(b.v, __HYPERVISOR_mmuext_op, GUEST_VA, 1, 0), 0);
}
END_TEST

/* While it is in use the entry means what it meant at first, whatever the granter writes. */
START_TEST(the_granter_rewrites_its_entry)
{
    gnttab_map_grant_ref_t first = map_op(REF, 0, 0), again = map_op(REF, 1, 0);
    gnttab_map_grant_ref_t other = map_op(REF, 0, 0);

    grant(&b, REF, 1, b.page[3], 0);
    ck_assert_int_eq(map(a.v, &first), GNTST_okay);
    grant(&b, REF, 1, b.page[4], 0);
    ck_assert_int_eq(map(a.v, &again), GNTST_okay);
    ck_assert_uint_eq(pte_mfn(slot(&a, 1)).n, b.page[3].n);
    grant(&b, REF, 3, b.page[4], 0); /* to c now: which must not get what a has */
    ck_assert_int_eq(map(c.v, &other), GNTST_general_error);
    *entry(&b, REF) = (grant_entry_v1_t){0};
    ck_assert_int_eq(unmap_at(a.v, first.handle, SLOT_VA(0)), GNTST_okay);
    ck_assert_int_eq(unmap_at(a.v, again.handle, SLOT_VA(1)), GNTST_okay);
    ck_assert_uint_eq(entry(&b, REF)->flags, 0);
    grant(&b, REF, 3, b.page[4], 0);
    ck_assert_int_eq(map(c.v, &other), GNTST_okay);
    ck_assert_uint_eq(pte_mfn(slot(&c, 0)).n, b.page[4].n);
}
END_TEST

START_TEST(grants_to_oneself)
{
    gnttab_map_grant_ref_t op = map_op(REF, 0, 0);

    grant(&a, REF, 1, a.page[3], 0);
    op.dom = DOMID_SELF;
    ck_assert_int_eq(map(a.v, &op), GNTST_okay);
    ck_assert_int_eq(unmap_at(a.v, op.handle, SLOT_VA(0)), GNTST_okay);
}
END_TEST

START_TEST(handles_run_out)
{
    gnttab_map_grant_ref_t op = map_op(REF, 0, GNTMAP_readonly);
    struct grant_table *t = a.d->grant_table;
    grant_handle_t handle;

    grant(&b, REF, 1, b.page[3], 0);
    while (grant_track_alloc(t, &handle)) {
    }
    ck_assert_uint_eq(handle, TRACK_PAGES * TRACK_PER_PAGE);
    guests_run_as(a.v);
    memcpy(guest_page(&a, ARGS_PAGE), &op, sizeof(op));
    a.v->regs.rdx = 1;
    for (grant_handle_t h = 1; h <= handle; h++) {
        struct maptrack *m = grant_track_find(t, h);

        ck_assert_ptr_nonnull(m);
        m->granter = 77; /* nobody's, so that the audit counts them for nobody */
    }
    ck_assert_int_eq(map(a.v, &op), GNTST_no_space);
    for (grant_handle_t h = handle; h >= 1; h--) {
        grant_track_free(t, h);
    }
    ck_assert_int_eq(map(a.v, &op), GNTST_okay);
    ck_assert_uint_eq(op.handle, 1);
}
END_TEST

START_TEST(pins_of_one_grant_run_out)
{
    gnttab_map_grant_ref_t op = map_op(REF, 0, GNTMAP_readonly);
    struct active *active = grant_active(b.d->grant_table, REF);

    grant(&b, REF, 1, b.page[3], 0);
    guests_run_as(a.v);
    active->readers = UINT16_MAX;
    active->user = 1;
    op.status = GNTST_okay;
    mfn_t mfn;
    ck_assert_int_eq(grant_pin(b.d, 1, REF, false, &mfn), GNTST_general_error);
    active->readers = 0;
    ck_assert_int_eq(map(a.v, &op), GNTST_okay);
}
END_TEST

START_TEST(many_at_once)
{
    enum { N = 200 };
    gnttab_map_grant_ref_t *op = guest_page(&a, 1);
    struct {
        gnttab_map_grant_ref_t op[N];
    } ops;

    for (unsigned i = 0; i < N; i++) {
        grant(&b, REF + i, 1, b.page[i % GUEST_PAGES], 0);
        ops.op[i] = map_op(REF + i, i, i % 3 ? GNTMAP_readonly : 0);
    }
    ops.op[7].ref = 5000; /* one that fails does not stop the others */
    for (unsigned i = 0; i < N; i++) {
        char *at = guest_page(&a, 1 + i * sizeof(*op) / PAGE_SIZE);

        memcpy(at + i * sizeof(*op) % PAGE_SIZE, &ops.op[i], sizeof(*op));
    }
    ck_assert_int_eq(
        call(a.v, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, GUEST_VA + PAGE_SIZE, N), 0);
    ck_assert_uint_gt(call_turns, 1);
    for (unsigned i = 0; i < N; i++) {
        char *at = guest_page(&a, 1 + i * sizeof(*op) / PAGE_SIZE);

        memcpy(&ops.op[i], at + i * sizeof(*op) % PAGE_SIZE, sizeof(*op));
        ck_assert_int_eq(ops.op[i].status, i == 7 ? GNTST_bad_gntref : GNTST_okay);
    }
    for (unsigned i = 0; i < N; i += 2) {
        ck_assert_int_eq(unmap_at(a.v, ops.op[i].handle, SLOT_VA(i)), GNTST_okay);
    }
}
END_TEST

START_TEST(the_mapper_dies)
{
    gnttab_map_grant_ref_t op = map_op(REF, 0, 0);
    uint64_t before = references(b.page[3]);

    grant(&b, REF, 1, b.page[3], 0);
    ck_assert_int_eq(map(a.v, &op), GNTST_okay);
    domain_shutdown(a.d, SHUTDOWN_crash);
    guests_exit();
    guests_reap();
    ck_assert_ptr_null(domain_table[1]);
    ck_assert_uint_eq(references(b.page[3]), before);
    ck_assert_uint_eq(entry(&b, REF)->flags, GTF_permit_access);
}
END_TEST

/* Its frames stay as long as somebody maps them, and its record as long as a pin names it. */
START_TEST(the_granter_dies)
{
    gnttab_map_grant_ref_t op = map_op(REF, 0, 0), late = map_op(REF, 2, 0);
    uint64_t before = frame_free_count();
    mfn_t mfn;

    struct guest d = guest_make(4, 1, false);

    mfn = d.page[3];
    grant(&d, REF, 1, mfn, 0);
    strcpy(guest_page(&d, 3), "still here");
    op.dom = late.dom = 4;
    ck_assert_int_eq(map(a.v, &op), GNTST_okay);
    before -= a.d->grant_table->track_pages; /* which a keeps */
    domain_shutdown(d.d, SHUTDOWN_poweroff);
    guests_exit();
    guests_reap();
    ck_assert_ptr_eq(domain_table[4], d.d);
    ck_assert_uint_eq(d.d->page_count, 1);
    ck_assert_str_eq(machine_map(mfn), "still here");
    ck_assert_int_eq(map(a.v, &late), GNTST_bad_domain);
    ck_assert_int_eq(unmap_at(a.v, op.handle, SLOT_VA(0)), GNTST_okay);
    guests_reap();
    ck_assert_ptr_null(domain_table[4]);
    ck_assert_uint_eq(frame_free_count(), before);
}
END_TEST

/* The same when the mapper had overwritten the entry, so that only the pin was left; and the id is
 * not given to another meanwhile. */
START_TEST(the_granter_dies_with_only_a_pin_left)
{
    gnttab_map_grant_ref_t op = map_op(REF, 0, 0);

    grant(&b, REF, 1, b.page[3], 0);
    ck_assert_int_eq(map(a.v, &op), GNTST_okay);
    ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, SLOT_VA(0), 0, 0), 0);
    domain_shutdown(b.d, SHUTDOWN_poweroff);
    guests_exit();
    guests_reap();
    ck_assert_ptr_eq(domain_table[2], b.d);
    ck_assert_ptr_null(domain_create(2, "usurper", false, 16));
    ck_assert_int_eq(unmap_at(a.v, op.handle, SLOT_VA(0)), GNTST_okay);
    guests_reap();
    ck_assert_ptr_null(domain_table[2]);
}
END_TEST

START_TEST(both_die)
{
    gnttab_map_grant_ref_t op = map_op(REF, 0, 0), back = map_op(REF, 0, 0);

    grant(&b, REF, 1, b.page[3], 0);
    grant(&a, REF, 2, a.page[3], 0);
    ck_assert_int_eq(map(a.v, &op), GNTST_okay);
    back.dom = 1;
    ck_assert_int_eq(map(b.v, &back), GNTST_okay);
    domain_shutdown(b.d, SHUTDOWN_crash);
    domain_shutdown(a.d, SHUTDOWN_crash);
    guests_exit();
    guests_reap();
    guests_reap();
    ck_assert_ptr_null(domain_table[1]);
    ck_assert_ptr_null(domain_table[2]);
}
END_TEST

/* The table */

static long setup(struct vcpu *v, domid_t dom, uint32_t frames, uint64_t list, int16_t *status)
{
    gnttab_setup_table_t s = {.dom = dom, .nr_frames = frames};
    long ret;

    s.frame_list.p = (xen_pfn_t *)list;
    ret = grant_op(v, GNTTABOP_setup_table, s);
    *status = s.status;
    return ret;
}

START_TEST(setup_table)
{
    const uint64_t list = GUEST_VA + PAGE_SIZE;
    const xen_pfn_t *frames = guest_page(&a, 1);
    gnttab_query_size_t q = {.dom = DOMID_SELF};
    int16_t status;

    ck_assert_int_eq(grant_op(a.v, GNTTABOP_query_size, q), 0);
    ck_assert_uint_eq(q.nr_frames, 1);
    ck_assert_uint_eq(q.max_nr_frames, 32);
    ck_assert_int_eq(setup(a.v, DOMID_SELF, 3, list, &status), 0);
    ck_assert_int_eq(status, GNTST_okay);
    for (unsigned i = 0; i < 3; i++) {
        /* The guest may map them, and nobody else. */
        ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, SLOT_VA(i),
                              frames[i] << PAGE_SHIFT | PTE_PRESENT | PTE_RW, 0),
                         0);
        ck_assert_int_lt(call(b.v, __HYPERVISOR_update_va_mapping, SLOT_VA(i),
                              frames[i] << PAGE_SHIFT | PTE_PRESENT, 0),
                         0);
    }
    ck_assert_int_eq(setup(a.v, 1, 32, list, &status), 0);
    ck_assert_int_eq(status, GNTST_okay);
    ck_assert_int_eq(setup(a.v, DOMID_SELF, 33, list, &status), 0);
    ck_assert_int_eq(status, GNTST_general_error);
    ck_assert_int_eq(setup(a.v, DOMID_SELF, ~0u, list, &status), 0);
    ck_assert_int_eq(status, GNTST_general_error);
    ck_assert_int_eq(setup(a.v, 2, 1, list, &status), 0);
    ck_assert_int_eq(status, GNTST_permission_denied);
    ck_assert_int_eq(setup(a.v, DOMID_SELF, 1, GUEST_HOLE, &status), -XEN_EFAULT);
    ck_assert_int_eq(setup(a.v, DOMID_SELF, 1, ~0ull - 7, &status), -XEN_EFAULT);
    q = (gnttab_query_size_t){.dom = 2};
    ck_assert_int_eq(grant_op(a.v, GNTTABOP_query_size, q), 0);
    ck_assert_int_eq(q.status, GNTST_permission_denied);
    domain_shutdown(a.d, SHUTDOWN_poweroff); /* with the table mapped by itself */
    guests_exit();
    guests_reap();
    ck_assert_ptr_null(domain_table[1]);
}
END_TEST

START_TEST(no_memory_for_more_table)
{
    int16_t status;

    while (!mfn_equal(frame_alloc_hypervisor(), MFN_INVALID)) {
    }
    ck_assert_int_eq(setup(a.v, DOMID_SELF, 2, GUEST_VA + PAGE_SIZE, &status), 0);
    ck_assert_int_eq(status, GNTST_no_space);
    gnttab_map_grant_ref_t op = map_op(REF, 0, 0);
    grant(&b, REF, 1, b.page[3], 0);
    ck_assert_int_eq(map(a.v, &op), GNTST_no_space); /* no page for handles */
}
END_TEST

START_TEST(versions)
{
    gnttab_set_version_t s = {.version = 2};
    gnttab_get_version_t g = {.dom = DOMID_SELF};

    ck_assert_int_eq(grant_op(a.v, GNTTABOP_set_version, s), -XEN_ENOSYS);
    s.version = 3;
    ck_assert_int_eq(grant_op(a.v, GNTTABOP_set_version, s), -XEN_EINVAL);
    s.version = 1;
    ck_assert_int_eq(grant_op(a.v, GNTTABOP_set_version, s), 0);
    ck_assert_int_eq(grant_op(a.v, GNTTABOP_get_version, g), 0);
    ck_assert_uint_eq(g.version, 1);
    g.dom = 2;
    ck_assert_int_eq(grant_op(a.v, GNTTABOP_get_version, g), -XEN_EPERM);
}
END_TEST

START_TEST(pointers_and_what_is_absent)
{
    const unsigned present[] = {
        GNTTABOP_map_grant_ref, GNTTABOP_unmap_grant_ref, GNTTABOP_setup_table, GNTTABOP_copy,
        GNTTABOP_query_size,    GNTTABOP_set_version,     GNTTABOP_get_version};
    const unsigned absent[] = {GNTTABOP_dump_table,
                               GNTTABOP_transfer,
                               GNTTABOP_unmap_and_replace,
                               GNTTABOP_get_status_frames,
                               GNTTABOP_swap_grant_ref,
                               GNTTABOP_cache_flush,
                               13};

    for (unsigned i = 0; i < ARRAY_LEN(present); i++) {
        ck_assert_int_eq(call(a.v, __HYPERVISOR_grant_table_op, present[i], GUEST_HOLE, 1),
                         -XEN_EFAULT);
        ck_assert_int_eq(call(a.v, __HYPERVISOR_grant_table_op, present[i], GUEST_HOLE, 0), 0);
    }
    for (unsigned i = 0; i < ARRAY_LEN(absent); i++) {
        ck_assert_int_eq(call(a.v, __HYPERVISOR_grant_table_op, absent[i], GUEST_VA, 1),
                         -XEN_ENOSYS);
    }
}
END_TEST

/* Copies */

static gnttab_copy_t copy_op(unsigned from, unsigned to, unsigned bytes)
{
    gnttab_copy_t op = {.len = (uint16_t)bytes, .flags = GNTCOPY_source_gref};

    op.source.u.ref = REF;
    op.source.domid = 2;
    op.source.offset = (uint16_t)from;
    op.dest.u.gmfn = a.page[5].n;
    op.dest.domid = DOMID_SELF;
    op.dest.offset = (uint16_t)to;
    return op;
}

static int16_t copy(struct vcpu *v, gnttab_copy_t op)
{
    ck_assert_int_eq(grant_op(v, GNTTABOP_copy, op), 0);
    return op.status;
}

START_TEST(copy_both_ways)
{
    gnttab_copy_t op = copy_op(100, 200, 12), back = copy_op(0, 0, 0);
    uint64_t refs = references(a.page[5]), theirs = references(b.page[3]);

    grant(&b, REF, 1, b.page[3], GTF_readonly);
    strcpy((char *)guest_page(&b, 3) + 100, "from b to a");
    ck_assert_int_eq(copy(a.v, op), GNTST_okay);
    ck_assert_str_eq((char *)guest_page(&a, 5) + 200, "from b to a");
    back.flags = GNTCOPY_dest_gref;
    back.source.u.gmfn = a.page[5].n;
    back.source.domid = DOMID_SELF;
    back.source.offset = 200;
    back.dest.u.ref = REF;
    back.dest.domid = 2;
    back.len = 12;
    ck_assert_int_eq(copy(a.v, back), GNTST_permission_denied); /* granted to read only */
    grant(&b, REF, 1, b.page[3], 0);
    ck_assert_int_eq(copy(a.v, back), GNTST_okay);
    ck_assert_str_eq(guest_page(&b, 3), "from b to a");
    ck_assert_uint_eq(entry(&b, REF)->flags, GTF_permit_access);
    ck_assert_uint_eq(references(a.page[5]), refs);
    ck_assert_uint_eq(references(b.page[3]), theirs);
}
END_TEST

START_TEST(copy_between_two_others)
{
    gnttab_copy_t op = copy_op(0, 0, PAGE_SIZE);

    grant(&b, REF, 1, b.page[3], 0);
    grant(&c, REF, 1, c.page[3], 0);
    memset(guest_page(&b, 3), 0x5a, PAGE_SIZE);
    op.flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
    op.dest.u.ref = REF;
    op.dest.domid = 3;
    ck_assert_int_eq(copy(a.v, op), GNTST_okay);
    ck_assert_int_eq(memcmp(guest_page(&b, 3), guest_page(&c, 3), PAGE_SIZE), 0);
}
END_TEST

START_TEST(copies_that_are_refused)
{
    uint64_t table_refs = references(a.l1), foreign = references(b.page[4]);
    gnttab_copy_t op;

    grant(&b, REF, 1, b.page[3], 0);
    ck_assert_int_eq(copy(a.v, copy_op(PAGE_SIZE, 0, 0)), GNTST_okay); /* nothing, at the end */
    ck_assert_int_eq(copy(a.v, copy_op(PAGE_SIZE, 0, 1)), GNTST_bad_copy_arg);
    ck_assert_int_eq(copy(a.v, copy_op(1, 0, PAGE_SIZE)), GNTST_bad_copy_arg);
    ck_assert_int_eq(copy(a.v, copy_op(0, 1, PAGE_SIZE)), GNTST_bad_copy_arg);
    ck_assert_int_eq(copy(a.v, copy_op(0xffff, 0, 0xffff)), GNTST_bad_copy_arg);
    ck_assert_int_eq(copy(a.v, copy_op(0, 0xffff, 1)), GNTST_bad_copy_arg);
    op = copy_op(0, 0, 16);
    op.source.domid = 77;
    ck_assert_int_eq(copy(a.v, op), GNTST_bad_domain);
    op = copy_op(0, 0, 16);
    op.source.u.ref = REF + 1;
    ck_assert_int_eq(copy(a.v, op), GNTST_bad_gntref);
    op = copy_op(0, 0, 16);
    op.dest.domid = 2;
    op.dest.u.gmfn = b.page[4].n; /* a frame of b by number */
    ck_assert_int_eq(copy(a.v, op), GNTST_permission_denied);
    op = copy_op(0, 0, 16);
    op.dest.u.gmfn = b.page[4].n; /* the same, as if it were one's own */
    ck_assert_int_eq(copy(a.v, op), GNTST_bad_page);
    op.dest.u.gmfn = frame_limit;
    ck_assert_int_eq(copy(a.v, op), GNTST_bad_page);
    for (unsigned i = 0; i < 5; i++) {
        op.dest.u.gmfn = a.l1.n; /* a page table */
        ck_assert_int_eq(copy(a.v, op), GNTST_bad_page);
    }
    ck_assert_uint_eq(references(a.l1), table_refs);
    ck_assert_uint_eq(references(b.page[4]), foreign);
    grant(&b, REF, 1, a.page[6], 0); /* b grants what is not its own */
    ck_assert_int_eq(copy(a.v, copy_op(0, 0, 16)), GNTST_bad_page);
    ck_assert_uint_eq(entry(&b, REF)->flags, GTF_permit_access);
}
END_TEST

START_TEST(a_copy_within_a_page)
{
    gnttab_copy_t op = copy_op(0, 8, 4000);
    unsigned char *page = guest_page(&a, 5);

    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        page[i] = (unsigned char)(i * 7);
    }
    op.flags = 0;
    op.source.u.gmfn = a.page[5].n;
    op.source.domid = DOMID_SELF;
    ck_assert_int_eq(copy(a.v, op), GNTST_okay);
    for (unsigned i = 0; i < 4000; i++) {
        ck_assert_uint_eq(page[8 + i], (unsigned char)(i * 7));
    }
}
END_TEST

static void add(TCase *tc)
{
    tcase_add_checked_fixture(tc, start, NULL);
    tcase_add_test(tc, map_and_unmap);
    tcase_add_test(tc, read_only);
    tcase_add_test(tc, by_machine_address_of_the_entry);
    tcase_add_test(tc, places_that_cannot_be_mapped_into);
    tcase_add_test(tc, grants_that_are_refused);
    tcase_add_test(tc, handles_that_are_not);
    tcase_add_test(tc, what_is_unmapped_is_what_was_mapped);
    tcase_add_test(tc, an_entry_that_the_guest_overwrote);
    tcase_add_test(tc, a_granted_frame_is_not_ones_own);
    tcase_add_test(tc, the_granter_rewrites_its_entry);
    tcase_add_test(tc, grants_to_oneself);
    tcase_add_test(tc, handles_run_out);
    tcase_add_test(tc, pins_of_one_grant_run_out);
    tcase_add_test(tc, many_at_once);
    tcase_add_test(tc, the_mapper_dies);
    tcase_add_test(tc, the_granter_dies);
    tcase_add_test(tc, the_granter_dies_with_only_a_pin_left);
    tcase_add_test(tc, both_die);
    tcase_add_test(tc, setup_table);
    tcase_add_test(tc, no_memory_for_more_table);
    tcase_add_test(tc, versions);
    tcase_add_test(tc, pointers_and_what_is_absent);
    tcase_add_test(tc, copy_both_ways);
    tcase_add_test(tc, copy_between_two_others);
    tcase_add_test(tc, copies_that_are_refused);
    tcase_add_test(tc, a_copy_within_a_page);
}

int main(void)
{
    return unit_main("grant", add);
}
