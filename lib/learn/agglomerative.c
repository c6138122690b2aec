/* agglomerative.c: see agglomerative.h. */
#include "lib/learn/agglomerative.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A join before it is numbered: representatives of its sides, the smaller first. */
struct pair {
	uint32_t a, b;
	double distance;
	size_t order;
};

/* What the chain needs to know of the clusters: the distances from one of them to all others,
 * and to replace two by one. Clusters stand at slots; the joined one takes b's. */
struct clusters {
	size_t n; /* slots */
	size_t *size; /* [n]: records; 0 for a slot that has been joined into another */
	enum linkage linkage;
	double *distances; /* average, complete: [n (n - 1) / 2]; */
	size_t c; /* Ward: */
	double *blocks; /* [blocks, C, LANES]: centroids */
	double *raw; /* [blocks, LANES] */
	double *point; /* [C] */
	double *weight; /* [blocks, LANES]: size, as a number; infinite where the slot is empty */
};

size_t agglomerative_memory(enum linkage linkage, size_t n)
{
	if (linkage == LINKAGE_WARD || linkage == LINKAGE_SINGLE || n < 2)
		return 0;
	return size_mul(n % 2 ? size_mul(n, (n - 1) / 2) : size_mul(n / 2, n - 1), sizeof(double));
}

static size_t at(size_t n, size_t i, size_t j)
{
	if (i > j) {
		size_t t = i;
		i = j, j = t;
	}
	return n * i - i * (i + 1) / 2 + (j - i - 1);
}

/* --- Average and complete: all distances ---------------------------------------------------- */

static void measure(struct clusters *k, const float *x, size_t c, enum space_metric metric)
{
	struct space s;
	space_init(&s, x, k->n, c, metric, false);
	k->distances = mem_alloc(agglomerative_memory(k->linkage, k->n));
#pragma omp parallel
	{
		double *raw = MEM_ARRAY(double, s.n_leaves *SPACE_LEAF),
		       *point = MEM_ARRAY(double, c);
#pragma omp for schedule(dynamic, 16)
		for (size_t i = 0; i < k->n - 1; i++) {
			size_t block = (i + 1) / SPACE_LANES,
			       blocks = s.n_leaves * SPACE_LEAF / SPACE_LANES - block;
			space_at(&s, i, point);
			space_block(
				metric, point, s.blocks + block * c * SPACE_LANES, blocks, c, raw);
			double *row = k->distances + at(k->n, i, i + 1);
			for (size_t j = i + 1; j < k->n; j++)
				row[j - i - 1] =
					space_distance(metric, raw[j - block * SPACE_LANES]);
		}
		mem_free(raw);
		mem_free(point);
	}
	space_release(&s);
}

static void nearest_listed(const struct clusters *k, size_t x, size_t *nearest, double *distance)
{
	/* below x a column, whose steps shrink; above a row */
	const double *d = k->distances;
	for (size_t i = 0, p = x - 1; i < x; i++, p += k->n - i - 1)
		if (k->size[i] && d[p] < *distance)
			*distance = d[p], *nearest = i;
	const double *row = d + at(k->n, x, x + 1);
	for (size_t i = x + 1; i < k->n; i++)
		if (k->size[i] && row[i - x - 1] < *distance)
			*distance = row[i - x - 1], *nearest = i;
}

static void join_listed(struct clusters *k, size_t a, size_t b)
{
	double na = (double)k->size[a], nb = (double)k->size[b];
	for (size_t i = 0; i < k->n; i++) {
		if (!k->size[i] || i == a || i == b)
			continue;
		double *to = &k->distances[at(k->n, i, b)], from = k->distances[at(k->n, i, a)];
		if (k->linkage == LINKAGE_COMPLETE)
			*to = from > *to ? from : *to;
		else
			*to = (na * from + nb * *to) / (na + nb);
	}
}

/* --- Ward: centroids ------------------------------------------------------------------------ */

static double *slot(const struct clusters *k, size_t i)
{
	return k->blocks + i / SPACE_LANES * k->c * SPACE_LANES + i % SPACE_LANES;
}

