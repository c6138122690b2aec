#include "lib/token/trie.h"

enum { LARGEST_NODE = (1 << 24) - 2 };

static struct trie_edge *place(struct trie *t, uint32_t key)
{
	size_t i = (key * 0x9e3779b97f4a7c15u) >> t->shift;
	while (t->edges[i].key && t->edges[i].key != key)
		i = (i + 1) & (t->size - 1);
	return &t->edges[i];
}

static void grow(struct trie *t, size_t size)
{
	struct trie old = *t;
	t->size = size;
	t->shift = (unsigned)__builtin_clzll(t->size) + 1;
	t->edges = mem_zero(t->size, sizeof *t->edges);
	for (size_t i = 0; i < old.size; i++)
		if (old.edges[i].key)
			*place(t, old.edges[i].key) = old.edges[i];
	mem_free(old.edges);
}

void trie_reserve(struct trie *t, size_t n)
{
	size_t size = 1024;
	while (size < 2 * n)
		size *= 2;
	if (size > t->size)
		grow(t, size);
}

int trie_set(struct trie *t, struct slice s, uint32_t value, struct error *e)
{
	CHECK(s.size > 0);
	struct trie_edge *edge = NULL;
	uint32_t node = 0;
	for (size_t i = 0; i < s.size; i++) {
		if (2 * (t->n + 1) >= t->size)
			grow(t, t->size ? 2 * t->size : 1024);
		uint32_t key = (node << 8 | (unsigned char)s.data[i]) + 1;
		edge = place(t, key);
		if (!edge->key) {
			if (t->nodes == LARGEST_NODE)
				return error_set(e, ERROR_MODEL,
					"the vocabulary has too many different beginnings of "
					"tokens");
			*edge = (struct trie_edge){ key, ++t->nodes, (uint32_t)TRIE_NONE };
			t->n++;
		}
		node = edge->node;
	}
	edge->value = value;
	return 0;
}

uint32_t trie_node(const struct trie *t, struct slice s)
{
	uint32_t node = 0;
	for (size_t i = 0; i < s.size; i++) {
		const struct trie_edge *e = trie_step(t, node, (unsigned char)s.data[i]);
		if (!e)
			return (uint32_t)TRIE_NONE;
		node = e->node;
	}
	return node;
}

void trie_free(struct trie *t)
{
	mem_free(t->edges);
	*t = (struct trie){ 0 };
}
