/* SPDX-License-Identifier: MIT */
/*
 * FPU state in signal frames. The kernel uses no FPU register, so during a system call the CPU
 * still holds the state of the process. What a frame brings back was in user hands: bits that would
 * make FXRSTOR or XRSTOR fault (Intel SDM vol. 1, 13.8.2) are cleared first.
 */
#include "fpu.h"

#include <stdbool.h>
#include <string.h>

#include <asm/sigcontext.h>

#include "space.h"

#define CPUID_OSXSAVE (1u << 27)
#define CR4_OSXSAVE (1ul << 18)
#define XFEATURES 0xe7u /* x87, SSE, AVX, AVX-512: they fit in a page */
#define LEGACY_SIZE 512
#define AREA_SIZE 4096

static uint8_t area[AREA_SIZE] __attribute__((aligned(64)));
static uint64_t features; /* of XCR0; 0: no XSAVE */
static size_t state_size; /* 0: not yet asked */
static uint32_t mxcsr_mask;

static void cpuid(uint32_t leaf, uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    __asm__ volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(0));
}

void fpu_init(void)
{
    uint32_t a, b, c, d, wanted = XFEATURES;
    uint64_t cr4;

    cpuid(1, &a, &b, &c, &d);
    if (!(c & CPUID_OSXSAVE))
        return; /* FXSAVE, which needs no switch */
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | CR4_OSXSAVE));
    cpuid(0xd, &a, &b, &c, &d);
    __asm__ volatile("xsetbv" : : "c"(0), "a"(a & wanted), "d"(0));
}

static void fpu_probe(void)
{
    uint32_t a, b, c, d, low, high;

    __asm__ volatile("fxsave64 %0" : "=m"(area));
    memcpy(&mxcsr_mask, area + 28, sizeof(mxcsr_mask));
    if (!mxcsr_mask)
        mxcsr_mask = 0xffbf;
    state_size = LEGACY_SIZE;
    cpuid(1, &a, &b, &c, &d);
    if (!(c & CPUID_OSXSAVE))
        return;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    cpuid(0xd, &a, &b, &c, &d);
    if (b > AREA_SIZE - sizeof(uint32_t))
        return;
    features = (uint64_t)high << 32 | low;
    state_size = b;
}

size_t fpu_frame_size(void)
{
    if (!state_size)
        fpu_probe();
    return features ? state_size + sizeof(uint32_t) : state_size;
}

int fpu_save_to_user(uint64_t address)
{
    size_t size = fpu_frame_size();

    memset(area, 0, size);
    if (!features) {
        __asm__ volatile("fxsave64 %0" : "=m"(area));
        return copy_to_user(address, area, size);
    }
    __asm__ volatile("xsave64 %0"
                     : "+m"(area)
                     : "a"((uint32_t)features), "d"((uint32_t)(features >> 32)));
    struct _fpx_sw_bytes sw = {
        .magic1 = FP_XSTATE_MAGIC1,
        .extended_size = size,
        .xfeatures = features,
        .xstate_size = state_size,
    };
    uint32_t magic2 = FP_XSTATE_MAGIC2;
    memcpy(area + LEGACY_SIZE - sizeof(sw), &sw, sizeof(sw));
    memcpy(area + state_size, &magic2, sizeof(magic2));
    return copy_to_user(address, area, size);
}

/* The XSAVE header: only features that are on, the standard format, zeros in what is reserved. */
static void sanitize(bool extended)
{
    uint32_t mxcsr;
    uint64_t present;

    memcpy(&mxcsr, area + 24, sizeof(mxcsr));
    mxcsr &= mxcsr_mask;
    memcpy(area + 24, &mxcsr, sizeof(mxcsr));
    if (!features)
        return;
    memcpy(&present, area + LEGACY_SIZE, sizeof(present));
    present = extended ? present & features : features & 3;
    memset(area + LEGACY_SIZE, 0, 64);
    memcpy(area + LEGACY_SIZE, &present, sizeof(present));
}

static void fpu_reset(void)
{
    static const uint16_t control = 0x37f; /* as after FNINIT */
    static const uint32_t mxcsr = 0x1f80;

    memset(area, 0, fpu_frame_size());
    memcpy(area, &control, sizeof(control));
    memcpy(area + 24, &mxcsr, sizeof(mxcsr));
}

int fpu_restore_from_user(uint64_t address)
{
    size_t size = fpu_frame_size();
    struct _fpx_sw_bytes sw;
    bool extended = false;

    if (!address) {
        fpu_reset();
    } else {
        if (address % 64 || copy_from_user(area, address, LEGACY_SIZE))
            return -1;
        memcpy(&sw, area + LEGACY_SIZE - sizeof(sw), sizeof(sw));
        extended = features && sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size == state_size;
        if (extended && copy_from_user(area, address, size))
            return -1;
        sanitize(extended);
    }
    if (!features)
        __asm__ volatile("fxrstor64 %0" : : "m"(area));
    else
        __asm__ volatile("xrstor64 %0"
                         :
                         : "m"(area), "a"((uint32_t)features), "d"((uint32_t)(features >> 32)));
    return 0;
}
