/* copy.c: copies, fills and what the host says of device memory, each an operation of its stream (stream.c). */
#include <stdlib.h>
#include <string.h>

#include "tests/emu/shadow.h"

#define PC ((uintptr_t)__builtin_return_address(0) - 1)

/* Rows of `width` bytes; from NULL: filled with `value`. */
struct copy {
	char *to, *staged;
	const char *from;
	size_t to_pitch, from_pitch, width, height;
	int value;
	const char *name;
};

static void run_copy(void *context)
{
	struct copy *c = context;
	for (size_t i = 0; c->width && i < c->height; i++) {
		char *to = c->to + i * c->to_pitch;
		const char *from = c->from ? c->from + i * c->from_pitch : NULL;
		if (from && memory_is_device(from))
			shadow_copy((uintptr_t)from, c->width, false, c->name);
		if (memory_is_device(to))
			shadow_copy((uintptr_t)to, c->width, true, c->name);
		if (from)
			memmove(to, from, c->width);
		else
			memset(to, c->value, c->width);
	}
	free(c->staged);
	free(c);
}

static void call(cudaStream_t stream, struct copy copy, uintptr_t pc)
{
	struct copy *own = malloc(sizeof *own);
	if (!own)
		abort();
	*own = copy;
	stream_call(stream, copy.name, run_copy, own, pc);
}

static bool direction_fits(const void *to, const void *from, enum cudaMemcpyKind kind)
{
	static const bool device[][2] = { [cudaMemcpyHostToHost] = { false, false },
		[cudaMemcpyHostToDevice] = { true, false },
		[cudaMemcpyDeviceToHost] = { false, true },
		[cudaMemcpyDeviceToDevice] = { true, true } };
	if (kind == cudaMemcpyDefault)
		return true;
	return (unsigned)kind < cudaMemcpyDefault && memory_is_device(to) == device[kind][0] &&
	       memory_is_device(from) == device[kind][1];
}

/* From memory that is not pinned a copy is staged at once, to it it is done at once; to pinned memory
 * it comes late, and until then there is garbage. */
static cudaError_t copy_queue(
	struct copy c, enum cudaMemcpyKind kind, cudaStream_t stream, bool wait, uintptr_t pc)
{
	if (!c.width || !c.height)
		return cudaSuccess;
	if (!direction_fits(c.to, c.from, kind))
		return cudaErrorInvalidValue;
	bool to_device = memory_is_device(c.to), from_device = memory_is_device(c.from);
	emu_lock();
	if (!from_device && !memory_is_pinned(c.from)) {
		c.staged = malloc(c.width * c.height);
		for (size_t i = 0; c.staged && i < c.height; i++)
			memcpy(c.staged + i * c.width, c.from + i * c.from_pitch, c.width);
		if (!c.staged)
			abort();
		c.from = c.staged;
		c.from_pitch = c.width;
		wait = wait && !to_device;
	} else if (wait) {
		wait = !(to_device && from_device);
	}
	if (!to_device && memory_is_pinned(c.to))
		for (size_t i = 0; i < c.height; i++)
			memset(c.to + i * c.to_pitch, 0xcb, c.width);
	else if (!to_device)
		wait = true;
	call(stream, c, pc);
	if (wait)
		stream_drain(stream);
	emu_unlock();
	return cudaSuccess;
}

cudaError_t cudaMemcpy2D(void *to, size_t to_pitch, const void *from, size_t from_pitch,
	size_t width, size_t height, enum cudaMemcpyKind kind)
{
	struct copy c = { to, NULL, from, to_pitch, from_pitch, width, height, 0, "cudaMemcpy2D" };
	return copy_queue(c, kind, NULL, true, PC);
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch,
	size_t width, size_t height, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	struct copy c = { to, NULL, from, to_pitch, from_pitch, width, height, 0,
		"cudaMemcpy2DAsync" };
	return copy_queue(c, kind, stream, false, PC);
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t n, enum cudaMemcpyKind kind)
{
	struct copy c = { to, NULL, from, n, n, n, 1, 0, "cudaMemcpy" };
	return copy_queue(c, kind, NULL, true, PC);
}

cudaError_t cudaMemcpyAsync(
	void *to, const void *from, size_t n, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	struct copy c = { to, NULL, from, n, n, n, 1, 0, "cudaMemcpyAsync" };
	return copy_queue(c, kind, stream, false, PC);
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t n, cudaStream_t stream)
{
	if (n && !memory_is_device(to))
		return cudaErrorInvalidValue;
	call(stream, (struct copy){ to, NULL, NULL, n, 0, n, 1, value, "cudaMemset" }, PC);
	return cudaSuccess;
}

cudaError_t cudaMemset(void *to, int value, size_t n)
{
	return cudaMemsetAsync(to, value, n, NULL);
}

struct region {
	void *p;
	size_t size;
	bool open;
};

static void run_region(void *context)
{
	struct region *r = context;
	shadow_state((uintptr_t)r->p, r->size, r->open ? BYTE_UNWRITTEN : BYTE_OUTSIDE);
	free(r);
}

void emu_region(void *p, size_t size, bool open, cudaStream_t stream)
{
	struct region *r = malloc(sizeof *r);
	if (!r)
		abort();
	*r = (struct region){ p, size, open };
	stream_call(stream, "emu_region", run_region, r, PC);
}
