/*
 * terms.h: a set of distinct texts, numbered from 0 in the order in which they were added. Finding
 * is by hash; nothing depends on the order of the hash table.
 */
#pragma once
#include <stdint.h>

#include "lib/base/memory.h"

#define TERMS_ABSENT UINT32_MAX

struct terms {
	struct slice *at; /* [n] */
	size_t n, capacity;
	uint32_t *slots; /* [n_slots], a power of two: number + 1, 0 is free */
	uint32_t *hashes; /* [capacity], of each text */
	size_t n_slots;
	struct arena *arena; /* of the texts */
};

/* A zeroed struct is the empty set. */
void terms_free(struct terms *);

/*
 * The number of a text: added where it is new (its bytes are copied), or TERMS_ABSENT where find
 * does not know it.
 */
uint32_t terms_add(struct terms *, struct slice);
uint32_t terms_find(const struct terms *, struct slice);
static inline bool terms_has(const struct terms *t, struct slice s)
{
	return t && t->n && terms_find(t, s) != TERMS_ABSENT;
}
