/* kmeans.c: see kmeans.h. Distances are gpu/ops_centers.h's, which are those of space.h,
 * means gpu/ops_moments.h's. */
#include "lib/learn/kmeans.h"

#include <math.h>
#include <string.h>

#include "gpu/ops_centers.h"
#include "gpu/ops_moments.h"
#include "lib/base/memory.h"
#include "lib/base/random.h"
#include "lib/base/ranked.h"
#include "lib/learn/cluster_state.h"

enum {
	SUM = CENTER_CHUNK, /* rows of one partial sum */
	MAX_ITERATIONS = 300,
};

struct fit {
	struct device *device;
	struct tensor rows; /* x there */
	const float *x;
	size_t n, c, k;
	enum space_metric metric;
	int32_t *label;
	int32_t *old; /* [N]: the labels before */
	double *raw; /* [N]: squared distance to the centre of the label */
	int32_t *members; /* [N]: rows by label, in order */
	size_t *first; /* [K + 1]: where a label's members begin */
};

/* A sum in double by chunks of SUM, in order. */
static double sum_of(const double *x, size_t n)
{
	double total = 0;
	for (size_t from = 0; from < n; from += SUM) {
		double part = 0;
		for (size_t i = from; i < n && i < from + SUM; i++)
			part += x[i];
		total += part;
	}
	return total;
}

/* --- Starts: greedy k-means++ --------------------------------------------------------------- */

static double total(const double *parts, size_t n)
{
	double sum = 0;
	for (size_t k = 0; k < n; k++)
		sum += parts[k];
	return sum;
}

/* The row at which the running sum of weights passes u times their sum; rows of weight 0 are not
 * taken while there are others. parts: the sums of SUM weights each. */
static size_t draw(const struct fit *f, struct tensor weight, const double *parts, double u)
{
	size_t chunks = (f->n + SUM - 1) / SUM, at = 0, last = 0;
	double target = u * total(parts, chunks), sum = 0, before = 0, part = 0, own[SUM] = { 0 };
	if (!(total(parts, chunks) > 0))
		return (size_t)(u * (double)f->n);
	for (size_t k = 0; k < chunks && !(sum > target); sum += parts[k++])
		if (parts[k] > 0) {
			at = k;
			before = sum;
		}
	size_t first = at * SUM, n = f->n - first < SUM ? f->n - first : SUM;
	tensor_read(f->device, tensor_rows(weight, first, n), own);
	for (size_t i = 0; i < n && !(before + part > target); i++) {
		part += own[i];
		last = own[i] > 0 ? i : last;
	}
	return first + last;
}

static void plus_plus(const struct fit *f, uint64_t seed, uint64_t start, double *centers)
{
	size_t n = f->n, c = f->c, tries = 2, counter = 0, chunks = (n + SUM - 1) / SUM;
	for (double e = 2.718281828459045; e <= (double)f->k && tries < CENTER_LANES;
		e *= 2.718281828459045)
		tries++;
	struct arena_mark mark = device_mark(f->device);
	struct tensor nearest = tensor_vector(f->device, F64, n), closer[CENTER_LANES];
	for (size_t j = 0; j < tries; j++)
		closer[j] = tensor_vector(f->device, F64, n);
	for (size_t i = 0; i < n; i++)
		f->raw[i] = INFINITY;
	tensor_write(f->device, nearest, f->raw);
	double *candidates = MEM_ARRAY(double, size_mul(tries, c));
	double *sums = mem_zero(size_mul(tries, chunks), sizeof *sums), *parts = sums;
	for (size_t k = 0; k < f->k; k++) {
		size_t n_tries = k ? tries : 1, best = 0;
		for (size_t j = 0; j < n_tries; j++) {
			double u = random_double(random_bits(seed, start, counter++));
			size_t row = draw(f, nearest, parts, u);
			space_point(f->metric, f->x + row * c, c, candidates + j * c);
		}
		op_closer(f->device, f->rows, candidates, n_tries, f->metric == SPACE_COSINE,
			nearest, closer, sums);
		for (size_t j = 1; j < n_tries; j++)
			if (total(sums + j * chunks, chunks) < total(sums + best * chunks, chunks))
				best = j;
		struct tensor was = nearest;
		nearest = closer[best];
		closer[best] = was;
		parts = sums + best * chunks;
		memcpy(centers + k * c, candidates + best * c, c * sizeof *centers);
	}
	mem_free(candidates);
	mem_free(sums);
	device_reset(f->device, mark);
}

/* --- Lloyd's iterations --------------------------------------------------------------------- */

