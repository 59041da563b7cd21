/* SPDX-License-Identifier: MIT */
/*
 * Time: the TSC's rate measured against the PIT, the local APIC timer as the one deadline, the
 * date from the CMOS clock. Sources: Intel 8254 data sheet; Motorola MC146818A; Xen's
 * vcpu_time_info (xen/xen.h) for the scale's form.
 */
#include "cpu.h"
#include "log.h"

#define PIT_HZ 1193182ull
#define PIT_TICKS 4096 /* about 3.4 ms of calibration */

struct machine_clock machine_clock;
static uint64_t apic_per_second;

uint64_t machine_tsc(void)
{
    return rdtsc();
}

static uint64_t scale(uint64_t delta, uint32_t mul, int8_t shift)
{
    delta = shift < 0 ? delta >> -shift : delta << shift;
    return (uint64_t)((unsigned __int128)delta * mul >> 32);
}

uint64_t machine_now(void)
{
    return scale(rdtsc() - machine_clock.tsc_base, machine_clock.tsc_to_system_mul,
                 machine_clock.tsc_shift);
}

/* One moment on three clocks: the tightest of a few tries, since the host may stop us anywhere. */
struct moment {
    uint64_t tsc;
    uint32_t apic, pit;
};

static uint16_t pit_read(void)
{
    uint16_t low;

    outb(0x43, 0x80); /* latch channel 2 */
    low = inb(0x42);
    return low | (uint16_t)(inb(0x42) << 8);
}

static struct moment moment_now(void)
{
    struct moment best = {0, 0, 0};
    uint64_t narrowest = ~0ull;

    for (unsigned i = 0; i < 4; i++) {
        uint64_t before = rdtsc();
        uint32_t pit = pit_read();
        uint32_t ticks = apic_timer_count();
        uint64_t after = rdtsc();

        if (after - before < narrowest) {
            narrowest = after - before;
            best = (struct moment){before + (after - before) / 2, ticks, pit};
        }
    }
    return best;
}

/* mul and shift such that ns = (ticks << shift) * mul >> 32, with mul's top bit set. */
static void clock_set_scale(uint64_t hz)
{
    uint64_t ns = 1000000000ull;
    int8_t shift = 0;

    while (hz > ns * 2) {
        hz >>= 1;
        shift--;
    }
    while (hz < ns) {
        hz <<= 1;
        shift++;
    }
    machine_clock.tsc_to_system_mul = (uint32_t)((ns << 32) / (hz + (hz == ns)));
    machine_clock.tsc_shift = shift;
}

static uint8_t cmos(uint8_t reg)
{
    outb(0x70, reg);
    return inb(0x71);
}

static unsigned cmos_number(uint8_t reg, bool binary)
{
    uint8_t v = cmos(reg);

    return binary ? v : (v >> 4) * 10u + (v & 15);
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar, March-based years. */
static uint64_t days_from_civil(uint64_t year, unsigned month, unsigned day)
{
    uint64_t y = month <= 2 ? year - 1 : year;
    uint64_t era = y / 400, of_era = y % 400;
    unsigned of_year = (153 * (month + (month > 2 ? -3u : 9u)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static uint64_t cmos_seconds(void)
{
    bool binary = cmos(0x0b) & 4;
    unsigned hour = cmos(4);
    bool pm = !(cmos(0x0b) & 2) && (hour & 0x80);
    uint64_t days;

    hour &= 0x7f;
    hour = binary ? hour : (hour >> 4) * 10u + (hour & 15);
    if (!(cmos(0x0b) & 2)) {
        hour = hour % 12 + (pm ? 12 : 0);
    }
    days = days_from_civil(2000 + cmos_number(9, binary), cmos_number(8, binary),
                           cmos_number(7, binary));
    return days * 86400 + hour * 3600 + cmos_number(2, binary) * 60 + cmos_number(0, binary);
}

/* Read until two readings agree: no update was under way. */
static uint64_t wall_clock(void)
{
    uint64_t first = cmos_seconds(), second;

    for (unsigned i = 0; i < 5; i++) {
        second = cmos_seconds();
        if (first == second) {
            break;
        }
        first = second;
    }
    return first;
}

void clock_init(void)
{
    struct moment from, to;
    uint64_t ticks, tsc_hz;

    outb(0x61, (inb(0x61) & ~2u) | 1); /* gate of channel 2 on, speaker off */
    outb(0x43, 0xb0);                  /* channel 2, low and high byte, mode 0 */
    outb(0x42, 0xff);
    outb(0x42, 0xff);
    apic_timer_arm(~0u);
    from = moment_now();
    while ((uint16_t)(from.pit - pit_read()) < PIT_TICKS) {
    }
    to = moment_now();
    apic_timer_arm(0);
    ticks = (uint16_t)(from.pit - to.pit);
    tsc_hz = (to.tsc - from.tsc) * PIT_HZ / ticks;
    apic_per_second = (uint64_t)(from.apic - to.apic) * PIT_HZ / ticks;
    clock_set_scale(tsc_hz);
    machine_clock.tsc_khz = tsc_hz / 1000;
    machine_clock.tsc_base = rdtsc();
    machine_clock.wall_at_boot_ns = wall_clock() * 1000000000ull;
    log_info("clock: TSC at %lu.%03lu MHz, timer at %lu MHz", tsc_hz / 1000000,
             tsc_hz / 1000 % 1000, apic_per_second / 1000000);
}

#define FAR_NS 3000000000ull /* the counter holds a little more than this */

void machine_set_deadline(uint64_t when)
{
    uint64_t now, ns;

    this_cpu()->deadline = when;
    if (when == ~0ull) {
        apic_timer_arm(0);
        return;
    }
    now = machine_now();
    ns = when <= now ? 0 : when - now > FAR_NS ? FAR_NS : when - now;
    apic_timer_arm((uint32_t)(ns * (apic_per_second / 1000) / 1000000) + 1);
}
