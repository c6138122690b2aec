/*
 * colour.h: edges of a graph coloured so that edges of one colour share no vertex (a greedy edge
 * colouring). UMAP's layout runs colour after colour: the edges of one may go in any order, on any
 * number of threads, with the same result, while both ends move at once.
 */
#pragma once
#include "lib/learn/fuzzy.h"

struct colouring {
	size_t n_edges, n_colours;
	size_t *start; /* [n_colours + 1] */
	int32_t *head, *tail; /* head < tail, in order of colour, then of head and tail */
	float *weight;
};

/* Each edge i < j of the graph, in order, gets the least colour that is free at both ends. At
 * most 2 (largest degree) - 1 colours. */
void colouring_make(struct colouring *, const struct graph *);
void colouring_free(struct colouring *);
