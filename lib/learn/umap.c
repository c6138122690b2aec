/*
 * UMAP from rows to a layout. Each step is a module of its own: neighbors, fuzzy, curve, spectral,
 * colour, and the operations of gpu/ops_umap.h. Random numbers are functions of the seed, a stream
 * and an index.
 */
#include "lib/learn/umap.h"

#include <math.h>
#include <string.h>

#include "gpu/umap.h"
#include "lib/base/error.h"
#include "lib/base/math.h"
#include "lib/base/memory.h"
#include "lib/base/random.h"
#include "lib/learn/colour.h"
#include "lib/learn/curve.h"
#include "lib/learn/fuzzy.h"
#include "lib/learn/pca.h"
#include "lib/learn/spectral.h"

enum {
	FEW_ROWS = 10000,
	EPOCHS_FEW = 500,
	EPOCHS_MANY = 200,
	EPOCHS_NEW = 100,
	EXTENT = 10,
	STEPS = 1024 /* of the layout between two signs of progress */
};
enum stream {
	STREAM_SPECTRAL = 1 << 8,
	STREAM_NOISE,
	STREAM_RANDOM,
	STREAM_LAYOUT,
	STREAM_NEIGHBORS
};

static void progress(const struct umap_options *o, const char *what, size_t done, size_t total)
{
	if (o->progress)
		o->progress(what, done, total);
}

static size_t epochs_default(size_t n)
{
	return n <= FEW_ROWS ? EPOCHS_FEW : EPOCHS_MANY;
}

/* --- Start ---------------------------------------------------------------------------------- */

/* A number from the standard normal distribution (G. Box and M. Muller, 1958). */
static float normal(uint64_t seed, uint64_t stream, uint64_t i)
{
	uint64_t bits = random_bits(seed, stream, i);
	float u = 1 - random_float(bits), v = random_float(bits << 32);
	return sqrtf(-2 * math_log(u)) * math_cos(6.2831855f * v);
}

/* Stretch so that the largest coordinate is EXTENT, and add noise of 1e-4 to leave local minima. */
static void stretch(float *y, size_t n, uint64_t seed)
{
	float top = 0;
	for (size_t i = 0; i < n; i++)
		top = fabsf(y[i]) > top ? fabsf(y[i]) : top;
	double factor = top > 0 ? EXTENT / (double)top : 0;
	for (size_t i = 0; i < n; i++)
		y[i] = (float)((double)y[i] * factor) + 1e-4f * normal(seed, STREAM_NOISE, i);
}

/* Each dimension to [0, EXTENT]. */
static void fit_to_box(float *y, size_t n, size_t k)
{
	for (size_t b = 0; b < k; b++) {
		float low = INFINITY, high = -INFINITY;
		for (size_t i = 0; i < n; i++) {
			low = y[i * k + b] < low ? y[i * k + b] : low;
			high = y[i * k + b] > high ? y[i * k + b] : high;
		}
		for (size_t i = 0; i < n; i++)
			y[i * k + b] =
				high > low ? EXTENT * (y[i * k + b] - low) / (high - low) : 0;
	}
}

static void start(
	const struct umap *u, struct device *d, const struct graph *g, const float *x, float *y)
{
	size_t n = u->rows.n, k = u->options.n_components;
	uint64_t seed = u->options.seed;
	if (u->options.init == UMAP_RANDOM) {
		for (size_t i = 0; i < n * k; i++)
			y[i] = random_float(random_bits(seed, STREAM_RANDOM, i));
	} else {
		if (u->options.init == UMAP_PCA)
			pca_place(d, x, n, u->rows.c, k, y);
		else
			spectral_layout(d, g, u->rows.x, u->rows.width, k,
				random_bits(seed, STREAM_SPECTRAL, 0), y);
		stretch(y, n * k, seed);
	}
	fit_to_box(y, n, k);
}

/* --- Layout --------------------------------------------------------------------------------- */

static struct umap_force force(const struct umap *u, double alpha)
{
	return (struct umap_force){ (float)u->a, (float)u->b, 1,
		(float)u->options.negative_sample_rate, (float)alpha,
		random_bits(u->options.seed, STREAM_LAYOUT, 0) };
}

