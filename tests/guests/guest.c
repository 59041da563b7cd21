/* SPDX-License-Identifier: MIT */
/* Start of a test guest, its traps, its output and its verdict (guest.h). */
#include "guest.h"

#include <stdarg.h>

#include <pv/console.h>

#define MASK_EVENTS 4 /* flags of trap_info_t */

volatile struct fault guest_fault = {.vector = NO_FAULT};
uint64_t guest_resume, guest_resume_rsp;
unsigned guest_upcalls;
extern const uint64_t guest_trap_entries[34];
void guest_trap(struct regs *regs);

static char trap_stack[16384] PAGE_ALIGNED; /* for traps from guest user mode */
static unsigned checks, failures;
static unsigned first_line;

static size_t put_number(char *to, uint64_t n, unsigned base, bool negative)
{
    char digits[24];
    size_t count = 0, length = 0;

    do {
        digits[count++] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n);
    if (negative) {
        to[length++] = '-';
    }
    while (count) {
        to[length++] = digits[--count];
    }
    return length;
}

static size_t format_to(char *line, size_t size, const char *format, va_list args)
{
    size_t n = 0;

    for (; *format && n < size - 32; format++) {
        bool is_long = false;
        const char *text;
        int64_t value;

        if (*format != '%') {
            line[n++] = *format;
            continue;
        }
        if (*++format == 'l') {
            is_long = true;
            format++;
        }
        switch (*format) {
        case 's':
            for (text = va_arg(args, const char *); *text && n < size - 32; text++) {
                line[n++] = *text;
            }
            break;
        case 'd':
            value = is_long ? va_arg(args, int64_t) : va_arg(args, int);
            n +=
                put_number(line + n, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0);
            break;
        case 'u':
        case 'x':
            n += put_number(line + n, is_long ? va_arg(args, uint64_t) : va_arg(args, unsigned),
                            *format == 'x' ? 16 : 10, false);
            break;
        default:
            line[n++] = *format;
        }
    }
    return n;
}

void say(const char *format, ...)
{
    char line[256];
    va_list args;
    size_t n;

    va_start(args, format);
    n = format_to(line, sizeof(line), format, args);
    va_end(args);
    line[n++] = '\n';
    pv_console_early(line, n);
}

void guest_check(long got, long want, const char *what, unsigned line)
{
    checks++;
    if (got == want) {
        return;
    }
    if (failures++ == 0) {
        first_line = line;
    }
    say("line %u: %s: got %ld, wanted %ld", line, what, got, want);
}

void guest_verdict(const char *verdict, const char *why)
{
    guest_resume = 0;
    say("verdict: %s%s%s", verdict, *why ? " " : "", why);
    pv_shutdown(SHUTDOWN_poweroff);
}

void guest_finish(void)
{
    if (failures == 0) {
        guest_verdict("SUCCESS", "");
    }
    say("verdict: FAILURE %u of %u checks, the first in line %u", failures, checks, first_line);
    pv_shutdown(SHUTDOWN_poweroff);
}

/* From guest_entry.S. A trap inside FAULT() goes on behind it, in kernel mode on its stack. */
void guest_trap(struct regs *regs)
{
    if (regs->vector == TRAP_EVENT) {
        guest_upcalls++;
        pv_event_dispatch();
        return;
    }
    if (guest_resume) {
        guest_fault.vector = (long)regs->vector;
        guest_fault.error = regs->error;
        guest_fault.rip = regs->rip;
        guest_fault.rflags = regs->rflags;
        guest_fault.cr2 = pv_shared_info->vcpu_info[0].arch.cr2;
        regs->rip = guest_resume;
        regs->rsp = guest_resume_rsp;
        regs->cs = FLAT_KERNEL_CS & ~3ul;
        regs->ss = FLAT_KERNEL_SS;
        regs->rflags = 0x202;
        return;
    }
    say("vector %lu error %lx rip %lx rsp %lx cr2 %lx", regs->vector, regs->error, regs->rip,
        regs->rsp, pv_shared_info ? pv_shared_info->vcpu_info[0].arch.cr2 : 0);
    guest_verdict("ERROR", "unexpected trap");
}

long fault_read(uint64_t va)
{
    return FAULT("movb (%0), %%al", : : "r"(va) : "rax", "memory");
}

long fault_write(uint64_t va)
{
    return FAULT("movb $1, (%0)", : : "r"(va) : "memory");
}

static long register_callback(unsigned type, const char *address)
{
    callback_register_t reg = {
        .type = (uint16_t)type, .flags = CALLBACKF_mask_events, .address = (uint64_t)address};

    return hc_callbackop_register(&reg);
}

void guest_traps(void)
{
    static trap_info_t table[35];
    long err;

    for (unsigned i = 0; i < 34; i++) {
        table[i].vector = (uint8_t)(i < 32 ? i : i == 32 ? TRAP_INT40 : TRAP_INT80);
        table[i].flags = MASK_EVENTS | (i == 3 || i == 4 || i >= 32 ? 3 : 0);
        table[i].cs = FLAT_KERNEL_CS;
        table[i].address = guest_trap_entries[i];
    }
    err = hc_set_trap_table((uint64_t)table);
    err = err ? err : register_callback(CALLBACKTYPE_event, guest_event_entry);
    err = err ? err : register_callback(CALLBACKTYPE_syscall, guest_syscall_entry);
    err = err ? err : register_callback(CALLBACKTYPE_failsafe, guest_failsafe_entry);
    err = err ? err : hc_stack_switch(FLAT_KERNEL_SS, (uint64_t)(trap_stack + sizeof(trap_stack)));
    if (err) {
        guest_verdict("ERROR", "cannot set up traps");
    }
}

domid_t guest_domid(void)
{
    evtchn_alloc_unbound_t unbound = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    evtchn_status_t status = {.dom = DOMID_SELF};
    evtchn_close_t close;
    long err = hc_evtchnop_alloc_unbound(&unbound);

    status.port = close.port = unbound.port;
    err = err ? err : hc_evtchnop_status(&status);
    err = err ? err : hc_evtchnop_close(&close);
    return err ? DOMID_INVALID : status.u.unbound.dom;
}

void pv_main(start_info_t *si)
{
    (void)si;
    guest_traps();
    if (pv_map_shared_info()) {
        guest_verdict("ERROR", "cannot map shared_info");
    }
    pv_event_init();
    guest_test();
    guest_finish();
}
