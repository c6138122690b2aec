/*
 * memory.h: allocation that does not fail, sizes that do not overflow, and arenas. When the system
 * has no memory left, the hook that the command frame sets ends the process with exit 75; no caller
 * sees NULL. A size that overflows counts as memory that is not there.
 */
#pragma once
#include <stddef.h>

#include "lib/base/slice.h"

/* Set by the command frame; must not return. Without it the process aborts. */
extern void (*memory_exhausted)(size_t size);

/* n * size and a + b, or SIZE_MAX where they overflow, which no allocation can satisfy. */
size_t size_mul(size_t n, size_t size);
size_t size_add(size_t a, size_t b);

void *mem_alloc(size_t size); /* aligned to 64 bytes, not initialised */
void *mem_zero(size_t n, size_t size); /* n * size bytes of 0, aligned to 64 bytes */
void *mem_resize(void *p, size_t old, size_t size); /* like realloc, keeps the alignment */
void mem_free(void *p);

/* Room for `need` elements in an array of *capacity, which doubles until it has it; it begins with
 * 64. */
void *mem_grow(void *p, size_t *capacity, size_t need, size_t size);

/* An uninitialised array of n elements of a type: MEM_ARRAY(float, n). */
#define MEM_ARRAY(type, n) ((type *)mem_alloc(size_mul((n), sizeof(type))))

/*
 * An arena: allocations that end together. Everything is aligned to 64 bytes where it is 64 or
 * larger, to 16 where it is smaller. A mark remembers a place; returning to it frees what came
 * after, and keeps the blocks for reuse. Not for two threads at once.
 */
struct arena;
struct arena_mark {
	void *block;
	size_t used;
};

struct arena *arena_new(void);
void arena_free(struct arena *);
void *arena_alloc(struct arena *, size_t size);
void *arena_zero(struct arena *, size_t n, size_t size);
#define ARENA_ARRAY(arena, type, n) ((type *)arena_alloc((arena), size_mul((n), sizeof(type))))
struct slice arena_copy(struct arena *, struct slice);
char *arena_string(struct arena *, struct slice); /* NUL-terminated */
struct arena_mark arena_mark(const struct arena *);
void arena_reset(struct arena *, struct arena_mark);
void arena_clear(struct arena *); /* back to the beginning */
