/* SPDX-License-Identifier: MIT */
#include "trap_fixture.h"

#include "fixture.h"

static struct vcpu *v;
static unsigned toggles_before;

/* `pages` new frames at va in the kernel's tables, and in the user's too if there is a root. */
static void map(mfn_t *root, mfn_t *user_root, uint64_t va, unsigned pages, uint64_t flags)
{
    for (unsigned i = 0; i < pages; i++) {
        mfn_t mfn = fixture_frame(v->domain);

        fixture_map(v->domain, root, va + i * PAGE_SIZE, mfn, flags);
        if (user_root) {
            fixture_map(v->domain, user_root, va + i * PAGE_SIZE, mfn, flags);
        }
    }
}

static void make_space(void)
{
    mfn_t root = MFN_NONE, user_root = MFN_NONE;

    map(&root, NULL, KERNEL_CODE, 2, PTE_KERNEL_RW);
    map(&root, NULL, KERNEL_STACK, 1, PTE_KERNEL_RW);
    map(&root, NULL, KERNEL_DATA, 2, PTE_KERNEL_RW);
    map(&root, NULL, READ_ONLY, 1, PTE_KERNEL_RO);
    map(&root, NULL, GDT_PAGE, 1, PTE_KERNEL_RO);
    map(&root, NULL, LDT_PAGES, 2, PTE_KERNEL_RO);
    map(&root, &user_root, USER_CODE, 1, PTE_KERNEL_RW);
    map(&root, &user_root, USER_STACK_TOP - PAGE_SIZE, 1, PTE_KERNEL_RW);
    fixture_map(v->domain, &root, PAGE_TABLE, fixture_l1(root, KERNEL_DATA), PTE_KERNEL_RO);
    fixture_enter(v, root, user_root);
}

static void make_registers(void)
{
    struct cpu_user_regs *r = &v->regs;
    uint64_t *const general[] = {&r->r15, &r->r14, &r->r13, &r->r12, &r->rbp,
                                 &r->rbx, &r->r11, &r->r10, &r->r9,  &r->r8,
                                 &r->rax, &r->rcx, &r->rdx, &r->rsi, &r->rdi};

    for (unsigned i = 0; i < ARRAY_LEN(general); i++) {
        *general[i] = 0x1111111111111111ull * (i + 1);
    }
    r->rip = KERNEL_CODE + 0x1800;
    r->rsp = KERNEL_STACK + 0x808;
    r->cs = SEL_CODE64;
    r->ss = SEL_DATA;
    r->rflags = RFLAGS_IF | RFLAGS_FIXED;
    r->ds = 1;
    r->es = 2;
    r->fs = 3;
    r->gs = 4;
}

static void make_tables(void)
{
    mfn_t gdt = guest_frame(GDT_PAGE);

    guest_put_word(GDT_PAGE + USER_CS32 / 8 * 8, DESC_CODE32);
    guest_put_word(GDT_PAGE + USER_SS / 8 * 8, DESC_DATA);
    guest_put_word(GDT_PAGE + USER_CS64 / 8 * 8, DESC_CODE64);
    guest_put_word(GDT_PAGE + USER_CS32_BASED / 8 * 8, DESC_CODE32_BASED);
    ck_assert_int_eq(gdt_set(v, v->domain, &gdt, 16), 0);
    for (unsigned i = 0; i < 256; i++) {
        v->traps[i] = (struct guest_entry){.address = HANDLER(i)};
    }
    v->event_callback.address = EVENT_HANDLER;
    v->failsafe_callback.address = FAILSAFE_HANDLER;
    v->syscall_callback.address = SYSCALL_HANDLER;
}

struct vcpu *trap_fixture(void)
{
    v = fixture_domain(1);
    make_space();
    make_registers();
    make_tables();
    v->kernel_sp = KERNEL_STACK_TOP;
    v->kernel_ss = SEL_DATA;
    v->xcr0 = 1;
    v->debugreg[6] = 0xffff0ff0;
    v->debugreg[7] = 0x400;
    v->info->evtchn_upcall_mask = 0;
    toggles_before = sim_record.toggles;
    return v;
}

void trap_fixture_end(void)
{
    fixture_audit(v->domain);
}

void enter_user(struct vcpu *which)
{
    which->kernel_mode = false;
    machine_load_root(which->guest_table_user);
    which->regs.rip = USER_CODE + 0x10;
    which->regs.rsp = USER_STACK_TOP - 0x7f8;
    which->regs.cs = USER_CS64;
    which->regs.ss = USER_SS;
}

mfn_t guest_frame(uint64_t va)
{
    unsigned level;
    mfn_t table;
    pte_t pte = pagetable_walk(v->guest_table, va, &level, &table);

    ck_assert_msg((pte & PTE_PRESENT) && level == 1, "%#lx is not mapped", va);
    return pte_mfn(pte);
}

uint64_t guest_word(uint64_t va)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < sizeof(value); i++) {
        const uint8_t *page = machine_map(guest_frame(va + i));

        value |= (uint64_t)page[(va + i) & ~PAGE_MASK] << (8 * i);
    }
    return value;
}

/* Past every protection: the test is the guest. */
void guest_put(uint64_t va, const void *bytes, size_t count)
{
    const uint8_t *from = bytes;

    while (count > 0) {
        size_t chunk = PAGE_SIZE - (va & ~PAGE_MASK);

        chunk = chunk < count ? chunk : count;
        memcpy((uint8_t *)machine_map(guest_frame(va)) + (va & ~PAGE_MASK), from, chunk);
        va += chunk;
        from += chunk;
        count -= chunk;
    }
}

void guest_put_word(uint64_t va, uint64_t value)
{
    guest_put(va, &value, sizeof(value));
}

unsigned toggles(void)
{
    return sim_record.toggles - toggles_before;
}

bool machine_ts(void)
{
    return sim_record.ts;
}

void machine_give_dr6(uint64_t dr6)
{
    sim_set_dr6(dr6);
}

void machine_give_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t a, uint32_t b, uint32_t c,
                        uint32_t d)
{
    const uint32_t out[4] = {a, b, c, d};

    sim_set_cpuid(leaf, subleaf, out);
}

void machine_give_xcr0(uint64_t xcr0)
{
    sim_set_xcr0(xcr0);
}

uint64_t ldt_window_address(struct vcpu *which, uint64_t offset)
{
    return sim_ldt_window(which) + offset;
}
