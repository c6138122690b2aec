/*
 * space.c: laying points out in blocks, and the kd-tree over them (Bentley, "Multidimensional
 * binary search trees used for associative searching", 1975). A node is split across the widest
 * side of its bounding box, at a multiple of SPACE_LEAF points, by (coordinate, index), so that
 * equal coordinates too have one order and the tree depends on nothing but the points.
 */
#include "lib/learn/space.h"

#include <math.h>
#include <stdlib.h>

#include "lib/base/error.h"
#include "lib/base/memory.h"

enum { TASK_POINTS = 1 << 14 }; /* a smaller subtree is built by the thread that meets it */

bool space_wants_tree(size_t n, size_t c)
{
	/* measured on principal components of 10,000 abstracts, for a spanning tree: in 6 and 8
	 * dimensions the tree takes 0.6 and 0.8 times as long as the blocks, in 12, 16 and 24 1.6,
	 * 1.5 and 3.6 times; with more points its part falls */
	return c <= 8 || (c <= 16 && n >= 25000) || (c <= 24 && n >= 100000);
}

void space_point(enum space_metric metric, const float *x, size_t c, double *out)
{
	double sum = 0;
	for (size_t j = 0; j < c; j++) {
		out[j] = x[j];
		sum += out[j] * out[j];
	}
	if (metric != SPACE_COSINE)
		return;
	double length = sqrt(sum); /* of float32 values: neither overflows nor vanishes in double */
	for (size_t j = 0; j < c; j++)
		out[j] /= length;
}

double space_distance(enum space_metric metric, double raw)
{
	return metric == SPACE_EUCLIDEAN ? sqrt(raw) : metric == SPACE_COSINE ? raw * 0.5 : raw;
}

double space_raw_bound(enum space_metric metric, double distance)
{
	/* a few roundings lie between the two: the root, the square, a factor of the caller's */
	double raw = metric == SPACE_EUCLIDEAN ? distance * distance
		     : metric == SPACE_COSINE  ? 2 * distance
					       : distance;
	return raw + raw * 0x1p-48 + 0x1p-1070;
}

double space_box(const struct space *s, const double *point, size_t node)
{
	const double *low = s->bounds + node * 2 * s->c, *high = low + s->c;
	double sum = 0;
	for (size_t j = 0; j < s->c; j++) {
		double below = low[j] - point[j], above = point[j] - high[j];
		double gap = below > above ? below : above;
		gap = gap > 0 ? gap : 0;
		sum += s->metric == SPACE_MANHATTAN ? gap : gap * gap;
	}
	return sum;
}

/* --- Building ------------------------------------------------------------------------------- */

struct builder {
	struct space *s;
	const double *x; /* [N, C] */
};

struct key {
	double value;
	uint32_t index;
};

static inline bool key_less(struct key a, struct key b)
{
	return a.value < b.value || (a.value == b.value && a.index < b.index);
}

static int compare_keys(const void *a, const void *b)
{
	struct key x = *(const struct key *)a, y = *(const struct key *)b;
	return key_less(y, x) - key_less(x, y);
}

static struct key median(struct key a, struct key b, struct key c)
{
	if (key_less(b, a)) {
		struct key t = a;
		a = b, b = t;
	}
	return key_less(c, a) ? a : key_less(c, b) ? c : b;
}

/* Hoare's selection: afterwards no key before k is above keys[k], none behind it below. Input
 * that defeats the pivots is sorted. */
static void select_keys(struct key *keys, ptrdiff_t n, ptrdiff_t k)
{
	ptrdiff_t low = 0, high = n - 1;
	for (int round = 0; low < high; round++) {
		if (round == 64) {
			qsort(keys + low, (size_t)(high - low + 1), sizeof *keys, compare_keys);
			return;
		}
		struct key pivot = median(keys[low], keys[low + (high - low) / 2], keys[high]);
		ptrdiff_t i = low, j = high;
		while (i <= j) {
			while (key_less(keys[i], pivot))
				i++;
			while (key_less(pivot, keys[j]))
				j--;
			if (i <= j) {
				struct key t = keys[i];
				keys[i++] = keys[j], keys[j--] = t;
			}
		}
		if (k <= j)
			high = j;
		else if (k >= i)
			low = i;
		else
			return;
	}
}

