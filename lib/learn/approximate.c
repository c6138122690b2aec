/*
 * Rows are put into clusters of GROUP or more (a few rounds of k-means on rows drawn at random).
 * Each row is then compared, as matrix products, with the rows of its PROBES nearest clusters; then
 * ROUNDS of NN-descent compare it with the neighbours of its neighbours. A step reads the lists of
 * the step before, and a row changes no list but its own: threads cannot change the result. Arrays that the
 * device fills begin as zeros, so that indices stay in range where it fails.
 *
 * NN-descent from random lists, as umap-learn's, computes distances pair by pair, at a tenth of the
 * rate of a matrix product. Measured on 60,000 x 256 (mixtures of abstracts, 15 neighbours; CPU
 * seconds, recall): 8 probes and 2 rounds 8.8, 0.957; 16 and 1 9.4, 0.975; 16 and 2 11.4, 0.978; 24
 * and 1 12.0, 0.986; 32 and none 12.6, 0.972; all pairs 6.7.
 */
#include "lib/learn/approximate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/memory.h"
#include "lib/base/random.h"

enum {
	GROUP = 512, /* at least; 1.6 sqrt(n) of many rows */
	PROBES = 20,
	MEANS_ROUNDS = 3,
	MEANS_ROWS = 64, /* rows a cluster that k-means looks at */
	ROUNDS = 1,
	NEAR = 12, /* neighbours, and rows that have it as a neighbour, that a round goes by */
	BATCH = 256, /* rows of a round at a time */
};

struct search {
	struct device *d;
	const float *x;
	struct tensor rows; /* x on the device */
	size_t n, c, k;
	enum nearest nearest;
	int32_t *found; /* [n, k] */
	float *value; /* [n, k] */
	uint64_t seed;
};

/* --- Clusters ------------------------------------------------------------------------------- */

/* The probes nearest of m centres to rows of x: at [n, probes]. */
static void nearest_centres(const struct search *s, const float *x, size_t n, const float *centre,
	size_t m, size_t probes, int32_t *at)
{
	struct weight *w = weight_new(s->d, F32, m, s->c, s->c, centre, NULL);
	struct arena_mark mark = device_mark(s->d);
	struct tensor centres = tensor_upload(s->d, F32, m, s->c, centre),
		      square = tensor_vector(s->d, F32, m);
	op_square_norms(s->d, square, centres);
	for (size_t first = 0; first < n; first += 1 << 16) {
		size_t rows = n - first < 1 << 16 ? n - first : 1 << 16;
		struct arena_mark batch = device_mark(s->d);
		struct tensor values = tensor_matrix(s->d, F32, rows, probes),
			      indices = tensor_matrix(s->d, I32, rows, probes);
		struct tensor q = tensor_upload(s->d, F32, rows, s->c, x + first * s->c);
		op_nearest_to(s->d, values, indices, q, w, square, s->nearest);
		tensor_read(s->d, indices, at + first * probes);
		tensor_release(s->d, &q);
		device_reset(s->d, batch);
	}
	tensor_release(s->d, &centres);
	device_reset(s->d, mark);
	weight_free(w);
}

/* Each centre to the mean of the rows that are nearest to it. */
static void move_centres(const struct search *s, const float *x, size_t n, const int32_t *at,
	float *centre, size_t m)
{
	double *sum = mem_zero(size_mul(m, s->c), sizeof *sum);
	size_t *count = mem_zero(m, sizeof *count);
	for (size_t i = 0; i < n; i++) {
		count[at[i]]++;
		for (size_t j = 0; j < s->c; j++)
			sum[(size_t)at[i] * s->c + j] += (double)x[i * s->c + j];
	}
	for (size_t k = 0; k < m; k++)
		for (size_t j = 0; j < s->c && count[k]; j++)
			centre[k * s->c + j] = (float)(sum[k * s->c + j] / (double)count[k]);
	mem_free(count);
	mem_free(sum);
}

/* Rows drawn at random, with the first m of them as the first centres. */
static float *find_centres(const struct search *s, size_t m)
{
	size_t rows = m * MEANS_ROWS < s->n ? m * MEANS_ROWS : s->n;
	float *x = MEM_ARRAY(float, size_mul(rows, s->c)),
	      *centre = MEM_ARRAY(float, size_mul(m, s->c));
	int32_t *at = mem_zero(rows, sizeof *at);
	for (size_t i = 0; i < rows; i++) { /* one of each stretch of n / rows */
		size_t low = s->n * i / rows, high = s->n * (i + 1) / rows;
		size_t row = low + random_below(random_bits(s->seed, 1, i), (uint32_t)(high - low));
		memcpy(x + i * s->c, s->x + row * s->c, s->c * sizeof *x);
	}
	for (size_t k = 0; k < m; k++)
		memcpy(centre + k * s->c, x + rows * k / m * s->c, s->c * sizeof *x);
	for (int round = 0; round < MEANS_ROUNDS; round++) {
		nearest_centres(s, x, rows, centre, m, 1, at);
		move_centres(s, x, rows, at, centre, m);
	}
	mem_free(at);
	mem_free(x);
	return centre;
}