static void list_members(struct fit *f)
{
	memset(f->first, 0, (f->k + 1) * sizeof *f->first);
	for (size_t i = 0; i < f->n; i++)
		f->first[f->label[i] + 1]++;
	for (size_t k = 0; k < f->k; k++)
		f->first[k + 1] += f->first[k];
	for (size_t i = 0; i < f->n; i++)
		f->members[f->first[f->label[i]]++] = (int32_t)i;
	for (size_t k = f->k; k > 0; k--)
		f->first[k] = f->first[k - 1];
	f->first[0] = 0;
}

/* The nearest centre of each row, and unless raw is NULL how far it is. */
static void assign(struct fit *f, const double *centers, double *raw)
{
	op_nearest_center(
		f->device, f->rows, centers, f->k, f->metric == SPACE_COSINE, f->label, raw);
}

/* Give each cluster without points the farthest point that does not stand alone at its own
 * centre or in its cluster. */
static void fill_empty(struct fit *f, const double *centers)
{
	size_t *size = MEM_ARRAY(size_t, f->k), empty = 0, next = 0;
	for (size_t k = 0; k < f->k; k++) {
		size[k] = f->first[k + 1] - f->first[k];
		empty += size[k] == 0;
	}
	if (empty) {
		struct ranked *far = MEM_ARRAY(struct ranked, f->n);
		assign(f, centers, f->raw);
		for (size_t i = 0; i < f->n; i++)
			far[i] = (struct ranked){ f->raw[i], i };
		ranked_sort(far, f->n);
		for (size_t k = 0; k < f->k; k++) {
			if (size[k])
				continue;
			while (next < f->n &&
				(size[f->label[far[next].i]] < 2 || !(far[next].score > 0)))
				next++;
			if (next == f->n)
				break; /* there are fewer different points than clusters */
			size[f->label[far[next].i]]--;
			f->label[far[next++].i] = (int32_t)k;
			size[k] = 1;
		}
		mem_free(far);
		list_members(f);
	}
	mem_free(size);
}

/* The mean of each cluster's points; a cluster without any keeps its centre. Partial sums are of
 * SUM members, added in order. */
static void update(const struct fit *f, const double *old, double *centers)
{
	size_t c = f->c, most = f->k + f->n / SUM + 1, parts = 0;
	size_t *start = MEM_ARRAY(size_t, most + 1), *cluster = MEM_ARRAY(size_t, most);
	for (size_t k = 0; k < f->k; k++)
		for (size_t i = f->first[k]; i < f->first[k + 1]; i += SUM) {
			cluster[parts] = k;
			start[parts++] = i;
		}
	start[parts] = f->n;
	double *part = mem_zero(size_mul(parts, c), sizeof *part);
	struct moment points = { .x = f->rows, .unit = f->metric == SPACE_COSINE };
	op_group_sums(f->device, &points, f->members, start, parts, part);
	memset(centers, 0, f->k * c * sizeof *centers);
	for (size_t p = 0; p < parts; p++)
		for (size_t j = 0; j < c; j++)
			centers[cluster[p] * c + j] += part[p * c + j];
	for (size_t k = 0; k < f->k; k++) {
		size_t members = f->first[k + 1] - f->first[k];
		for (size_t i = k * c; i < (k + 1) * c; i++)
			centers[i] = members ? centers[i] / (double)members : old[i];
	}
	mem_free(part);
	mem_free(cluster);
	mem_free(start);
}

/* 1e-4 times the mean over dimensions of the variance. */
static double tolerance(const struct fit *f)
{
	double total = 0, *mean = mem_zero(f->c, sizeof *mean),
	       *square = mem_zero(f->c, sizeof *square);
	struct moment points = { .x = f->rows, .unit = f->metric == SPACE_COSINE };
	op_moment(f->device, &points, mean);
	for (size_t j = 0; j < f->c; j++)
		mean[j] /= (double)f->n;
	points.center = mean;
	points.square = true;
	op_moment(f->device, &points, square);
	for (size_t j = 0; j < f->c; j++)
		total += square[j] / (double)f->n;
	mem_free(mean);
	mem_free(square);
	return 1e-4 * total / (double)f->c;
}

/* From the centres given to a minimum; returns the inertia. */
static double lloyd(struct fit *f, double *centers, double enough, size_t *iterations)
{
	size_t size = f->k * f->c;
	double *next = MEM_ARRAY(double, size);
	*iterations = 0;
	while (*iterations < MAX_ITERATIONS) {
		++*iterations;
		memcpy(f->old, f->label, f->n * sizeof *f->label);
		assign(f, centers, NULL);
		if (*iterations > 1 && memcmp(f->old, f->label, f->n * sizeof *f->label) == 0)
			break;
		list_members(f);
		fill_empty(f, centers);
		update(f, centers, next);
		double shift = 0;
		for (size_t i = 0; i < size; i++)
			shift += (next[i] - centers[i]) * (next[i] - centers[i]);
		memcpy(centers, next, size * sizeof *centers);
		if (shift <= enough)
			break;
	}
	assign(f, centers, f->raw);
	mem_free(next);
	return sum_of(f->raw, f->n);
}