static size_t widest(const struct builder *b, size_t node, size_t from, size_t to)
{
	size_t c = b->s->c;
	double *low = b->s->bounds + node * 2 * c, *high = low + c;
	uint32_t first = UINT32_MAX;
	for (size_t p = from; p < to; p++) {
		uint32_t i = b->s->order[p];
		const double *x = b->x + i * c;
		first = i < first ? i : first;
		for (size_t j = 0; j < c; j++) {
			low[j] = p == from || x[j] < low[j] ? x[j] : low[j];
			high[j] = p == from || x[j] > high[j] ? x[j] : high[j];
		}
	}
	b->s->first[node] = first;
	size_t best = 0;
	for (size_t j = 1; j < c; j++)
		if (high[j] - low[j] > high[best] - low[best])
			best = j;
	return best;
}

static void build(
	const struct builder *b, struct key *keys, size_t node, size_t leaf, size_t leaves)
{
	struct space *s = b->s;
	size_t from = leaf * SPACE_LEAF, to = (leaf + leaves) * SPACE_LEAF;
	to = to < s->n ? to : s->n;
	size_t side = widest(b, node, from, to);
	if (leaves == 1)
		return;
	size_t left = (leaves + 1) / 2;
	for (size_t p = from; p < to; p++)
		keys[p] = (struct key){ b->x[s->order[p] * s->c + side], s->order[p] };
	select_keys(keys + from, (ptrdiff_t)(to - from), (ptrdiff_t)(left * SPACE_LEAF));
	for (size_t p = from; p < to; p++)
		s->order[p] = keys[p].index;
#pragma omp task if (to - from > TASK_POINTS)
	build(b, keys, node + 1, leaf, left);
	build(b, keys, node + 2 * left, leaf + left, leaves - left);
#pragma omp taskwait
}

static int compare_index(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* Order the places by a tree over the rows. */
static void build_tree(struct space *s, const double *x)
{
	struct builder b = { s, x };
	s->n_nodes = s->n_leaves ? 2 * s->n_leaves - 1 : 0;
	s->bounds = MEM_ARRAY(double, size_mul(s->n_nodes, 2 * s->c));
	s->first = MEM_ARRAY(uint32_t, s->n_nodes);
	if (!s->n_leaves)
		return;
	struct key *keys = MEM_ARRAY(struct key, s->n);
#pragma omp parallel
#pragma omp single
	build(&b, keys, 0, 0, s->n_leaves);
	mem_free(keys);
	/* inside a leaf: by index, whatever the selection left behind */
	for (size_t l = 0; l < s->n_leaves; l++) {
		size_t from = l * SPACE_LEAF,
		       count = s->n - from < SPACE_LEAF ? s->n - from : SPACE_LEAF;
		qsort(s->order + from, count, sizeof *s->order, compare_index);
	}
}

static double *block_of(const struct space *s, size_t place)
{
	return s->blocks + place / SPACE_LANES * s->c * SPACE_LANES + place % SPACE_LANES;
}

void space_at(const struct space *s, size_t place, double *out)
{
	const double *block = block_of(s, place);
	for (size_t j = 0; j < s->c; j++)
		out[j] = block[j * SPACE_LANES];
}

void space_init(
	struct space *s, const float *x, size_t n, size_t c, enum space_metric metric, bool tree)
{
	CHECK(c >= 1 && n < (size_t)1 << 31);
	*s = (struct space){ .n = n, .c = c, .metric = metric, .tree = tree };
	s->n_leaves = (n + SPACE_LEAF - 1) / SPACE_LEAF;
	s->order = MEM_ARRAY(uint32_t, n);
	for (size_t i = 0; i < n; i++)
		s->order[i] = (uint32_t)i;
	if (tree) {
		double *rows = MEM_ARRAY(double, size_mul(n, c));
#pragma omp parallel for schedule(static)
		for (size_t i = 0; i < n; i++)
			space_point(metric, x + i * c, c, rows + i * c);
		build_tree(s, rows);
		mem_free(rows);
	}
	size_t places = s->n_leaves * SPACE_LEAF;
	s->blocks = MEM_ARRAY(double, size_mul(places, c));
#pragma omp parallel
	{
		double *row = MEM_ARRAY(double, c);
#pragma omp for schedule(static)
		for (size_t p = 0; p < places; p++) {
			if (p < n)
				space_point(metric, x + s->order[p] * c, c, row);
			for (size_t j = 0; j < c; j++)
				block_of(s, p)[j * SPACE_LANES] = p < n ? row[j] : INFINITY;
		}
		mem_free(row);
	}
}

void space_release(struct space *s)
{
	mem_free(s->order);
	mem_free(s->blocks);
	mem_free(s->bounds);
	mem_free(s->first);
	*s = (struct space){ 0 };
}
