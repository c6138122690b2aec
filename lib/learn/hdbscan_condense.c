/*
 * hdbscan_condense.c: from a spanning tree to the hierarchy and to the condensed tree (McInnes
 * and Healy 2017, section 2.3), row for row as hdbscan's label, condense_tree and
 * simplify_hierarchy: breadth first, the left side of a split first.
 */
#include <math.h>

#include "lib/learn/hdbscan.h"

void hdbscan_join(const struct hdbscan_edge *edges, size_t n, struct hdbscan_join *joins)
{
	if (n < 2)
		return;
	uint32_t *parent = MEM_ARRAY(uint32_t, n), *id = MEM_ARRAY(uint32_t, n);
	for (size_t i = 0; i < n; i++)
		parent[i] = id[i] = (uint32_t)i;
	for (size_t e = 0; e + 1 < n; e++) {
		uint32_t side[2] = { edges[e].a, edges[e].b }, size[2];
		for (size_t i = 0; i < 2; i++) {
			while (parent[side[i]] != side[i]) {
				parent[side[i]] = parent[parent[side[i]]];
				side[i] = parent[side[i]];
			}
			size[i] = id[side[i]] < n ? 1 : joins[id[side[i]] - n].size;
		}
		joins[e] = (struct hdbscan_join){ id[side[0]], id[side[1]], size[0] + size[1],
			edges[e].weight };
		size_t under = size[0] < size[1] ? 0 : 1;
		parent[side[under]] = side[1 - under];
		id[side[1 - under]] = (uint32_t)(n + e);
	}
	mem_free(parent);
	mem_free(id);
}

/* --- Condensing ----------------------------------------------------------------------------- */

struct condenser {
	const struct hdbscan_join *joins;
	size_t n;
	struct hdbscan_tree *tree;
	uint32_t *relabel; /* [N - 1]: the cluster of a join; NONE once it has fallen out */
	uint32_t *queue; /* of a subtree that falls out */
};

enum { NONE = UINT32_MAX };

static uint32_t size_of(const struct condenser *c, uint32_t node)
{
	return node < c->n ? 1 : c->joins[node - c->n].size;
}

static void add_row(
	struct condenser *c, uint32_t parent, uint32_t child, uint32_t size, double lambda)
{
	c->tree->rows[c->tree->n_rows++] = (struct hdbscan_row){ parent, child, size, lambda };
}

/* The points of a subtree leave the cluster, breadth first. */
static void fall_out(struct condenser *c, uint32_t node, uint32_t cluster, double lambda)
{
	size_t head = 0, tail = 0;
	c->queue[tail++] = node;
	while (head < tail) {
		node = c->queue[head++];
		if (node < c->n) {
			add_row(c, cluster, node, 1, lambda);
			continue;
		}
		c->relabel[node - c->n] = NONE;
		c->queue[tail++] = c->joins[node - c->n].left;
		c->queue[tail++] = c->joins[node - c->n].right;
	}
}

static void stay(struct condenser *c, uint32_t node, uint32_t cluster)
{
	if (node >= c->n)
		c->relabel[node - c->n] = cluster;
}

static void condense_join(struct condenser *c, uint32_t node, size_t min_cluster_size)
{
	const struct hdbscan_join *join = &c->joins[node - c->n];
	uint32_t cluster = c->relabel[node - c->n];
	double lambda = join->distance > 0 ? 1 / join->distance : INFINITY;
	uint32_t left = size_of(c, join->left), right = size_of(c, join->right);
	bool left_stays = left >= min_cluster_size, right_stays = right >= min_cluster_size;
	if (left_stays && right_stays) {
		uint32_t id = (uint32_t)(c->n + c->tree->n_clusters);
		c->tree->n_clusters += 2;
		add_row(c, cluster, id, left, lambda);
		add_row(c, cluster, id + 1, right, lambda);
		stay(c, join->left, id);
		stay(c, join->right, id + 1);
		return;
	}
	if (left_stays)
		stay(c, join->left, cluster);
	else
		fall_out(c, join->left, cluster, lambda);
	if (right_stays)
		stay(c, join->right, cluster);
	else
		fall_out(c, join->right, cluster, lambda);
}

