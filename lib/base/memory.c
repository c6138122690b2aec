#include "lib/base/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/base/error.h"

enum { ALIGNMENT = 64, FIRST_BLOCK = 1 << 16, LARGEST_STEP = 1 << 26, HUGE_PAGE = 1 << 21 };

void (*memory_exhausted)(size_t size);

static void *fail(size_t size)
{
	if (memory_exhausted)
		memory_exhausted(size);
	abort();
}

size_t size_mul(size_t n, size_t size)
{
	size_t product;
	return __builtin_mul_overflow(n, size, &product) ? SIZE_MAX : product;
}

size_t size_add(size_t a, size_t b)
{
	size_t sum;
	return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

/*
 * Large memory is of huge pages where the system gives them: a fault for each page of 4 KiB takes
 * longer than most of what is done with the memory. */
static void want_huge_pages(void *p, size_t size)
{
	size_t gap = -(uintptr_t)p % HUGE_PAGE;
	size_t rest = size > gap ? size - gap : 0, pages = rest / HUGE_PAGE;
	if (pages)
		madvise((char *)p + gap, pages * HUGE_PAGE, MADV_HUGEPAGE);
}

void *mem_alloc(size_t size)
{
	void *p = NULL;
	size_t alignment = size < HUGE_PAGE ? ALIGNMENT : HUGE_PAGE;
	/* the end of a huge page is little beside four */
	if (size >= 4 * HUGE_PAGE && size < PTRDIFF_MAX)
		size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	if (size > PTRDIFF_MAX || posix_memalign(&p, alignment, size ? size : 1))
		return fail(size);
	want_huge_pages(p, size);
	return p;
}

void *mem_zero(size_t n, size_t size)
{
	size_t bytes = size_mul(n, size);
	void *p = mem_alloc(bytes);
	memset(p, 0, bytes);
	return p;
}

void *mem_resize(void *p, size_t old, size_t size)
{
	/* realloc keeps the alignment by luck only: take its result where it did */
	if (p && size >= (size_t)1 << 20) {
		void *r = size > PTRDIFF_MAX ? NULL : realloc(p, size);
		if (!r)
			return fail(size);
		if ((uintptr_t)r % ALIGNMENT == 0) {
			want_huge_pages(r, size);
			return r;
		}
		p = r;
	}
	void *q = mem_alloc(size);
	if (p)
		memcpy(q, p, old < size ? old : size);
	free(p);
	return q;
}

void *mem_grow(void *p, size_t *capacity, size_t need, size_t size)
{
	if (need <= *capacity)
		return p;
	size_t larger = *capacity ? *capacity : 64;
	while (larger < need)
		larger = size_mul(larger, 2);
	p = mem_resize(p, size_mul(*capacity, size), size_mul(larger, size));
	*capacity = larger;
	return p;
}

void mem_free(void *p)
{
	free(p);
}

/* Blocks form a list in order of use; those behind the current one are empty and kept. */
struct block {
	struct block *next;
	size_t size, used;
	_Alignas(ALIGNMENT) char data[];
};

struct arena {
	struct block *first, *current;
};

struct arena *arena_new(void)
{
	struct arena *a = mem_alloc(sizeof *a);
	*a = (struct arena){ NULL, NULL };
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct block *b = a->first, *next; b; b = next) {
		next = b->next;
		mem_free(b);
	}
	mem_free(a);
}

static size_t place(const struct block *b, size_t size)
{
	size_t alignment = size >= ALIGNMENT ? ALIGNMENT : 16;
	return (b->used + alignment - 1) & ~(alignment - 1);
}

static bool fits(const struct block *b, size_t size)
{
	size_t at = place(b, size);
	return at <= b->size && size <= b->size - at;
}

/* The next block with room: a kept one, or a new one after the current. */
static struct block *advance(struct arena *a, size_t size)
{
	struct block *b = a->current ? a->current->next : a->first;
	if (b) {
		b->used = 0;
		if (fits(b, size))
			return a->current = b;
	}
	size_t step = a->current ? a->current->size * 2 : FIRST_BLOCK;
	step = step > LARGEST_STEP ? LARGEST_STEP : step;
	step = step < size ? size : step;
	struct block *n = mem_alloc(size_add(sizeof *n, step));
	*n = (struct block){ .next = b, .size = step };
	*(a->current ? &a->current->next : &a->first) = n;
	return a->current = n;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->current;
	if (!b || !fits(b, size))
		b = advance(a, size);
	size_t at = place(b, size);
	b->used = at + size;
	return b->data + at;
}

void *arena_zero(struct arena *a, size_t n, size_t size)
{
	size_t bytes = size_mul(n, size);
	return memset(arena_alloc(a, bytes), 0, bytes);
}

struct slice arena_copy(struct arena *a, struct slice s)
{
	return (struct slice){ arena_string(a, s), s.size };
}

char *arena_string(struct arena *a, struct slice s)
{
	char *p = arena_alloc(a, size_add(s.size, 1));
	if (s.size)
		memcpy(p, s.data, s.size);
	p[s.size] = 0;
	return p;
}

struct arena_mark arena_mark(const struct arena *a)
{
	return (struct arena_mark){ a->current, a->current ? a->current->used : 0 };
}

void arena_reset(struct arena *a, struct arena_mark m)
{
	a->current = m.block;
	if (a->current)
		a->current->used = m.used;
}

void arena_clear(struct arena *a)
{
	arena_reset(a, (struct arena_mark){ NULL, 0 });
}
