/*
 * Neighbours. The search works on d² = |x|² + |z|² - 2 x z of all pairs, as matrix products
 * at the full rate, and keeps EXTRA more than wanted, since d² is rounded; the distances that are
 * given are computed again, pair by pair, from differences.
 */
#include "lib/learn/neighbors.h"

#include <math.h>
#include <string.h>

#include "gpu/ops_neighbors.h"
#include "lib/base/memory.h"
#include "lib/learn/approximate.h"

enum {
	EXACT_MOST = 120000, /* rows: up to here every pair is looked at on a CPU */
	EXACT_MOST_CARD = 2000000, /* and on a card: some 18 s for 1,000,000 x 384 on an H200 */
	PAIRS = 1 << 22, /* pairs whose distances are computed at a time */
};

/* --- Rows ----------------------------------------------------------------------------------- */

static float largest(const float *x, size_t n)
{
	float top = 0;
	for (size_t i = 0; i < n; i++)
		top = fabsf(x[i]) > top ? fabsf(x[i]) : top;
	return top;
}

/* The row's direction; false for a row of zeros. */
static bool direction(const float *x, size_t c, bool centre, float *out)
{
	double mean = 0, square = 0;
	for (size_t j = 0; j < c && centre; j++)
		mean += (double)x[j];
	mean /= (double)c;
	for (size_t j = 0; j < c; j++) {
		double u = (double)x[j] - mean;
		square += u * u;
	}
	float top = centre ? largest(x, c) : 0; /* a constant row leaves only rounding */
	double least = (double)top * 1e-7 * sqrt((double)c), length = sqrt(square);
	bool good = length > least;
	for (size_t j = 0; j < c; j++)
		out[j] = good ? (float)(((double)x[j] - mean) / length) : 0;
	return good;
}

static void directions(struct rows *r, const float *x)
{
	bool centre = r->metric == NEIGHBOR_CORRELATION, *zero = MEM_ARRAY(bool, r->n);
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < r->n; i++)
		zero[i] = !direction(x + i * r->c, r->c, centre, r->x + i * r->width);
	for (size_t i = 0; i < r->n && r->width == r->c; i++)
		if (zero[i]) { /* widen all rows, from the last on */
			r->x = mem_resize(r->x, r->n * r->c * sizeof *r->x,
				size_mul(r->n, (r->c + 1) * sizeof *r->x));
			r->width = r->c + 1;
			for (size_t k = r->n; k-- > 0;)
				memmove(r->x + k * r->width, r->x + k * r->c, r->c * sizeof *r->x);
		}
	for (size_t i = 0; i < r->n && r->width > r->c; i++)
		r->x[i * r->width + r->c] = zero[i];
	mem_free(zero);
}

static void fill(struct rows *r, const float *x)
{
	r->x = MEM_ARRAY(float, size_mul(r->n, r->width));
	if (r->metric == NEIGHBOR_COSINE || r->metric == NEIGHBOR_CORRELATION) {
		directions(r, x);
		return;
	}
	for (size_t i = 0; i < r->n * r->c; i++)
		r->x[i] = x[i] * r->scale;
}

void rows_init(struct rows *r, const float *x, size_t n, size_t c, enum neighbor_metric metric)
{
	*r = (struct rows){ n, c, c, metric, 1, NULL };
	if (metric == NEIGHBOR_EUCLIDEAN || metric == NEIGHBOR_MANHATTAN) {
		float top = largest(x, size_mul(n, c));
		if (top > 0x1p30f || (top > 0 && top < 0x1p-30f)) {
			int exponent;
			frexpf(top, &exponent);
			r->scale = ldexpf(1, exponent < -120 ? 120 : -exponent);
		}
	}
	fill(r, x);
}

void rows_init_as(struct rows *r, const struct rows *others, const float *x, size_t n)
{
	*r = *others;
	r->n = n;
	if (others->metric == NEIGHBOR_COSINE || others->metric == NEIGHBOR_CORRELATION) {
		size_t width = others->width;
		r->width = r->c;
		fill(r, x);
		if (r->width != width) { /* both with the added column, or both without */
			float *x2 = mem_zero(size_mul(n, width), sizeof *x2);
			for (size_t i = 0; i < n; i++)
				memcpy(x2 + i * width, r->x + i * r->width, r->c * sizeof *x2);
			mem_free(r->x);
			r->x = x2;
			r->width = width;
		}
		return;
	}
	fill(r, x);
}

void rows_free(struct rows *r)
{
	mem_free(r->x);
	r->x = NULL;
}

/* --- Exact distances of what a search found ------------------------------------------------- */

static enum nearest search_kind(const struct rows *r)
{
	return r->metric == NEIGHBOR_MANHATTAN ? NEAREST_MANHATTAN : NEAREST_SQUARE;
}

/* distance[i] of the pairs (q[a[i]], x[b[i]]) of rows as `like` says. */
static void pair_distances(struct device *d, const struct rows *like, struct tensor q,
	struct tensor x, const int32_t *a, const int32_t *b, size_t n, float *distance)
{
	struct arena_mark mark = device_mark(d);
	enum metric metric = like->metric == NEIGHBOR_EUCLIDEAN   ? METRIC_EUCLIDEAN
			     : like->metric == NEIGHBOR_MANHATTAN ? METRIC_MANHATTAN
								  : METRIC_SQEUCLIDEAN;
	struct tensor y = tensor_vector(d, F32, n);
	struct tensor i = tensor_upload(d, I32, n, 0, a), j = tensor_upload(d, I32, n, 0, b);
	op_pair_distances(d, y, q, x, i, j, metric);
	tensor_read(d, y, distance);
	tensor_release(d, &i);
	tensor_release(d, &j);
	device_reset(d, mark);
	float factor = metric == METRIC_SQEUCLIDEAN ? 0.5f : 1 / like->scale;
	for (size_t p = 0; p < n; p++)
		distance[p] *= factor;
}

/* The k nearest of found [m] by (distance, index); self first, if it is one of the rows
 * (otherwise SIZE_MAX). */
static void sort_list(const int32_t *found, const float *d, size_t m, size_t self, size_t k,
	uint32_t *index, float *distance)
{
	size_t n = 0, first = 0;
	if (self != SIZE_MAX) {
		index[0] = (uint32_t)self;
		distance[0] = 0;
		n = first = 1;
	}
	for (size_t i = 0; i < m; i++) {
		uint32_t j = (uint32_t)found[i];
		if (found[i] < 0 || j == self ||
			(n == k && (d[i] > distance[k - 1] ||
					   (d[i] == distance[k - 1] && j > index[k - 1]))))
			continue;
		size_t at = n < k ? n++ : k - 1;
		if (at < first)
			continue;
		for (; at > first && (distance[at - 1] > d[i] ||
					     (distance[at - 1] == d[i] && index[at - 1] > j));
			at--) {
			distance[at] = distance[at - 1];
			index[at] = index[at - 1];
		}
		distance[at] = d[i];
		index[at] = j;
	}
}

/* Lists of wide found indices to lists of k; self: row i of q is row i of x. */
static void refine(struct device *d, const struct rows *q, const struct rows *x,
	const int32_t *found, size_t wide, bool self, size_t k, uint32_t *index, float *distance)
{
	size_t batch = PAIRS / wide + 1;
	batch = batch < q->n ? batch : q->n;
	int32_t *a = MEM_ARRAY(int32_t, batch * wide), *b = MEM_ARRAY(int32_t, batch * wide);
	float *exact = MEM_ARRAY(float, batch *wide);
	struct tensor right = tensor_upload(d, F32, x->n, x->width, x->x),
		      left = q == x ? right : tensor_upload(d, F32, q->n, q->width, q->x);
	for (size_t first = 0; first < q->n; first += batch) {
		size_t n = q->n - first < batch ? q->n - first : batch;
		for (size_t p = 0; p < n * wide; p++) {
			a[p] = (int32_t)(first + p / wide);
			b[p] = found[first * wide + p] < 0 ? 0 : found[first * wide + p];
		}
		pair_distances(d, x, left, right, a, b, n * wide, exact);
#pragma omp parallel for schedule(static)
		for (size_t i = 0; i < n; i++)
			sort_list(found + (first + i) * wide, exact + i * wide, wide,
				self ? first + i : SIZE_MAX, k, index + (first + i) * k,
				distance + (first + i) * k);
	}
	if (q != x)
		tensor_release(d, &left);
	tensor_release(d, &right);
	mem_free(exact);
	mem_free(b);
	mem_free(a);
}

/* How many a search keeps to find k: itself may be pushed out by copies of lower index. */
static size_t wide(size_t k, size_t n)
{
	size_t w = k + k / 4 + 4;
	return w < n ? w : n;
}

/* For the search only: euclidean rows about a mean, so that squares do not drown differences. NULL
 * for other metrics. */
static double *mean_row(const struct rows *r)
{
	if (r->metric != NEIGHBOR_EUCLIDEAN)
		return NULL;
	double *mean = mem_zero(r->c, sizeof *mean);
	for (size_t i = 0; i < r->n; i++)
		for (size_t j = 0; j < r->c; j++)
			mean[j] += (double)r->x[i * r->c + j];
	for (size_t j = 0; j < r->c; j++)
		mean[j] /= (double)r->n;
	return mean;
}