static void layout(
	struct umap *u, struct device *d, const struct graph *g, float top, size_t n_epochs)
{
	struct arena_mark mark = device_mark(d);
	size_t n = u->rows.n, k = u->options.n_components;
	struct colouring c;
	colouring_make(&c, g);
	struct tensor y = tensor_matrix(d, F32, n, k), before = tensor_matrix(d, F32, n, k);
	float *every = MEM_ARRAY(float, c.n_edges), *next = MEM_ARRAY(float, c.n_edges);
	struct umap_force f = force(u, u->options.learning_rate);
	for (size_t e = 0; e < c.n_edges; e++) {
		every[e] = top / c.weight[e];
		next[e] = f.negative_rate > 0 ? every[e] / f.negative_rate : 0;
	}
	struct umap_edges edges = { tensor_upload(d, I32, c.n_edges, 0, c.head),
		tensor_upload(d, I32, c.n_edges, 0, c.tail),
		tensor_upload(d, F32, c.n_edges, 0, every), tensor_vector(d, F32, c.n_edges),
		tensor_vector(d, F32, c.n_edges), c.n_colours, c.start };
	tensor_write(d, edges.next, every);
	tensor_write(d, edges.next_negative, next);
	tensor_write(d, y, u->embedding);
	size_t batch = STEPS / (c.n_colours + 1) + 1;
	for (size_t epoch = 0; epoch < n_epochs; epoch += batch) {
		progress(&u->options, "layout", epoch, n_epochs);
		op_umap_epochs(d, y, before, &edges, &f, epoch,
			epoch + batch < n_epochs ? epoch + batch : n_epochs, n_epochs);
	}
	tensor_read(d, y, u->embedding);
	tensor_release(d, &edges.head);
	tensor_release(d, &edges.tail);
	tensor_release(d, &edges.every);
	mem_free(next);
	mem_free(every);
	colouring_free(&c);
	device_reset(d, mark);
}

/* --- Fit ------------------------------------------------------------------------------------ */

static void smooth(struct device *d, const float *distance, size_t n, size_t k,
	double local_connectivity, float mean, float *sigma, float *rho)
{
	struct arena_mark mark = device_mark(d);
	struct tensor s = tensor_vector(d, F32, n), r = tensor_vector(d, F32, n),
		      all = tensor_upload(d, F32, n, k, distance);
	op_umap_smooth(d, s, r, all, (float)local_connectivity, mean);
	tensor_read(d, s, sigma);
	tensor_read(d, r, rho);
	tensor_release(d, &all);
	device_reset(d, mark);
}

static int fuzzy_graph(
	struct umap *u, struct device *d, const int32_t *label, struct graph *g, struct error *e)
{
	size_t n = u->rows.n, k = u->k;
	uint32_t *index = MEM_ARRAY(uint32_t, size_mul(n, k));
	float *distance = MEM_ARRAY(float, size_mul(n, k)), *sigma = MEM_ARRAY(float, n),
	      *rho = MEM_ARRAY(float, n);
	progress(&u->options, "neighbours", 0, 0);
	int result = neighbors_find(d, &u->rows, k, u->options.search,
		random_bits(u->options.seed, STREAM_NEIGHBORS, 0), index, distance, e);
	if (result == 0) {
		progress(&u->options, "graph", 0, 0);
		u->mean_distance = fuzzy_mean(distance, n * k);
		smooth(d, distance, n, k, u->options.local_connectivity, u->mean_distance, sigma,
			rho);
		result = device_sync(d, e);
	}
	if (result == 0) {
		*g = fuzzy_union(
			d, index, distance, sigma, rho, n, k, (float)u->options.set_op_mix_ratio);
		result = device_sync(d, e);
		if (result)
			graph_free(g);
		else if (label)
			fuzzy_intersect(g, label, u->options.target_weight);
	}
	mem_free(rho);
	mem_free(sigma);
	mem_free(distance);
	mem_free(index);
	return result;
}

int umap_fit(struct umap *u, struct device *d, const struct umap_options *options, const float *x,
	size_t n, size_t c, const int32_t *label, struct error *e)
{
	CHECK(n >= 1 && n <= INT32_MAX);
	*u = (struct umap){ .options = *options };
	size_t components = options->n_components, least = n - 1 < 2 ? 2 : n - 1;
	u->k = options->n_neighbors < n ? options->n_neighbors : least < n ? least : n;
	curve_fit(options->spread, options->min_dist, &u->a, &u->b);
	rows_init(&u->rows, x, n, c, options->metric);
	u->embedding = mem_zero(size_mul(n, components), sizeof *u->embedding);
	struct graph g;
	if (n == 1)
		return 0;
	if (fuzzy_graph(u, d, label, &g, e))
		return -1;
	size_t n_epochs = options->n_epochs == SIZE_MAX ? epochs_default(n) : options->n_epochs;
	float top = fuzzy_prune(&g, n_epochs > 10 ? n_epochs : epochs_default(n));
	progress(options, "start", 0, 0);
	start(u, d, &g, x, u->embedding);
	layout(u, d, &g, top, n_epochs);
	graph_free(&g);
	return device_sync(d, e);
}