int kmeans_fit(struct kmeans *m, struct device *device, const float *x, size_t n, size_t c,
	const struct kmeans_options *o, struct error *e)
{
	CHECK(o->n_clusters >= 1 && o->n_clusters <= n && n < (size_t)1 << 31 &&
		o->metric != SPACE_MANHATTAN);
	size_t k = o->n_clusters, starts = o->start ? 1 : o->n_init;
	struct fit f = { device, tensor_upload(device, F32, n, c, x), x, n, c, k, o->metric,
		mem_zero(n, sizeof(int32_t)), MEM_ARRAY(int32_t, n), mem_zero(n, sizeof(double)),
		MEM_ARRAY(int32_t, n), MEM_ARRAY(size_t, k + 1) };
	*m = (struct kmeans){ .k = k, .c = c, .metric = o->metric, .inertia = INFINITY };
	m->centers = MEM_ARRAY(double, size_mul(k, c));
	m->label = MEM_ARRAY(int32_t, n);
	double *centers = MEM_ARRAY(double, size_mul(k, c)), enough = tolerance(&f);
	for (size_t start = 0; start < starts; start++) {
		size_t iterations;
		if (o->start)
			memcpy(centers, o->start, k * c * sizeof *centers);
		else
			plus_plus(&f, o->seed, start, centers);
		double inertia = lloyd(&f, centers, enough, &iterations);
		if (start == 0 || inertia < m->inertia) {
			m->inertia = inertia;
			m->iterations = iterations;
			memcpy(m->centers, centers, k * c * sizeof *centers);
			memcpy(m->label, f.label, n * sizeof *f.label);
		}
		if (o->progress)
			o->progress("k-means", start + 1, starts);
	}
	tensor_release(device, &f.rows);
	mem_free(centers);
	mem_free(f.label);
	mem_free(f.old);
	mem_free(f.raw);
	mem_free(f.members);
	mem_free(f.first);
	return device_sync(device, e);
}

int kmeans_predict(const struct kmeans *m, struct device *device, const float *x, size_t n,
	int32_t *label, struct error *e)
{
	struct tensor rows = tensor_upload(device, F32, n, m->c, x);
	memset(label, 0, n * sizeof *label);
	op_nearest_center(device, rows, m->centers, m->k, m->metric == SPACE_COSINE, label, NULL);
	tensor_release(device, &rows);
	return device_sync(device, e);
}

/* --- Fitted state --------------------------------------------------------------------------- */

int kmeans_save(const struct kmeans *m, const char *path, struct error *e)
{
	struct tensor_writer *w = tensor_writer_new();
	struct buffer parameters = { 0 };
	cluster_state_begin(&parameters, CLUSTER_KMEANS, m->metric);
	cluster_state_number(&parameters, "n_clusters", (double)m->k);
	cluster_state_number(&parameters, "inertia", m->inertia);
	cluster_state_write(&parameters, w);
	tensor_writer_add(w, "centers", FILE_F64, 2, (size_t[]){ m->k, m->c }, m->centers);
	int rc = tensor_writer_save(w, path, e);
	tensor_writer_free(w);
	buffer_free(&parameters);
	return rc;
}

static int load(struct kmeans *m, const struct tensor_file *f, struct arena *arena, struct error *e)
{
	struct cluster_state state;
	if (cluster_state_read(f, &state, arena, e))
		return -1;
	const struct file_tensor *t = tensor_file_find(f, "centers");
	if (!t || t->n_dims != 2 || !t->shape[0] || !t->shape[1] ||
		t->shape[0] >= (size_t)1 << 31 || state.metric == SPACE_MANHATTAN)
		return error_set(
			e, ERROR_MODEL, "%s: not a whole saved clustering", tensor_file_path(f));
	const double *centers = tensor_file_bytes(f, "centers", FILE_F64, 2, t->shape, arena, e);
	if (!centers)
		return -1;
	for (size_t i = 0; i < t->count; i++)
		if (!isfinite(centers[i]))
			return error_set(
				e, ERROR_MODEL, "%s: a centre is not finite", tensor_file_path(f));
	*m = (struct kmeans){ .k = t->shape[0], .c = t->shape[1], .metric = state.metric };
	m->centers = MEM_ARRAY(double, t->count);
	memcpy(m->centers, centers, t->count * sizeof *centers);
	return 0;
}

int kmeans_load(struct kmeans *m, const struct tensor_file *f, struct error *e)
{
	struct arena *arena = arena_new();
	int rc = load(m, f, arena, e);
	arena_free(arena);
	return rc;
}

void kmeans_release(struct kmeans *m)
{
	mem_free(m->centers);
	mem_free(m->label);
	*m = (struct kmeans){ 0 };
}
