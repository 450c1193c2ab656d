# What the accelerator probe boots (multiboot, as QEMU's -kernel loads it): enters 64-bit mode with
# paging, runs ten million multiplications, moves the result through SSE2, writes it as 16 hex digits
# to the serial port and resets the machine.
#   as --64 -o probe.o probe.s && ld -Ttext 0x100000 --oformat binary -o probe.bin probe.o
    .code32
    .globl _start
header:
    .long 0x1BADB002                      # multiboot, with the load addresses given here
    .long 0x00010000
    .long -(0x1BADB002 + 0x00010000)
    .long header, header, end, end, _start
_start:
    cli
    mov $0x200000, %edi                   # three pages of tables that map the first 4 MiB
    mov %edi, %esp
    xor %eax, %eax
    mov $0xc00, %ecx
    cld
    rep stosl
    movl $0x201003, 0x200000
    movl $0x202003, 0x201000
    movl $0x000083, 0x202000
    movl $0x200083, 0x202008
    lgdt gdtr
    mov $0x620, %eax                      # CR4: PAE and SSE
    mov %eax, %cr4
    mov $0x200000, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx                 # EFER: long mode
    rdmsr
    or $0x100, %eax
    wrmsr
    mov %cr0, %eax
    and $0xfffffffb, %eax
    or $0x80000003, %eax                  # CR0: paging, protection
    mov %eax, %cr0
    ljmp $8, $long
    .code64
long:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %ss
    mov $10000000, %ecx
    mov $0x0123456789abcdef, %rax
    mov $6364136223846793005, %rbx
1:  imul %rbx, %rax
    add %rcx, %rax
    dec %ecx
    jnz 1b
    movq %rax, %xmm0
    pxor %xmm1, %xmm1
    paddq %xmm0, %xmm1
    movq %xmm1, %rsi
    mov $16, %ecx
2:  rol $4, %rsi
    mov %esi, %ebx
    and $15, %ebx
    mov $0x3fd, %edx                      # COM1: wait until it takes a byte
3:  in %dx, %al
    test $0x20, %al
    jz 3b
    mov digits(%rbx), %al
    mov $0x3f8, %edx
    out %al, %dx
    dec %ecx
    jnz 2b
    mov $0x3fd, %edx                      # wait until all are sent
4:  in %dx, %al
    test $0x40, %al
    jz 4b
    mov $0xfe, %al                        # keyboard controller: reset
    out %al, $0x64
5:  hlt
    jmp 5b
digits:
    .ascii "0123456789abcdef"
    .balign 8, 0
gdt:
    .quad 0
    .quad 0x00209a0000000000
    .quad 0x0000920000000000
gdtr:
    .word 23
    .long gdt
end:
