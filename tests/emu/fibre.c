/*
 * fibre.c: contexts of execution that change by a call. On x86-64 a change saves the six registers
 * that a call must keep and the stack pointer, some 5 ns; elsewhere ucontext does it.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/emu/internal.h"

#if defined __x86_64__
__asm__(".text\n"
	".globl fibre_switch\n"
	".type fibre_switch, @function\n"
	"fibre_switch:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size fibre_switch, . - fibre_switch\n");

void *fibre_new(char *stack, size_t size, void (*entry)(void))
{
	/* six registers, where to return to, and a return address for entry that is never used: at
	 * its first instruction the stack is 8 off a multiple of 16, as after a call */
	uintptr_t *top = (uintptr_t *)(void *)(stack + size);
	*--top = 0;
	*--top = (uintptr_t)entry;
	for (int i = 0; i < 6; i++)
		*--top = 0;
	return top;
}
#else
#include <ucontext.h>

struct context {
	ucontext_t at;
};

void fibre_switch(void **from, void *to)
{
	struct context here;
	*from = &here;
	if (swapcontext(&here.at, &((struct context *)to)->at) != 0)
		abort();
}

/* The context itself lies at the lower end of the stack. */
void *fibre_new(char *stack, size_t size, void (*entry)(void))
{
	struct context *c = (struct context *)(void *)stack;
	if (getcontext(&c->at) != 0)
		abort();
	c->at.uc_stack.ss_sp = stack + sizeof *c;
	c->at.uc_stack.ss_size = size - sizeof *c;
	c->at.uc_link = NULL;
	makecontext(&c->at, entry, 0);
	return c;
}
#endif

char *fibre_stacks(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), step = STACK + page;
	char *p = mmap(NULL, n * step, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		abort();
	for (size_t i = 0; i < n; i++)
		if (mprotect(p + i * step, page, PROT_NONE) != 0)
			abort();
	return p;
}
