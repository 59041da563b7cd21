/* SPDX-License-Identifier: MIT */
/*
 * Every way into ring 0 and the one way out.
 *
 * Where things are: GS base is this CPU's struct pcpu in ring 0 and the guest's in ring 3, so each
 * crossing does one swapgs. Guest registers go straight into the current vCPU (struct vcpu.regs):
 * the CPU's own frame lands there because TSS.rsp0 is &regs.es. C then runs on the CPU's stack.
 * Interrupts stay off throughout.
 *
 * Budget, counted in instructions on the fast path of a hypercall: entry 32, exit 34.
 */
#include "asm_offsets.h"
#include "entry.h"
#include "layout.h"

/* Push the general registers below a frame that ends with error_code/entry_vector. */
.macro SAVE_GPRS
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
.endm

/* `syscall` has only swapped rip and rflags into rcx and r11. Out: rsp = the vCPU. */
.macro SYSCALL_ENTER
    swapgs
    movq %rsp, %gs:PCPU_SCRATCH
    movq %gs:PCPU_CURRENT, %rsp
.endm

/* Build the frame that syscall did not push. Out: rbx = rdi = the vCPU, on this CPU's stack. */
.macro SYSCALL_SAVE cs
    addq $VCPU_REGS + REGS_ES, %rsp
    pushq $GUEST_SS
    pushq %gs:PCPU_SCRATCH
    pushq %r11
    pushq $\cs
    pushq %rcx
    pushq $0
    SAVE_GPRS
    leaq -VCPU_REGS(%rsp), %rbx
    movq %gs:PCPU_STACK_TOP, %rsp
    movq %rbx, %rdi
.endm

/* Load all but rbx, rcx and r11 from the vCPU in rbx. */
.macro LOAD_GPRS
    movq VCPU_REGS + REGS_R15(%rbx), %r15
    movq VCPU_REGS + REGS_R14(%rbx), %r14
    movq VCPU_REGS + REGS_R13(%rbx), %r13
    movq VCPU_REGS + REGS_R12(%rbx), %r12
    movq VCPU_REGS + REGS_RBP(%rbx), %rbp
    movq VCPU_REGS + REGS_R10(%rbx), %r10
    movq VCPU_REGS + REGS_R9(%rbx), %r9
    movq VCPU_REGS + REGS_R8(%rbx), %r8
    movq VCPU_REGS + REGS_RAX(%rbx), %rax
    movq VCPU_REGS + REGS_RDX(%rbx), %rdx
    movq VCPU_REGS + REGS_RSI(%rbx), %rsi
    movq VCPU_REGS + REGS_RDI(%rbx), %rdi
.endm

    .section .entry, "ax"

/*
 * `syscall` in ring 3. In: rcx = guest rip, r11 = guest rflags, rsp = guest's.
 * Kernel mode: a hypercall. User mode: bounced to the guest's system-call entry (entry_fast.S).
 */
    .globl syscall_entry
    .balign 64
syscall_entry:
    SYSCALL_ENTER
    cmpb $0, VCPU_KERNEL_MODE(%rsp)
    je syscall_from_user
    cmpq $HYPERCALL_IRET, %rax
    je syscall_iret
    SYSCALL_SAVE GUEST_CS64
    call hypercall_entry
    testb %al, %al
    jz exit_to_guest
    cmpl $0, %gs:PCPU_WORK
    jne exit_to_guest
    movq VCPU_INFO(%rbx), %rax
    cmpw $0x00ff, (%rax) /* mask byte 0 and pending byte not 0 gives 1..255 */
    ja 1f
    cmpb $0, (%rax)
    jne exit_to_guest
1:  /* Plain return: rip and rflags are what syscall left in rcx and r11. */
    movq VCPU_REGS + REGS_RIP(%rbx), %rcx
    movq %rcx, %rax
    sarq $46, %rax /* 0 or -1 for canonical user and kernel addresses below the last page */
    incq %rax
    cmpq $1, %rax
    ja exit_to_guest /* non-canonical would fault in ring 0: iretq has a fix-up */
    movq VCPU_REGS + REGS_RFLAGS(%rbx), %r11
    LOAD_GPRS
    movq VCPU_REGS + REGS_RSP(%rbx), %rsp
    movq VCPU_REGS + REGS_RBX(%rbx), %rbx
    swapgs
    sysretq

/* The same from 32-bit code, where AMD has it (MSR CSTAR). */
    .globl syscall32_entry
