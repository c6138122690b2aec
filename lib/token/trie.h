/*
 * trie.h: a trie over bytes in one hash table: the edge (node, byte) is the key, so that a step
 * is one look-up and building takes time linear in the bytes added.
 */
#pragma once
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/memory.h"

enum { TRIE_NONE = -1 }; /* as uint32_t: no node, no value */

struct trie_edge {
	uint32_t key; /* node << 8 | byte, plus 1; 0: free */
	uint32_t node; /* where it leads */
	uint32_t value; /* of the string that ends there, TRIE_NONE */
};

struct trie {
	struct trie_edge *edges;
	size_t n, size; /* edges; places, a power of two */
	unsigned shift; /* 64 - log2(size) */
	uint32_t nodes; /* node 0 is the root */
};

/* Room for n edges in all, of strings that come. */
void trie_reserve(struct trie *, size_t n);

/* Set the value of a string, which is not empty; -1 (ERROR_MODEL) beyond 2^24 - 2 nodes. */
int trie_set(struct trie *, struct slice, uint32_t value, struct error *);
void trie_free(struct trie *);

/* The edge from a node along a byte; NULL where there is none. */
static inline const struct trie_edge *trie_step(
	const struct trie *t, uint32_t node, unsigned char byte)
{
	if (!t->size)
		return NULL;
	uint32_t key = (node << 8 | byte) + 1;
	for (size_t i = (key * 0x9e3779b97f4a7c15u) >> t->shift;; i = (i + 1) & (t->size - 1)) {
		const struct trie_edge *e = &t->edges[i];
		if (e->key == key)
			return e;
		if (e->key == 0)
			return NULL;
	}
}

/*
 * The longest string in the trie that begins at p, from a node on: its value and size;
 * TRIE_NONE where there is none.
 */
static inline uint32_t trie_longest(
	const struct trie *t, uint32_t node, const char *p, const char *end, size_t *size)
{
	uint32_t value = (uint32_t)TRIE_NONE;
	const struct trie_edge *e;
	for (const char *q = p; q < end && (e = trie_step(t, node, (unsigned char)*q));
		node = e->node) {
		q++;
		if (e->value != (uint32_t)TRIE_NONE) {
			value = e->value;
			*size = (size_t)(q - p);
		}
	}
	return value;
}

/* The node that a string leads to: the root for the empty one, TRIE_NONE where it leads nowhere. */
uint32_t trie_node(const struct trie *, struct slice);
