/*
 * The greedy edge colouring. Each vertex has the set of its colours: a bit set for those below
 * twice its degree, where nearly all of them are, and a list for the others, which a neighbour of
 * large degree brings. Memory is linear in the edges, whatever the degrees (a record that occurs
 * 50,000 times makes vertices of degree 50,000). `full` skips the words of the bit set that have no
 * free colour. What an edge reads of a vertex lies together, and is asked for some edges before: of
 * a million vertices nothing is in the cache.
 */
#include "lib/learn/colour.h"

#include <string.h>

enum { WORD = 64, AHEAD = 16 };

struct vertex {
	uint64_t first; /* word 0 of the bit set */
	size_t more; /* where the other words begin */
	uint32_t n_words, full, n_far;
};

struct palette {
	struct vertex *at;
	uint64_t *more;
	uint32_t *far; /* colours beyond the bit set: the list of v begins at graph.start[v] */
};

static size_t degree(const struct graph *g, size_t v)
{
	return g->start[v + 1] - g->start[v];
}

static struct palette palette_new(const struct graph *g)
{
	struct palette p = { .at = MEM_ARRAY(struct vertex, g->n) };
	size_t more = 0;
	for (size_t v = 0; v < g->n; v++) {
		size_t words = degree(g, v) > WORD / 2 ? (2 * degree(g, v) + WORD - 1) / WORD : 1;
		p.at[v] = (struct vertex){ .more = more, .n_words = (uint32_t)words };
		more += words - 1;
	}
	p.more = mem_zero(more, sizeof *p.more);
	p.far = MEM_ARRAY(uint32_t, g->start[g->n]);
	return p;
}

static void palette_free(struct palette *p)
{
	mem_free(p->at);
	mem_free(p->more);
	mem_free(p->far);
}

/* Which of the colours WORD w .. WORD w + 63 the vertex has. */
static uint64_t palette_word(const struct palette *p, const struct graph *g, size_t v, size_t w)
{
	const struct vertex *own = &p->at[v];
	if (w < own->n_words)
		return w ? p->more[own->more + w - 1] : own->first;
	uint64_t bits = 0;
	for (size_t i = 0; i < own->n_far; i++) {
		size_t colour = p->far[g->start[v] + i];
		bits |= colour / WORD == w ? (uint64_t)1 << colour % WORD : 0;
	}
	return bits;
}

static void palette_add(struct palette *p, const struct graph *g, size_t v, size_t colour)
{
	struct vertex *own = &p->at[v];
	size_t w = colour / WORD;
	if (w >= own->n_words) {
		p->far[g->start[v] + own->n_far++] = (uint32_t)colour;
		return;
	}
	*(w ? &p->more[own->more + w - 1] : &own->first) |= (uint64_t)1 << colour % WORD;
	while (own->full < own->n_words && palette_word(p, g, v, own->full) == UINT64_MAX)
		own->full++;
}

static size_t choose(struct palette *p, const struct graph *g, size_t i, size_t j)
{
	size_t w = p->at[i].full > p->at[j].full ? p->at[i].full : p->at[j].full;
	for (;; w++) {
		uint64_t taken = palette_word(p, g, i, w) | palette_word(p, g, j, w);
		if (taken == UINT64_MAX)
			continue;
		size_t colour = w * WORD + (size_t)__builtin_ctzll(~taken);
		palette_add(p, g, i, colour);
		palette_add(p, g, j, colour);
		return colour;
	}
}

void colouring_make(struct colouring *c, const struct graph *g)
{
	*c = (struct colouring){ 0 };
	size_t most = 0;
	for (size_t v = 0; v < g->n; v++)
		most = degree(g, v) > most ? degree(g, v) : most;
	uint32_t *colour = MEM_ARRAY(uint32_t, g->start[g->n]);
	c->start = mem_zero(2 * most + 1, sizeof *c->start);
	struct palette p = palette_new(g);
	for (size_t i = 0; i < g->n; i++)
		for (size_t e = g->start[i]; e < g->start[i + 1]; e++) {
			if (e + AHEAD < g->start[g->n])
				__builtin_prefetch(&p.at[g->to[e + AHEAD]], 1);
			if (g->to[e] <= i)
				continue;
			colour[e] = (uint32_t)choose(&p, g, i, g->to[e]);
			c->start[colour[e] + 1]++;
			c->n_colours = colour[e] >= c->n_colours ? colour[e] + 1 : c->n_colours;
			c->n_edges++;
		}
	palette_free(&p);
	for (size_t k = 0; k < c->n_colours; k++)
		c->start[k + 1] += c->start[k];

	c->head = MEM_ARRAY(int32_t, c->n_edges);
	c->tail = MEM_ARRAY(int32_t, c->n_edges);
	c->weight = MEM_ARRAY(float, c->n_edges);
	size_t *fill = MEM_ARRAY(size_t, c->n_colours);
	memcpy(fill, c->start, c->n_colours * sizeof *fill);
	for (size_t i = 0; i < g->n; i++)
		for (size_t e = g->start[i]; e < g->start[i + 1]; e++) {
			if (g->to[e] <= i)
				continue;
			size_t at = fill[colour[e]]++;
			c->head[at] = (int32_t)i;
			c->tail[at] = (int32_t)g->to[e];
			c->weight[at] = g->weight[e];
		}
	mem_free(fill);
	mem_free(colour);
}

void colouring_free(struct colouring *c)
{
	mem_free(c->start);
	mem_free(c->head);
	mem_free(c->tail);
	mem_free(c->weight);
	*c = (struct colouring){ 0 };
}