static void hold_centroids(struct clusters *k, const float *x, size_t c)
{
	size_t lanes = (k->n + SPACE_LANES - 1) / SPACE_LANES * SPACE_LANES;
	k->c = c;
	k->blocks = mem_zero(size_mul(lanes, c), sizeof(double));
	k->raw = MEM_ARRAY(double, lanes);
	k->weight = MEM_ARRAY(double, lanes);
	k->point = MEM_ARRAY(double, c);
	for (size_t i = 0; i < lanes; i++) {
		k->weight[i] = i < k->n ? 1 : INFINITY;
		for (size_t j = 0; j < c && i < k->n; j++)
			slot(k, i)[j * SPACE_LANES] = (double)x[i * c + j];
	}
}

/* The square of Ward's distance of clusters of a and b records: 2 a b / (a + b) times that of
 * their centroids. */
static inline double ward(double raw, double a, double b)
{
	return 2 * a * b / (a + b) * raw;
}

static void nearest_centroid(const struct clusters *k, size_t x, size_t *nearest, double *distance)
{
	for (size_t j = 0; j < k->c; j++)
		k->point[j] = slot(k, x)[j * SPACE_LANES];
	space_block(SPACE_EUCLIDEAN, k->point, k->blocks, (k->n + SPACE_LANES - 1) / SPACE_LANES,
		k->c, k->raw);
	double own = k->weight[x], *raw = k->raw;
	for (size_t i = 0; i < k->n; i++)
		raw[i] = ward(raw[i], own,
			k->weight[i]); /* of an empty slot inf / inf, which is below nothing */
	raw[x] = INFINITY;
	for (size_t i = 0; i < k->n; i++)
		if (raw[i] < *distance)
			*distance = raw[i], *nearest = i;
}

static void join_centroids(struct clusters *k, size_t a, size_t b)
{
	double na = k->weight[a], nb = k->weight[b];
	for (size_t j = 0; j < k->c * SPACE_LANES; j += SPACE_LANES)
		slot(k, b)[j] = (na * slot(k, a)[j] + nb * slot(k, b)[j]) / (na + nb);
	k->weight[b] = na + nb;
	k->weight[a] = INFINITY;
}

/* --- The chain ------------------------------------------------------------------------------ */

static void nearest_of(const struct clusters *k, size_t x, size_t *nearest, double *distance)
{
	if (k->linkage == LINKAGE_WARD)
		nearest_centroid(k, x, nearest, distance);
	else
		nearest_listed(k, x, nearest, distance);
}

static double distance_of(const struct clusters *k, size_t x, size_t y)
{
	if (k->linkage != LINKAGE_WARD)
		return k->distances[at(k->n, x, y)];
	double raw = 0;
	for (size_t j = 0; j < k->c * SPACE_LANES; j += SPACE_LANES) {
		double d = slot(k, x)[j] - slot(k, y)[j];
		raw += d * d;
	}
	return ward(raw, k->weight[x], k->weight[y]);
}

/* Follow nearest neighbours until two are each other's, join them, and go on from what is left
 * of the chain. */
static void chain_joins(struct clusters *k, struct pair *pairs, hdbscan_progress *progress)
{
	size_t *chain = MEM_ARRAY(size_t, k->n), length = 0, first = 0;
	for (size_t made = 0; made + 1 < k->n; made++) {
		if (length == 0) {
			while (!k->size[first])
				first++;
			chain[length++] = first;
		}
		size_t x, y;
		double distance;
		for (;;) {
			x = chain[length - 1];
			y = length > 1 ? chain[length - 2] : 0;
			distance = length > 1 ? distance_of(k, x, y) : INFINITY;
			nearest_of(k, x, &y, &distance);
			if (length > 1 && y == chain[length - 2])
				break;
			chain[length++] = y;
		}
		length -= 2;
		size_t a = x < y ? x : y, b = x < y ? y : x;
		if (k->linkage == LINKAGE_WARD)
			distance = sqrt(distance);
		pairs[made] = (struct pair){ (uint32_t)a, (uint32_t)b, distance, made };
		if (k->linkage == LINKAGE_WARD)
			join_centroids(k, a, b);
		else
			join_listed(k, a, b);
		k->size[b] += k->size[a];
		k->size[a] = 0;
		if (progress && made % 256 == 0)
			progress("joining", made, k->n - 1);
	}
	mem_free(chain);
}

