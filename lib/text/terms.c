/* terms.c: open addressing with linear probing, at most half full. */
#include "lib/text/terms.h"

#include "lib/base/error.h"
#include "lib/base/random.h"

/* 8 bytes at a time through a multiplication, then the mixer of random.h. */
static uint32_t hash(struct slice s)
{
	uint64_t h = s.size * 0x9e3779b97f4a7c15u, block;
	const char *p = s.data;
	size_t left = s.size;
	for (; left >= 8; p += 8, left -= 8) {
		memcpy(&block, p, 8);
		h = (h ^ block) * 0xbf58476d1ce4e5b9u;
		h ^= h >> 32;
	}
	return (uint32_t)(random_mix(h ^ slice_few(p, left)) >> 32);
}

/* Where the text is, or the free slot where it belongs. */
static size_t place(const struct terms *t, struct slice s, uint32_t h)
{
	size_t i = h & (t->n_slots - 1);
	while (t->slots[i]) {
		uint32_t number = t->slots[i] - 1;
		if (t->hashes[number] == h && slice_equal(t->at[number], s))
			break;
		i = (i + 1) & (t->n_slots - 1);
	}
	return i;
}

static void grow(struct terms *t)
{
	size_t capacity = t->capacity ? size_mul(t->capacity, 2) : 512;
	t->at = mem_resize(t->at, t->n * sizeof *t->at, size_mul(capacity, sizeof *t->at));
	t->hashes = mem_resize(
		t->hashes, t->n * sizeof *t->hashes, size_mul(capacity, sizeof *t->hashes));
	t->capacity = capacity;
	mem_free(t->slots);
	t->n_slots = size_mul(capacity, 2);
	t->slots = mem_zero(t->n_slots, sizeof *t->slots);
	for (size_t i = 0; i < t->n; i++) {
		size_t at = t->hashes[i] & (t->n_slots - 1);
		while (t->slots[at])
			at = (at + 1) & (t->n_slots - 1);
		t->slots[at] = (uint32_t)(i + 1);
	}
}

uint32_t terms_add(struct terms *t, struct slice s)
{
	if (t->n == t->capacity)
		grow(t);
	uint32_t h = hash(s);
	size_t at = place(t, s, h);
	if (t->slots[at])
		return t->slots[at] - 1;
	CHECK(t->n < TERMS_ABSENT - 1);
	if (!t->arena)
		t->arena = arena_new();
	t->at[t->n] = arena_copy(t->arena, s);
	t->hashes[t->n] = h;
	t->slots[at] = (uint32_t)++t->n;
	return (uint32_t)(t->n - 1);
}

uint32_t terms_find(const struct terms *t, struct slice s)
{
	if (!t->n)
		return TERMS_ABSENT;
	uint32_t number = t->slots[place(t, s, hash(s))];
	return number ? number - 1 : TERMS_ABSENT;
}

void terms_free(struct terms *t)
{
	mem_free(t->at);
	mem_free(t->slots);
	mem_free(t->hashes);
	arena_free(t->arena);
	*t = (struct terms){ 0 };
}