syscall32_entry:
    SYSCALL_ENTER
    SYSCALL_SAVE GUEST_CS32
    call trap_syscall32
    jmp exit_to_guest

/* What entry_fast.S leaves to C. In: rsp = the vCPU, everything else as syscall left it. */
    .globl syscall_slow
syscall_slow:
    SYSCALL_SAVE GUEST_CS64
    cmpb $0, VCPU_KERNEL_MODE(%rbx)
    je 1f
    call trap_iret
    jmp exit_to_guest
1:  call trap_syscall
    /* fall through */

/*
 * Leave for whatever vCPU is current, delivering pending upcalls and doing owed work first.
 * In: on this CPU's stack, interrupts off.
 */
    .globl exit_to_guest
exit_to_guest:
    movq %gs:PCPU_CURRENT, %rbx
    cmpl $0, %gs:PCPU_WORK
    jne 2f
    movq VCPU_INFO(%rbx), %rax
    cmpb $0, (%rax)
    je 1f
    cmpb $0, 1(%rax)
    je 3f
1:  movq %gs:PCPU_STACK_TOP, %rsp
    pushq VCPU_REGS + REGS_SS(%rbx)
    pushq VCPU_REGS + REGS_RSP(%rbx)
    pushq VCPU_REGS + REGS_RFLAGS(%rbx)
    pushq VCPU_REGS + REGS_CS(%rbx)
    pushq VCPU_REGS + REGS_RIP(%rbx)
    movw VCPU_REGS + REGS_SS(%rbx), %ax
    movq %rax, 32(%rsp)
    movzwl VCPU_REGS + REGS_CS(%rbx), %eax
    movq %rax, 8(%rsp)
    LOAD_GPRS
    movq VCPU_REGS + REGS_RCX(%rbx), %rcx
    movq VCPU_REGS + REGS_R11(%rbx), %r11
    movq VCPU_REGS + REGS_RBX(%rbx), %rbx
    .globl exit_swapgs_iret
exit_swapgs_iret: /* the guest's registers loaded, its frame at the top of our stack */
    swapgs
exit_iret:
    iretq
2:  movq %gs:PCPU_STACK_TOP, %rsp
    call exit_work
    jmp exit_to_guest
3:  movq %gs:PCPU_STACK_TOP, %rsp /* nothing but an upcall: it masks further ones */
    movq %rbx, %rdi
    call trap_event_upcall
    jmp exit_to_guest

/*
 * Exceptions and interrupts: 256 stubs of 16 bytes, each leaving vector and error code in one
 * slot, as struct cpu_user_regs has them.
 */
    .globl vector_stubs
    .balign 16
vector_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || \
        (vector == 29) || (vector == 30)
    .else
    pushq $0
    .endif
    movl $vector, 4(%rsp)
    .if vector == 1
    jmp debug_entry
    .elseif vector == 2
    jmp nmi_entry
    .elseif vector == 8 || vector == 18
    jmp fatal_entry
    .else
    jmp trap_entry
    .endif
    .set vector, vector + 1
    .endr

trap_entry:
    cld
    testb $3, 16(%rsp) /* cs of the interrupted context */
    jz trap_from_host
    swapgs
    SAVE_GPRS
    leaq -VCPU_REGS(%rsp), %rdi
    movq %gs:PCPU_STACK_TOP, %rsp
    call guest_trap
    jmp exit_to_guest

/*
 * #DB has a stack of its own, because a guest's data breakpoint can come due in ring 0: on an
 * access to guest memory, or on the very first instruction after `mov ss; syscall`, while rsp is
 * still the guest's (Intel SDM vol. 3A, 6.8.3). Those are ignored; DR6 keeps them for the guest's
 * next one.
 */
debug_entry:
    cld
    testb $3, 16(%rsp)
    jnz 1f
    addq $8, %rsp
    iretq
1:  swapgs
    movq %rax, %gs:PCPU_SCRATCH
    movq %rsp, %rax
    movq %gs:PCPU_CURRENT, %rsp
    addq $VCPU_REGS + REGS_ES, %rsp
    pushq 40(%rax)
    pushq 32(%rax)
    pushq 24(%rax)
    pushq 16(%rax)
    pushq 8(%rax)
    pushq (%rax)
    movq %gs:PCPU_SCRATCH, %rax
    SAVE_GPRS
    leaq -VCPU_REGS(%rsp), %rdi
    movq %gs:PCPU_STACK_TOP, %rsp
    call guest_trap
    jmp exit_to_guest

