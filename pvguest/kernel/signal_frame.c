/* SPDX-License-Identifier: MIT */
/*
 * Signal frames on the user stack, in Linux's x86-64 layout (uapi asm/sigcontext.h): return
 * address, ucontext, siginfo, and above them the FPU state, whose save format is XSAVE where the
 * CPU has it. Everything that rt_sigreturn reads comes from user memory: selectors and flags are
 * not taken from it, and the FPU image is made loadable before it is loaded, since a bad one would
 * fault here.
 */
#include <string.h>

#include <asm/errno.h>
#include <asm/signal.h>
#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/ucontext.h>

#include "fpu.h"
#include "signal.h"
#include "space.h"
#include "trap.h"

#define RED_ZONE 128
#define USER_FLAGS 0xcd5ul /* CF PF AF ZF SF TF DF OF: those a program may change */
#define UC_FLAGS (UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS)

struct frame {
    uint64_t return_address;
    struct ucontext context;
    siginfo_t info;
};

static void save_registers(struct sigcontext *to, const struct regs *regs)
{
    to->r8 = regs->r8;
    to->r9 = regs->r9;
    to->r10 = regs->r10;
    to->r11 = regs->r11;
    to->r12 = regs->r12;
    to->r13 = regs->r13;
    to->r14 = regs->r14;
    to->r15 = regs->r15;
    to->rdi = regs->rdi;
    to->rsi = regs->rsi;
    to->rbp = regs->rbp;
    to->rbx = regs->rbx;
    to->rdx = regs->rdx;
    to->rax = regs->rax;
    to->rcx = regs->rcx;
    to->rsp = regs->rsp;
    to->rip = regs->rip;
    to->eflags = regs->rflags;
    to->cs = regs->cs;
    to->ss = regs->ss;
}

static void restore_registers(struct regs *regs, const struct sigcontext *from)
{
    regs->r8 = from->r8;
    regs->r9 = from->r9;
    regs->r10 = from->r10;
    regs->r11 = from->r11;
    regs->r12 = from->r12;
    regs->r13 = from->r13;
    regs->r14 = from->r14;
    regs->r15 = from->r15;
    regs->rdi = from->rdi;
    regs->rsi = from->rsi;
    regs->rbp = from->rbp;
    regs->rbx = from->rbx;
    regs->rdx = from->rdx;
    regs->rax = from->rax;
    regs->rcx = from->rcx;
    regs->rsp = from->rsp;
    regs->rip = from->rip;
    regs->rflags = (regs->rflags & ~USER_FLAGS) | (from->eflags & USER_FLAGS);
}

static void fill_info(siginfo_t *info, const struct siginfo_kernel *from, int signal)
{
    memset(info, 0, sizeof(*info));
    info->si_signo = signal;
    info->si_code = from->code;
    switch (signal) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP:
        info->si_addr = (void *)from->address;
        break;
    case SIGCHLD:
        info->si_pid = from->pid;
        info->si_status = from->address;
        break;
    default:
        info->si_pid = from->pid;
    }
}

/* The stack to use: below the red zone of the current one, or the alternate stack. */
static uint64_t frame_stack(const struct process *process, const struct regs *regs,
                            const struct sigaction *action)
{
    const stack_t *alt = &process->altstack;
    uint64_t base = (uint64_t)alt->ss_sp;

    if (!(action->sa_flags & SA_ONSTACK) || alt->ss_flags & SS_DISABLE ||
        regs->rsp - base < alt->ss_size)
        return regs->rsp - RED_ZONE;
    return base + alt->ss_size;
}

int signal_frame_push(struct regs *regs, int signal, const struct sigaction *action, sigset_t mask)
{
    struct process *process = current_process();
    static struct frame
        frame; /* too large for the kernel stack; filled and copied without waiting */
    uint64_t fpu = (frame_stack(process, regs, action) - fpu_frame_size()) & ~63ul;
    uint64_t address = ((fpu - sizeof(frame)) & ~15ul) - 8;

    if (!(action->sa_flags & SA_RESTORER))
        return -EFAULT;
    memset(&frame, 0, sizeof(frame));
    frame.return_address = (uint64_t)action->sa_restorer;
    frame.context.uc_flags = UC_FLAGS;
    frame.context.uc_stack = process->altstack;
    frame.context.uc_sigmask = mask;
    save_registers(&frame.context.uc_mcontext, regs);
    frame.context.uc_mcontext.oldmask = mask;
    frame.context.uc_mcontext.fpstate = (void *)fpu;
    fill_info(&frame.info, &process->info[signal - 1], signal);
    if (fpu_save_to_user(fpu) || copy_to_user(address, &frame, sizeof(frame)))
        return -EFAULT;
    regs->rsp = address;
    regs->rip = (uint64_t)action->sa_handler;
    regs->rdi = signal;
    regs->rsi = address + offsetof(struct frame, info);
    regs->rdx = address + offsetof(struct frame, context);
    regs->rax = 0;
    regs->rflags &= ~USER_FLAGS;
    return 0;
}

/* The handler's return popped return_address, so the frame begins 8 bytes below the stack pointer.
 */
long signal_frame_pop(struct regs *regs)
{
    static struct frame frame;
    struct process *process = current_process();

    if (copy_from_user(&frame, regs->rsp - 8, sizeof(frame)) ||
        fpu_restore_from_user((uint64_t)frame.context.uc_mcontext.fpstate)) {
        signal_force(SIGSEGV, SEGV_MAPERR, regs->rsp);
        return -EFAULT;
    }
    signal_set_blocked(process, frame.context.uc_sigmask);
    restore_registers(regs, &frame.context.uc_mcontext);
    return regs->rax;
}