void hdbscan_condense(struct hdbscan_tree *tree, const struct hdbscan_join *joins, size_t n,
	size_t min_cluster_size)
{
	CHECK(n >= 2 && min_cluster_size >= 2);
	/* a row a point, and a row a cluster, of which there are at most as many as joins */
	*tree = (struct hdbscan_tree){
		.n = n, .rows = MEM_ARRAY(struct hdbscan_row, 2 * n), .n_clusters = 1
	};
	struct condenser c = { joins, n, tree, MEM_ARRAY(uint32_t, n - 1),
		MEM_ARRAY(uint32_t, 2 * n) };
	uint32_t *order = MEM_ARRAY(uint32_t, n - 1);
	size_t head = 0, tail = 0;
	order[tail++] = (uint32_t)(2 * n - 2);
	c.relabel[n - 2] = (uint32_t)n;
	while (head < tail) {
		uint32_t node = order[head++];
		if (c.relabel[node - n] == NONE)
			continue; /* fallen out; so is all below */
		condense_join(&c, node, min_cluster_size);
		uint32_t below[2] = { joins[node - n].left, joins[node - n].right };
		for (size_t i = 0; i < 2; i++)
			if (below[i] >= n)
				order[tail++] = below[i];
	}
	mem_free(order);
	mem_free(c.queue);
	mem_free(c.relabel);
}

/* --- Simplifying ---------------------------------------------------------------------------- */

struct simplifier {
	struct hdbscan_tree *tree;
	bool *leaf; /* [clusters], all by id - n */
	float *peak; /* the largest lambda below */
	uint32_t *parent; /* the cluster that it becomes part of; itself while it stays */
	float *lambda; /* what the lambdas of its rows become; NAN: they stay */
};

/* Both sides of a split become part of their parent; the less persistent side's rows move up to
 * the split where the other one is no leaf, as in hdbscan. */
static void merge_split(struct simplifier *s, uint32_t parent, const uint32_t child[2], float death)
{
	size_t sibling = s->peak[child[0]] <= s->peak[child[1]];
	if (s->leaf[child[sibling]])
		s->leaf[parent] = true;
	else
		s->lambda[child[1 - sibling]] = death;
	s->parent[child[0]] = s->parent[child[1]] = parent;
}

/* Splits come in pairs of rows; from the last, so that children are seen before their parents. */
static void find_merges(struct simplifier *s, double persistence)
{
	struct hdbscan_tree *t = s->tree;
	uint32_t n = (uint32_t)t->n, child[2] = { 0, 0 };
	size_t seen = 0;
	for (size_t r = t->n_rows; r-- > 0;) {
		const struct hdbscan_row *row = &t->rows[r];
		if (row->child < n)
			continue;
		child[1 - seen % 2] = row->child - n;
		if (seen++ % 2 == 0)
			continue;
		uint32_t parent = row->parent - n;
		float death = (float)row->lambda, a = s->peak[child[0]], b = s->peak[child[1]];
		float low = a < b ? a : b, high = a < b ? b : a;
		s->peak[parent] = high > s->peak[parent] ? high : s->peak[parent];
		if (!(low - death >= (float)persistence))
			merge_split(s, parent, child, death);
	}
}

static void apply_merges(struct simplifier *s)
{
	struct hdbscan_tree *t = s->tree;
	uint32_t n = (uint32_t)t->n, kept = 0;
	uint32_t *number = MEM_ARRAY(uint32_t, t->n_clusters);
	for (size_t i = 0; i < t->n_clusters; i++) {
		bool stays = s->parent[i] == i;
		s->parent[i] =
			s->parent[s->parent[i]]; /* a parent's number is smaller, so it is final */
		number[i] = kept;
		kept += stays;
	}
	size_t n_rows = 0;
	for (size_t r = 0; r < t->n_rows; r++) {
		struct hdbscan_row row = t->rows[r];
		if (row.child >= n) {
			if (s->parent[row.child - n] != row.child - n)
				continue;
			row.child = n + number[row.child - n];
		}
		float lambda = s->lambda[row.parent - n];
		row.lambda = isnan(lambda) ? (float)row.lambda : lambda;
		row.parent = n + number[s->parent[row.parent - n]];
		t->rows[n_rows++] = row;
	}
	t->n_rows = n_rows;
	t->n_clusters = kept;
	mem_free(number);
}

void hdbscan_simplify(struct hdbscan_tree *t, double persistence)
{
	if (t->n_clusters == 1)
		return;
	struct simplifier s = { t, MEM_ARRAY(bool, t->n_clusters), MEM_ARRAY(float, t->n_clusters),
		MEM_ARRAY(uint32_t, t->n_clusters), MEM_ARRAY(float, t->n_clusters) };
	for (size_t i = 0; i < t->n_clusters; i++) {
		s.leaf[i] = true;
		s.parent[i] = (uint32_t)i;
		s.lambda[i] = NAN;
	}
	for (size_t r = 0; r < t->n_rows; r++) {
		const struct hdbscan_row *row = &t->rows[r];
		s.peak[row->parent - t->n] = (float)row->lambda; /* the last row has the largest */
		if (row->child >= t->n)
			s.leaf[row->parent - t->n] = false;
	}
	find_merges(&s, persistence);
	apply_merges(&s);
	mem_free(s.leaf);
	mem_free(s.peak);
	mem_free(s.parent);
	mem_free(s.lambda);
}