/* --- New rows ------------------------------------------------------------------------------- */

/* Where a new row starts: the mean of its neighbours by membership. A copy of a fitted row stays
 * on it: its edges are dropped. */
static void begin(const struct umap *u, const uint32_t *index, const float *distance, float sigma,
	float rho, size_t n_epochs, float *weight, float *y)
{
	size_t dim = u->options.n_components;
	float sum = 0;
	memset(y, 0, dim * sizeof *y);
	for (size_t j = 0; j < u->k; j++) {
		weight[j] = umap_membership(distance[j], sigma, rho);
		sum += weight[j];
	}
	if (distance[0] == 0) {
		memcpy(y, u->embedding + index[0] * dim, dim * sizeof *y);
		memset(weight, 0, u->k * sizeof *weight);
		return;
	}
	for (size_t j = 0; j < u->k; j++) {
		for (size_t b = 0; b < dim; b++)
			y[b] += weight[j] / sum * u->embedding[index[j] * dim + b];
		if (weight[j] < 1 / (float)n_epochs)
			weight[j] = 0;
	}
}

/* Random numbers of a row are its own, wherever it stands in the input. */
static uint64_t row_salt(const float *x, size_t c)
{
	uint64_t h = 0;
	for (size_t j = 0; j < c; j++)
		h = random_mix(h + (uint32_t)math_bits(x[j]) + 0x9e3779b97f4a7c15u);
	return h;
}

/* Rows start by their neighbours, and are moved, out [M, n_components]. */
static void place(const struct umap *u, struct device *d, const struct rows *rows,
	const uint32_t *index, const float *distance, const float *sigma, const float *rho,
	float *out)
{
	size_t n = rows->n, k = u->k, dim = u->options.n_components;
	size_t n_epochs = u->options.n_epochs == SIZE_MAX ? EPOCHS_NEW : u->options.n_epochs / 3;
	float *weight = MEM_ARRAY(float, size_mul(n, k));
	uint64_t *salt = MEM_ARRAY(uint64_t, n);
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++) {
		begin(u, index + i * k, distance + i * k, sigma[i], rho[i], n_epochs,
			weight + i * k, out + i * dim);
		salt[i] = row_salt(rows->x + i * rows->width, rows->width);
	}
	struct tensor y = tensor_matrix(d, F32, n, dim),
		      fixed = tensor_upload(d, F32, u->rows.n, dim, u->embedding);
	struct tensor to = tensor_upload(d, I32, n, k, index),
		      w = tensor_upload(d, F32, n, k, weight);
	struct umap_force f = force(u, u->options.learning_rate / 4);
	tensor_write(d, y, out);
	op_umap_place(d, y, fixed, to, w, salt, &f, n_epochs);
	tensor_read(d, y, out);
	tensor_release(d, &fixed);
	tensor_release(d, &to);
	tensor_release(d, &w);
	mem_free(salt);
	mem_free(weight);
}

int umap_apply(
	struct umap *u, struct device *d, const float *x, size_t n, float *out, struct error *e)
{
	size_t k = u->k, dim = u->options.n_components;
	if (u->rows.n == 1 || n == 0) {
		memset(out, 0, n * dim * sizeof *out);
		return 0;
	}
	if (!u->index)
		u->index = neighbor_index_new(d, &u->rows);
	struct arena_mark mark = device_mark(d);
	struct rows rows;
	rows_init_as(&rows, &u->rows, x, n);
	uint32_t *index = MEM_ARRAY(uint32_t, size_mul(n, k));
	float *distance = MEM_ARRAY(float, size_mul(n, k)), *sigma = MEM_ARRAY(float, n),
	      *rho = MEM_ARRAY(float, n);
	int result = neighbor_index_query(d, u->index, &rows, k, index, distance, e);
	if (result == 0) {
		smooth(d, distance, n, k, fmax(0, u->options.local_connectivity - 1),
			u->mean_distance, sigma, rho);
		result = device_sync(d, e);
	}
	if (result == 0) {
		place(u, d, &rows, index, distance, sigma, rho, out);
		result = device_sync(d, e);
	}
	mem_free(rho);
	mem_free(sigma);
	mem_free(distance);
	mem_free(index);
	rows_free(&rows);
	device_reset(d, mark);
	return result;
}

void umap_free(struct umap *u)
{
	neighbor_index_free(u->index);
	rows_free(&u->rows);
	mem_free(u->embedding);
	*u = (struct umap){ 0 };
}
