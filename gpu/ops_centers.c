/* ops_centers.c: see ops_centers.h. */
#include "gpu/ops_centers.h"

#include <math.h>

#include "gpu/centers.h"
#include "gpu/kernels.h"
#include "gpu/ops.h"

/* Centres [K, C] as blocks of CENTER_LANES, each [C, CENTER_LANES]; those behind the last are infinitely
 * far. */
static double *center_blocks(const double *centers, size_t k, size_t c)
{
	size_t lanes = (k + CENTER_LANES - 1) / CENTER_LANES * CENTER_LANES;
	double *blocks = MEM_ARRAY(double, size_mul(lanes, c));
	for (size_t i = 0; i < lanes; i++)
		for (size_t j = 0; j < c; j++)
			blocks[(i / CENTER_LANES * c + j) * CENTER_LANES + i % CENTER_LANES] =
				i < k ? centers[i * c + j] : INFINITY;
	return blocks;
}

static struct nearest_center_arguments arguments(
	struct device *d, struct tensor x, const double *centers, size_t k, bool unit)
{
	CHECK(x.n_dims == 2 && x.dtype == F32 && k >= 1 && k <= INT32_MAX);
	return (struct nearest_center_arguments){ .x = x.data,
		.x_stride = x.stride[0],
		.rows = x.shape[0],
		.columns = x.shape[1],
		.k = k,
		.unit = unit,
		.centers = centers,
		.blocks = d->backend ? NULL : center_blocks(centers, k, x.shape[1]) };
}

static void blocks_free(const struct nearest_center_arguments *a)
{
	union {
		const double *given;
		void *own;
	} blocks = { .given = a->blocks };
	mem_free(blocks.own);
}

/* Where products pay: with fewer columns or centres the distances cost less. No result depends on
 * it. */
enum { FILTER_COLUMNS = 48, FILTER_CENTERS = 24, FILTER_PRODUCTS = 1 << 20 };

static bool filters(size_t c)
{
	return c >= FILTER_COLUMNS && c < 1 << 16;
}

/* Bounds of the errors, see gpu/cpu/centers.c; length and square [K] and rounded [K, C] are filled
 * in. */
static struct center_filter filter_new(
	const double *centers, size_t k, size_t c, double *length, double *square, float *rounded)
{
	for (size_t i = 0; i < k; i++) {
		square[i] = 0;
		for (size_t j = i * c; j < (i + 1) * c; j++) {
			rounded[j] = (float)centers[j];
			square[i] += centers[j] * centers[j];
		}
		length[i] = sqrt(square[i]);
	}
	return (struct center_filter){ NULL, rounded, length, square, (double)(c + 4) * 0x1.04p-24,
		(double)c * 0x1p-148 };
}

static void filtered(struct device *d, struct tensor x, struct nearest_center_arguments a)
{
	size_t n = a.rows, c = a.columns, step = FILTER_PRODUCTS / a.k / CENTER_ROWS * CENTER_ROWS;
	float *rounded = MEM_ARRAY(float, size_mul(a.k, c));
	double *norms = MEM_ARRAY(double, size_mul(2, a.k));
	int32_t *label = a.label;
	struct center_filter f = filter_new(a.centers, a.k, c, norms, norms + a.k, rounded);
	struct weight *w = weight_new(d, F32, a.k, c, c, rounded, NULL);
	struct arena_mark mark = device_mark(d);
	step = step ? step : CENTER_ROWS;
	struct tensor y = tensor_matrix(d, F32, step < n ? step : n, a.k);
	f.products = y.data;
	a.filter = &f;
	for (size_t i = 0; i < n; i += step) {
		struct tensor part = tensor_rows(x, i, n - i < step ? n - i : step);
		a.x = part.data;
		a.rows = part.shape[0];
		a.label = label + i;
		op_linear(d, tensor_rows(y, 0, a.rows), part, w, ACTIVATION_NONE);
		device_run(d, KERNEL_nearest_center, &a, device_units(a.rows, CENTER_ROWS), 1);
	}
	device_reset(d, mark);
	weight_free(w);
	mem_free(norms);
	mem_free(rounded);
}

void op_nearest_center(struct device *d, struct tensor x, const double *centers, size_t k,
	bool unit, int32_t *label, double *raw)
{
	struct nearest_center_arguments a = arguments(d, x, centers, k, unit);
	a.label = label;
	a.raw = raw;
	bool few = !filters(a.columns) || k < FILTER_CENTERS;
	if (d->backend || raw || few)
		device_run(d, KERNEL_nearest_center, &a, device_units(a.rows, CENTER_ROWS), 1);
	else
		filtered(d, x, a);
	blocks_free(&a);
}

static bool is_vector(struct tensor t, size_t n)
{
	return t.n_dims == 1 && t.dtype == F64 && t.shape[0] == n;
}

void op_closer(struct device *d, struct tensor x, const double *centers, size_t n_centers,
	bool unit, struct tensor nearest, const struct tensor *closer, double *sums)
{
	size_t n = x.shape[0];
	CHECK(n_centers <= CENTER_LANES && is_vector(nearest, n));
	struct closer_arguments a = { .to = arguments(d, x, centers, n_centers, unit),
		.nearest = nearest.data };
	struct chunk_sums_arguments s = { .sums = sums, .k = n_centers, .n = n };
	for (size_t t = 0; t < n_centers; t++) {
		CHECK(is_vector(closer[t], n));
		s.x[t] = a.closer[t] = closer[t].data;
	}
	double norms[2 * CENTER_LANES];
	float *rounded = NULL;
	struct center_filter f;
	if (!d->backend && filters(x.shape[1])) {
		rounded = MEM_ARRAY(float, size_mul(n_centers, x.shape[1]));
		f = filter_new(
			centers, n_centers, x.shape[1], norms, norms + CENTER_LANES, rounded);
		a.to.filter = &f;
	}
	device_run(d, KERNEL_closer, &a, device_units(n, CENTER_ROWS), 4);
	mem_free(rounded);
	device_run(d, KERNEL_chunk_sums, &s, size_mul(n_centers, device_units(n, CENTER_CHUNK)), 1);
	blocks_free(&a.to);
}