/* The rows less the mean; the rows themselves without one. */
static float *centred(const struct rows *r, const double *mean)
{
	if (!mean)
		return r->x;
	float *x = MEM_ARRAY(float, size_mul(r->n, r->c));
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < r->n; i++)
		for (size_t j = 0; j < r->c; j++)
			x[i * r->c + j] = (float)((double)r->x[i * r->c + j] - mean[j]);
	return x;
}

bool neighbors_exact(const struct device *d, size_t n, size_t k, enum neighbor_search search)
{
	if (search != NEIGHBORS_AUTO)
		return search == NEIGHBORS_EXACT;
	return k > NEIGHBORS_APPROXIMATE_MOST ||
	       n <= (device_on_card(d) ? EXACT_MOST_CARD : EXACT_MOST);
}

int neighbors_find(struct device *d, const struct rows *r, size_t k, enum neighbor_search search,
	uint64_t seed, uint32_t *index, float *distance, struct error *e)
{
	CHECK(k >= 1 && k <= r->n && r->n <= INT32_MAX);
	size_t w = wide(k, r->n);
	double *mean = mean_row(r);
	float *x = centred(r, mean);
	mem_free(mean);
	int32_t *found = mem_zero(size_mul(r->n, w), sizeof *found);
	if (neighbors_exact(d, r->n, k, search)) {
		struct arena_mark mark = device_mark(d);
		struct tensor values = tensor_matrix(d, F32, r->n, w),
			      indices = tensor_matrix(d, I32, r->n, w);
		struct tensor rows = tensor_upload(d, F32, r->n, r->width, x);
		op_nearest(d, values, indices, rows, search_kind(r));
		tensor_read(d, indices, found);
		tensor_release(d, &rows);
		device_reset(d, mark);
	} else {
		approximate_search(d, x, r->n, r->width, search_kind(r), w, seed, found);
	}
	int result = device_sync(d, e);
	if (result == 0) {
		refine(d, r, r, found, w, true, k, index, distance);
		result = device_sync(d, e);
	}
	mem_free(found);
	if (x != r->x)
		mem_free(x);
	return result;
}

struct neighbor_index {
	const struct rows *rows;
	double *mean;
	struct weight *weight;
	float *square;
};

struct neighbor_index *neighbor_index_new(struct device *d, const struct rows *r)
{
	struct neighbor_index *x = mem_zero(1, sizeof *x);
	struct arena_mark mark = device_mark(d);
	x->rows = r;
	x->mean = mean_row(r);
	float *search = centred(r, x->mean);
	x->weight = weight_new(d, F32, r->n, r->width, r->width, search, NULL);
	x->square = MEM_ARRAY(float, r->n);
	struct tensor rows = tensor_upload(d, F32, r->n, r->width, search);
	struct tensor square = tensor_vector(d, F32, r->n);
	op_square_norms(d, square, rows);
	tensor_read(d, square, x->square);
	tensor_release(d, &rows);
	device_reset(d, mark);
	if (search != r->x)
		mem_free(search);
	return x;
}

void neighbor_index_free(struct neighbor_index *x)
{
	if (!x)
		return;
	weight_free(x->weight);
	mem_free(x->mean);
	mem_free(x->square);
	mem_free(x);
}

int neighbor_index_query(struct device *d, const struct neighbor_index *x, const struct rows *q,
	size_t k, uint32_t *index, float *distance, struct error *e)
{
	CHECK(k >= 1 && k <= x->rows->n && q->width == x->rows->width);
	struct arena_mark mark = device_mark(d);
	size_t w = wide(k, x->rows->n);
	int32_t *found = mem_zero(size_mul(q->n, w), sizeof *found);
	float *search = centred(q, x->mean);
	struct tensor values = tensor_matrix(d, F32, q->n, w);
	struct tensor indices = tensor_matrix(d, I32, q->n, w);
	struct tensor rows = tensor_upload(d, F32, q->n, q->width, search);
	struct tensor square = tensor_upload(d, F32, x->rows->n, 0, x->square);
	op_nearest_to(d, values, indices, rows, x->weight, square, search_kind(q));
	tensor_read(d, indices, found);
	tensor_release(d, &rows);
	tensor_release(d, &square);
	device_reset(d, mark);
	int result = device_sync(d, e);
	if (result == 0) {
		refine(d, q, x->rows, found, w, false, k, index, distance);
		result = device_sync(d, e);
	}
	if (search != q->x)
		mem_free(search);
	mem_free(found);
	return result;
}
