/* hdbscan.c: the steps of hdbscan.h one after the other. */
#include "lib/learn/hdbscan.h"

#include <math.h>
#include <string.h>

void hdbscan_fit(struct hdbscan *h, const float *x, size_t n, size_t c,
	const struct hdbscan_options *o, double *core)
{
	*h = (struct hdbscan){ .n = n };
	if (n < 2) {
		h->label = MEM_ARRAY(int32_t, n);
		h->probability = mem_zero(n, sizeof *h->probability);
		h->outlier_score = mem_zero(n, sizeof *h->outlier_score);
		memset(h->label, -1, n * sizeof *h->label);
		if (core && n)
			core[0] = 0;
		h->tree = (struct hdbscan_tree){ .n = n, .n_clusters = 1 };
		return;
	}
	struct space s;
	struct hdbscan_edge *edges = MEM_ARRAY(struct hdbscan_edge, n - 1);
	space_init(&s, x, n, c, o->metric, space_wants_tree(n, c));
	hdbscan_span(&s, o->min_samples ? o->min_samples : o->min_cluster_size, o->alpha,
		o->progress, edges, core);
	space_release(&s);
	struct hdbscan_join *joins = MEM_ARRAY(struct hdbscan_join, n - 1);
	hdbscan_join(edges, n, joins);
	mem_free(edges);
	hdbscan_condense(&h->tree, joins, n, o->min_cluster_size);
	mem_free(joins);
	if (o->persistence > 0)
		hdbscan_simplify(&h->tree, o->persistence);
	hdbscan_select(h, o);
}

void hdbscan_release(struct hdbscan *h)
{
	mem_free(h->label);
	mem_free(h->probability);
	mem_free(h->outlier_score);
	mem_free(h->persistence);
	mem_free(h->selected);
	mem_free(h->tree.rows);
	*h = (struct hdbscan){ 0 };
}
