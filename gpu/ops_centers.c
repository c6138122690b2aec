/* ops_centers.c: see ops_centers.h. */
#include "gpu/ops_centers.h"

#include <math.h>

#include "gpu/centers.h"
#include "gpu/kernels.h"

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

static size_t units(size_t n, size_t size)
{
	return n / size + (n % size != 0);
}

void op_nearest_center(struct device *d, struct tensor x, const double *centers, size_t k,
	bool unit, int32_t *label, double *raw)
{
	struct nearest_center_arguments a = arguments(d, x, centers, k, unit);
	a.label = label;
	a.raw = raw;
	device_run(d, KERNEL_nearest_center, &a, units(a.rows, CENTER_ROWS), 1);
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
	device_run(d, KERNEL_closer, &a, units(n, CENTER_ROWS), 4);
	device_run(d, KERNEL_chunk_sums, &s, size_mul(n_centers, units(n, CENTER_CHUNK)), 1);
	blocks_free(&a.to);
}