/* --- The search in clusters ----------------------------------------------------------------- */

/* Rows in order of cluster `probe` of each: those of g are row[start[g]] … */
struct groups {
	size_t n, *start;
	int32_t *row;
};

static struct groups groups_of(const int32_t *at, size_t n, size_t m, size_t probes, size_t probe)
{
	struct groups g = { m, mem_zero(m + 2, sizeof *g.start), MEM_ARRAY(int32_t, n) };
	for (size_t i = 0; i < n; i++)
		g.start[at[i * probes + probe] + 2]++;
	for (size_t k = 0; k < m; k++)
		g.start[k + 2] += g.start[k + 1];
	for (size_t i = 0; i < n; i++)
		g.row[g.start[at[i * probes + probe] + 1]++] = (int32_t)i;
	return g;
}

static void groups_free(struct groups *g)
{
	mem_free(g->start);
	mem_free(g->row);
}

/* Put (value, index) into row i's list, unless it is there or too far. */
static bool offer(
	const struct search *s, size_t i, float value, int32_t index, float *values, int32_t *found)
{
	size_t k = s->k, at = k;
	values += i * k;
	found += i * k;
	while (at > 0 && (found[at - 1] < 0 || values[at - 1] > value ||
				 (values[at - 1] == value && found[at - 1] > index)))
		at--;
	if (at == k)
		return false;
	for (size_t j = 0; j < k; j++)
		if (found[j] == index)
			return false;
	memmove(values + at + 1, values + at, (k - 1 - at) * sizeof *values);
	memmove(found + at + 1, found + at, (k - 1 - at) * sizeof *found);
	values[at] = value;
	found[at] = index;
	return true;
}

struct probe {
	const struct search *s;
	const struct groups *base, *queries;
};

static float *gather(const struct search *s, const struct groups *g, size_t k)
{
	size_t n = g->start[k + 1] - g->start[k];
	float *x = MEM_ARRAY(float, size_mul(n, s->c));
	for (size_t i = 0; i < n; i++)
		memcpy(x + i * s->c, s->x + (size_t)g->row[g->start[k] + i] * s->c,
			s->c * sizeof *x);
	return x;
}

/* The rows whose probe is cluster g, against the rows of g. */
static void probe_group(void *context, struct device *lane, size_t g)
{
	const struct probe *p = context;
	const struct search *s = p->s;
	const int32_t *query = p->queries->row + p->queries->start[g],
		      *base = p->base->row + p->base->start[g];
	size_t m = p->queries->start[g + 1] - p->queries->start[g],
	       n = p->base->start[g + 1] - p->base->start[g];
	if (m == 0 || n == 0)
		return;
	size_t k = s->k < n ? s->k : n;
	float *x = gather(s, p->base, g), *q = gather(s, p->queries, g),
	      *value = MEM_ARRAY(float, size_mul(m, k));
	int32_t *index = mem_zero(size_mul(m, k), sizeof *index);
	struct weight *w = weight_new(lane, F32, n, s->c, s->c, x, NULL);
	struct tensor rows = tensor_upload(lane, F32, n, s->c, x),
		      queries = tensor_upload(lane, F32, m, s->c, q);
	struct tensor square = tensor_vector(lane, F32, n), values = tensor_matrix(lane, F32, m, k);
	struct tensor indices = tensor_matrix(lane, I32, m, k);
	op_square_norms(lane, square, rows);
	op_nearest_to(lane, values, indices, queries, w, square, s->nearest);
	tensor_read(lane, values, value);
	tensor_read(lane, indices, index);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < k; j++)
			offer(s, (size_t)query[i], value[i * k + j], base[index[i * k + j]],
				s->value, s->found);
	tensor_release(lane, &rows);
	tensor_release(lane, &queries);
	weight_free(w);
	mem_free(index);
	mem_free(value);
	mem_free(q);
	mem_free(x);
}

static void search_clusters(const struct search *s)
{
	size_t group = (size_t)(1.6 * sqrt((double)s->n));
	group = group < GROUP ? GROUP : group;
	size_t m = (s->n + group - 1) / group, probes = m < PROBES ? m : PROBES;
	float *centre = find_centres(s, m);
	int32_t *at = mem_zero(size_mul(s->n, probes), sizeof *at);
	nearest_centres(s, s->x, s->n, centre, m, probes, at);
	struct groups base = groups_of(at, s->n, m, probes, 0);
	for (size_t p = 0; p < probes; p++) {
		struct groups queries = groups_of(at, s->n, m, probes, p);
		struct probe probe = { s, &base, &queries };
		device_parallel(s->d, m, probe_group, &probe);
		groups_free(&queries);
	}
	groups_free(&base);
	mem_free(at);
	mem_free(centre);
}

/* --- NN-descent ----------------------------------------------------------------------------- */