static int compare_pairs(const void *x, const void *y)
{
	const struct pair *p = x, *q = y;
	if (p->distance != q->distance)
		return p->distance < q->distance ? -1 : 1;
	return (p->order > q->order) - (p->order < q->order);
}

/* --- From pairs to joins -------------------------------------------------------------------- */

static uint32_t find(uint32_t *parent, uint32_t i)
{
	while (parent[i] != i) {
		parent[i] = parent[parent[i]];
		i = parent[i];
	}
	return i;
}

/* Number the joins: parent is a forest over records and joins, whose roots are the clusters so
 * far. */
static void number(const struct pair *pairs, size_t n, struct hdbscan_join *joins)
{
	uint32_t *parent = MEM_ARRAY(uint32_t, 2 * n);
	for (size_t i = 0; i < 2 * n; i++)
		parent[i] = (uint32_t)i;
	for (size_t i = 0; i + 1 < n; i++) {
		uint32_t a = find(parent, pairs[i].a), b = find(parent, pairs[i].b);
		uint32_t left = a < b ? a : b, right = a < b ? b : a;
		uint32_t size = (left < n ? 1 : joins[left - n].size) +
				(right < n ? 1 : joins[right - n].size);
		joins[i] = (struct hdbscan_join){ left, right, size, pairs[i].distance };
		parent[a] = parent[b] = (uint32_t)(n + i);
	}
	mem_free(parent);
}

static void single_pairs(const float *x, size_t n, size_t c, enum space_metric metric,
	hdbscan_progress *progress, struct pair *pairs)
{
	struct space s;
	struct hdbscan_edge *edges = MEM_ARRAY(struct hdbscan_edge, n);
	space_init(&s, x, n, c, metric, space_wants_tree(n, c));
	hdbscan_span(&s, 0, 1, progress, edges, NULL);
	space_release(&s);
	for (size_t i = 0; i + 1 < n; i++)
		pairs[i] = (struct pair){ edges[i].a, edges[i].b, edges[i].weight, i };
	mem_free(edges);
}

void agglomerative_join(enum linkage linkage, const float *x, size_t n, size_t c,
	enum space_metric metric, hdbscan_progress *progress, struct hdbscan_join *joins)
{
	CHECK(n < (size_t)1 << 31 && (linkage != LINKAGE_WARD || metric == SPACE_EUCLIDEAN));
	if (n < 2)
		return;
	struct pair *pairs = MEM_ARRAY(struct pair, n);
	if (linkage == LINKAGE_SINGLE) {
		single_pairs(x, n, c, metric, progress, pairs);
	} else {
		struct clusters k = { .n = n, .linkage = linkage, .size = MEM_ARRAY(size_t, n) };
		for (size_t i = 0; i < n; i++)
			k.size[i] = 1;
		if (linkage == LINKAGE_WARD)
			hold_centroids(&k, x, c);
		else
			measure(&k, x, c, metric);
		chain_joins(&k, pairs, progress);
		mem_free(k.size);
		mem_free(k.distances);
		mem_free(k.blocks);
		mem_free(k.raw);
		mem_free(k.point);
		mem_free(k.weight);
	}
	qsort(pairs, n - 1, sizeof *pairs, compare_pairs);
	number(pairs, n, joins);
	mem_free(pairs);
}

size_t agglomerative_cut(
	const struct hdbscan_join *joins, size_t n, size_t k, double threshold, int32_t *label)
{
	CHECK(k <= n && n < (size_t)1 << 31);
	size_t made = n - k; /* joins that are kept */
	if (k == 0)
		for (made = 0; made + 1 < n && joins[made].distance < threshold;)
			made++;
	uint32_t *parent = MEM_ARRAY(uint32_t, 2 * n);
	int32_t *number_of = MEM_ARRAY(int32_t, 2 * n), clusters = 0;
	for (size_t i = 0; i < 2 * n; i++) {
		parent[i] = (uint32_t)i;
		number_of[i] = -1;
	}
	for (size_t i = 0; i < made; i++)
		parent[joins[i].left] = parent[joins[i].right] = (uint32_t)(n + i);
	for (size_t i = 0; i < n; i++) {
		uint32_t root = find(parent, (uint32_t)i);
		if (number_of[root] < 0)
			number_of[root] = clusters++;
		label[i] = number_of[root];
	}
	mem_free(parent);
	mem_free(number_of);
	return (size_t)clusters;
}
