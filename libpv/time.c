/* SPDX-License-Identifier: MIT */
/* Reading the clocks: an odd or changed version means that the writer was at work. */
#include <pv/hypercall_stubs.h>
#include <pv/start.h>
#include <pv/time.h>

static uint64_t rdtsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return (uint64_t)hi << 32 | lo;
}

uint64_t pv_time_ns(void)
{
    const volatile struct vcpu_time_info *t = &pv_shared_info->vcpu_info[0].time;
    uint32_t version;
    uint64_t ns;

    do {
        version = __atomic_load_n(&t->version, __ATOMIC_ACQUIRE);
        ns = t->system_time +
             pv_scale(rdtsc() - t->tsc_timestamp, t->tsc_to_system_mul, t->tsc_shift);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((version & 1) || version != t->version);
    return ns;
}

uint64_t pv_wall_ns(void)
{
    const volatile shared_info_t *s = pv_shared_info;
    uint32_t version;
    uint64_t ns;

    do {
        version = __atomic_load_n(&s->wc_version, __ATOMIC_ACQUIRE);
        ns = ((uint64_t)s->wc_sec_hi << 32 | s->wc_sec) * 1000000000ull + s->wc_nsec;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((version & 1) || version != s->wc_version);
    return ns + pv_time_ns();
}

int pv_set_timer(uint64_t when_ns)
{
    return (int)hc_set_timer_op(when_ns);
}