/* Up to NEAR neighbours of each row, and up to NEAR rows that have it as one, in order of index;
 * -1 for none. */
static int32_t *around(const struct search *s)
{
	size_t near = NEAR < s->k ? NEAR : s->k;
	int32_t *list = MEM_ARRAY(int32_t, size_mul(s->n, 2 * NEAR));
	uint8_t *count = mem_zero(s->n, 1);
	memset(list, 0xff, size_mul(s->n, 2 * NEAR * sizeof *list));
	for (size_t i = 0; i < s->n; i++)
		for (size_t j = 0; j < near; j++) {
			int32_t other = s->found[i * s->k + j];
			if (other < 0 || (size_t)other == i)
				continue;
			list[i * 2 * NEAR + j] = other;
			if (count[other] < NEAR)
				list[(size_t)other * 2 * NEAR + NEAR + count[other]++] = (int32_t)i;
		}
	mem_free(count);
	return list;
}

static int ascending(const void *a, const void *b)
{
	int32_t p = *(const int32_t *)a, q = *(const int32_t *)b;
	return (p > q) - (p < q);
}

/* Rows two steps from row i that its list does not hold; at most (2 NEAR)². */
static size_t candidates(const struct search *s, const int32_t *list, size_t i, int32_t *out)
{
	size_t n = 0, kept = 0;
	for (size_t a = 0; a < 2 * NEAR; a++) {
		int32_t via = list[i * 2 * NEAR + a];
		for (size_t b = 0; via >= 0 && b < 2 * NEAR; b++) {
			int32_t to = list[(size_t)via * 2 * NEAR + b];
			if (to >= 0 && (size_t)to != i)
				out[n++] = to;
		}
	}
	qsort(out, n, sizeof *out, ascending);
	for (size_t j = 0; j < n; j++) {
		bool known = j > 0 && out[j] == out[j - 1];
		for (size_t m = 0; m < s->k && !known; m++)
			known = s->found[i * s->k + m] == out[j];
		if (!known)
			out[kept++] = out[j];
	}
	return kept;
}

struct round {
	const struct search *s;
	const int32_t *list;
	int32_t *found; /* the new lists */
	float *value;
};

/* The pairs of a batch of rows with their candidates, at one go. */
static void descend(void *context, struct device *lane, size_t batch)
{
	const struct round *r = context;
	const struct search *s = r->s;
	size_t first = batch * BATCH, rows = s->n - first < BATCH ? s->n - first : BATCH,
	       most = rows * 4 * NEAR * NEAR, n = 0;
	int32_t *own = MEM_ARRAY(int32_t, most), *to = MEM_ARRAY(int32_t, most);
	for (size_t i = first; i < first + rows; i++)
		for (size_t end = n + candidates(s, r->list, i, to + n); n < end; n++)
			own[n] = (int32_t)i;
	float *value = MEM_ARRAY(float, n);
	struct tensor left = tensor_upload(lane, I32, n, 0, own),
		      right = tensor_upload(lane, I32, n, 0, to), y = tensor_vector(lane, F32, n);
	op_pair_distances(lane, y, s->rows, s->rows, left, right,
		s->nearest == NEAREST_MANHATTAN ? METRIC_MANHATTAN : METRIC_SQEUCLIDEAN);
	tensor_read(lane, y, value);
	for (size_t p = 0; p < n; p++)
		offer(s, (size_t)own[p], value[p], to[p], r->value, r->found);
	tensor_release(lane, &left);
	tensor_release(lane, &right);
	mem_free(value);
	mem_free(to);
	mem_free(own);
}

void approximate_search(struct device *d, const float *x, size_t n, size_t c, enum nearest nearest,
	size_t k, uint64_t seed, int32_t *found)
{
	struct search s = { .d = d,
		.x = x,
		.rows = tensor_upload(d, F32, n, c, x),
		.n = n,
		.c = c,
		.k = k,
		.nearest = nearest,
		.found = found,
		.value = MEM_ARRAY(float, size_mul(n, k)),
		.seed = seed };
	for (size_t i = 0; i < n * k; i++) {
		s.found[i] = -1;
		s.value[i] = INFINITY;
	}
	search_clusters(&s);
	int32_t *next = MEM_ARRAY(int32_t, size_mul(n, k));
	float *value = MEM_ARRAY(float, size_mul(n, k));
	for (int round = 0; round < ROUNDS; round++) {
		int32_t *list = around(&s);
		memcpy(next, s.found, n * k * sizeof *next);
		memcpy(value, s.value, n * k * sizeof *value);
		struct round r = { &s, list, next, value };
		device_parallel(d, (n + BATCH - 1) / BATCH, descend, &r);
		memcpy(s.found, next, n * k * sizeof *next);
		memcpy(s.value, value, n * k * sizeof *value);
		mem_free(list);
	}
	mem_free(value);
	mem_free(next);
	mem_free(s.value);
	tensor_release(d, &s.rows);
}