/* Ring 0 was interrupted: the idle loop, a guest access that faulted, iretq, or a bug. */
trap_from_host:
    pushq %rax
    leaq exit_iret(%rip), %rax
    cmpq %rax, 16(%rsp)
    popq %rax
    je iret_faulted
    SAVE_GPRS
    movq %rsp, %rdi
    call host_trap
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rax
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    addq $8, %rsp
    iretq

/* The guest's frame was refused: it is at the top of our stack, its registers are in the CPU. */
iret_faulted:
    swapgs
    movq %gs:PCPU_CURRENT, %rsp
    addq $VCPU_REGS + REGS_RIP, %rsp
    pushq $0
    SAVE_GPRS
    leaq -VCPU_REGS(%rsp), %rdi
    movq %gs:PCPU_STACK_TOP, %rsp
    .irp word, 5, 4, 3, 2, 1 /* rip, cs, rflags, rsp, ss */
    movq -8 * \word(%rsp), %rax
    movq %rax, VCPU_REGS + REGS_RIP + 40 - 8 * \word(%rdi)
    .endr
    call trap_iret_fault
    jmp exit_to_guest

/*
 * NMI, double fault and machine check come on stacks of their own and may interrupt the few
 * instructions where GS is the guest's though CS says ring 0. The word at the top of each of these
 * stacks is the CPU's struct pcpu, so GS base is set from there and put back after.
 */
.macro PARANOID_GS
    movl $0xc0000101, %ecx /* GS base */
    rdmsr
    movl %eax, %r12d
    movl %edx, %r13d
    movq %rsp, %rax
    orq $4095, %rax
    movq -7(%rax), %rax
    movq %rax, %rdx
    shrq $32, %rdx
    wrmsr
.endm

nmi_entry:
    cld
    SAVE_GPRS
    PARANOID_GS
    movq %rsp, %rdi
    call host_nmi
    movl $0xc0000101, %ecx
    movl %r12d, %eax
    movl %r13d, %edx
    wrmsr
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rax
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    addq $8, %rsp
    iretq

fatal_entry:
    cld
    SAVE_GPRS
    PARANOID_GS
    movq %rsp, %rdi
    call host_fatal
    ud2

/*
 * size_t guest_copy(void *dst, const void *src, size_t bytes): bytes not copied. One side is a
 * guest address already checked for range; a fault on it ends the copy early.
 */
    .globl guest_copy
guest_copy:
    movq %rdx, %rcx
    shrq $3, %rcx
    cmpb $0, cpu_smap(%rip)
    jne 5f
1:  rep movsq
    movl %edx, %ecx
    andl $7, %ecx
2:  rep movsb
    xorl %eax, %eax
    ret
5:  stac
11: rep movsq
    movl %edx, %ecx
    andl $7, %ecx
12: rep movsb
    clac
    xorl %eax, %eax
    ret
3:  andl $7, %edx
    leaq (%rdx, %rcx, 8), %rax
    cmpb $0, cpu_smap(%rip)
    je 6f
    clac
6:  ret
4:  movq %rcx, %rax
    cmpb $0, cpu_smap(%rip)
    je 6b
    clac
    ret
    EX_TABLE 1b, 3b
    EX_TABLE 2b, 4b
    EX_TABLE 11b, 3b
    EX_TABLE 12b, 4b

/* bool load_ds/es/fs(uint16_t): load a data selector. False if the descriptor is refused: then the
 * null selector is loaded. */
.macro LOAD_SELECTOR name, reg
    .globl load_\name
load_\name:
    movl $1, %eax
1:  movl %edi, %\reg
    ret
2:  xorl %eax, %eax
    movl %eax, %\reg
    ret
    EX_TABLE 1b, 2b
.endm
    LOAD_SELECTOR ds, ds
    LOAD_SELECTOR es, es
    LOAD_SELECTOR fs, fs

/* bool load_gs(uint16_t): the guest's GS, which swapgs keeps out of our way. */
    .globl load_gs
load_gs:
    swapgs
    movl $1, %eax
1:  movl %edi, %gs
    swapgs
    ret
2:  xorl %eax, %eax
    movl %eax, %gs
    swapgs
    ret
    EX_TABLE 1b, 2b

/* bool rdmsr_safe(uint32_t msr, uint64_t *value) */
    .globl rdmsr_safe
rdmsr_safe:
    movl %edi, %ecx
1:  rdmsr
    movl %eax, (%rsi)
    movl %edx, 4(%rsi)
    movl $1, %eax
    ret
2:  xorl %eax, %eax
    ret
    EX_TABLE 1b, 2b
