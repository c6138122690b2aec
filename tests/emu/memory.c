/*
 * memory.c: device and pinned memory. Device addresses are handed out once and never again, with a
 * gap after each allocation. Host code that touches device memory meets a page without rights: they
 * are there only while device code runs.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/emu/shadow.h"

enum { GAP = 256 };

static struct allocation *device, *pinned;
static size_t n_device, n_pinned;
static size_t end = GAP; /* of what was ever handed out, from the base */
static size_t total = (size_t)2 << 30, used;
static long fail_after = -1;

/* --- the tables --- */

static struct allocation *add(
	struct allocation **table, size_t *n, uintptr_t at, size_t size, uintptr_t pc)
{
	if ((*n & (*n - 1)) == 0) {
		*table = realloc(*table, (*n ? 2 * *n : 1) * sizeof **table);
		if (!*table)
			abort();
	}
	struct allocation *a = &(*table)[(*n)++];
	*a = (struct allocation){ .at = at, .size = size, .pc = pc };
	return a;
}

const struct allocation *allocation_find(uintptr_t at)
{
	size_t low = 0, high = n_device;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (device[middle].at <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &device[low - 1] : NULL;
}

bool memory_is_device(const void *p)
{
	return (uintptr_t)p - spaces[SPACE_DEVICE].base < spaces[SPACE_DEVICE].size;
}

bool memory_is_pinned(const void *p)
{
	for (size_t i = 0; i < n_pinned; i++)
		if ((uintptr_t)p - pinned[i].at < pinned[i].size)
			return true;
	return false;
}

/* --- rights --- */

static void fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	uintptr_t at = (uintptr_t)info->si_addr;
	if (memory_is_device(info->si_addr) && !now.self)
		report("the host touches device memory", "address: %s", text_address(at));
	for (unsigned i = 0; now.self && i < now.threads; i++)
		if (at < (uintptr_t)now.thread[i].stack &&
			at + 4096 >= (uintptr_t)now.thread[i].stack)
			report("a thread's local memory is full", "%s: %d bytes", text_thread(i),
				(int)STACK);
	if (now.self)
		report("a kernel touches an address without memory", "%s, address: %s",
			text_thread(now.self->id), text_address(at));
	struct sigaction usual = { .sa_handler = SIG_DFL };
	sigaction(signal, &usual, NULL);
}

/* The handler needs a stack of its own, the thread's may be full. */
static void catch_faults(void)
{
	static bool caught;
	if (caught)
		return;
	caught = true;
	stack_t stack = { .ss_size = 256 << 10 };
	stack.ss_sp = malloc(stack.ss_size);
	struct sigaction action = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	if (!stack.ss_sp || sigaltstack(&stack, NULL) != 0 ||
		sigaction(SIGSEGV, &action, NULL) != 0)
		abort();
}

void memory_open(bool open)
{
	static size_t opened, from;
	if (open == (opened != 0))
		return;
	catch_faults();
	static size_t live; /* those before it are freed */
	while (live < n_device && device[live].freed)
		live++;
	if (open) {
		from = live < n_device ? device[live].at / 4096 * 4096 : spaces[SPACE_DEVICE].base;
		opened = (spaces[SPACE_DEVICE].base + end - from + 4095) / 4096 * 4096;
	}
	if (mprotect((void *)from, opened, open ? PROT_READ | PROT_WRITE : PROT_NONE) != 0)
		abort();
	opened = open ? opened : 0;
}

/* --- device memory --- */

void emu_fail_allocation(long n)
{
	fail_after = n;
}

void emu_set_memory(size_t size)
{
	total = size;
}

static void options(void)
{
	static bool read;
	if (read)
		return;
	read = true;
	const char *memory = getenv("HEDDLE_EMU_MEMORY"), *fail = getenv("HEDDLE_EMU_FAIL_ALLOC");
	if (memory && *memory)
		total = strtoull(memory, NULL, 10);
	if (fail && *fail)
		fail_after = strtol(fail, NULL, 10);
}

static cudaError_t allocate(void **p, size_t size, uintptr_t pc)
{
	options();
	*p = NULL;
	if (size == 0)
		return cudaSuccess;
	bool fail = fail_after == 0;
	fail_after -= fail_after >= 0;
	if (fail || size > total - (used < total ? used : total))
		return cudaErrorMemoryAllocation;
	const struct space *s = &spaces[SPACE_DEVICE];
	if (size > s->size - end - GAP)
		report("no more addresses", "%zu bytes were allocated and freed", end);
	uintptr_t at = s->base + end;
	end += (size + 255) / 256 * 256 + GAP;
	used += size;
	add(&device, &n_device, at, size, pc);
	shadow_state(at, size, BYTE_UNWRITTEN);
	*p = (void *)at;
	return cudaSuccess;
}

static cudaError_t release(void *p)
{
	struct allocation *a = NULL;
	for (size_t i = n_device; i-- > 0 && !a;)
		a = device[i].at == (uintptr_t)p ? &device[i] : NULL;
	if (!a || a->freed)
		report("a pointer that is not to be freed", "%s", text_address((uintptr_t)p));
	a->freed = true;
	used -= a->size;
	shadow_forget(a->at, a->size);
	uintptr_t from = (a->at + 4095) / 4096 * 4096, to = (a->at + a->size) / 4096 * 4096;
	if (to > from)
		madvise((void *)from, to - from, MADV_DONTNEED);
	return cudaSuccess;
}

cudaError_t cudaMalloc(void **p, size_t size)
{
	emu_lock();
	cudaError_t e = allocate(p, size, (uintptr_t)__builtin_return_address(0) - 1);
	emu_unlock();
	return e;
}

cudaError_t cudaFree(void *p)
{
	cudaError_t e = cudaDeviceSynchronize();
	emu_lock();
	e = p ? release(p) : e;
	emu_unlock();
	return e;
}

cudaError_t cudaMallocAsync(void **p, size_t size, cudaStream_t stream)
{
	(void)stream;
	emu_lock();
	cudaError_t e = allocate(p, size, (uintptr_t)__builtin_return_address(0) - 1);
	emu_unlock();
	return e;
}

static void free_now(void *p)
{
	release(p);
}

cudaError_t cudaFreeAsync(void *p, cudaStream_t stream)
{
	return p ? cudaLaunchHostFunc(stream, free_now, p) : cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *all)
{
	emu_lock();
	options();
	*available = total > used ? total - used : 0;
	*all = total;
	emu_unlock();
	return cudaSuccess;
}

/* --- pinned memory --- */

cudaError_t cudaHostAlloc(void **p, size_t size, unsigned flags)
{
	(void)flags;
	emu_lock();
	*p = malloc(size ? size : 1);
	if (*p)
		add(&pinned, &n_pinned, (uintptr_t)*p, size, 0);
	emu_unlock();
	return *p ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaMallocHost(void **p, size_t size)
{
	return cudaHostAlloc(p, size, 0);
}

cudaError_t cudaFreeHost(void *p)
{
	if (!p)
		return cudaSuccess;
	cudaDeviceSynchronize();
	emu_lock();
	size_t i = 0;
	while (i < n_pinned && pinned[i].at != (uintptr_t)p)
		i++;
	if (i == n_pinned)
		report("a pointer that is not to be freed", "%p is not pinned memory", p);
	pinned[i] = pinned[--n_pinned];
	free(p);
	emu_unlock();
	return cudaSuccess;
}
