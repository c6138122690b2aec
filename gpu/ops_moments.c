/* ops_moments.c: see ops_moments.h. */
#include "gpu/ops_moments.h"

#include <string.h>

#include "gpu/kernels.h"
#include "gpu/moments.h"

/* Elements of triangles that wait to be added: the memory of a pass. No result depends on it. */
enum { WAITING = 8 << 20 };

static struct group_sums_arguments arguments(const struct moment *m)
{
	struct tensor x = m->x;
	CHECK(x.n_dims == 2 && x.dtype == F32 && x.shape[0] <= INT32_MAX);
	return (struct group_sums_arguments){ .x = x.data,
		.x_stride = x.stride[0],
		.n = x.shape[0],
		.columns = x.shape[1],
		.unit = m->unit,
		.square = m->square,
		.center = m->center,
		.weight = m->weight };
}

void op_group_sums(struct device *d, const struct moment *m, const int32_t *rows,
	const size_t *start, size_t n_groups, double *sums)
{
	struct group_sums_arguments a = arguments(m);
	a.rows = rows;
	a.start = start;
	a.sums = sums;
	device_run(d, KERNEL_group_sums, &a, n_groups, 1);
}

void op_moment(struct device *d, const struct moment *m, double *total)
{
	struct group_sums_arguments a = arguments(m);
	size_t groups = device_units(a.n, MOMENT_ROWS), *start = MEM_ARRAY(size_t, groups + 1);
	for (size_t g = 0; g <= groups; g++)
		start[g] = g * MOMENT_ROWS < a.n ? g * MOMENT_ROWS : a.n;
	a.start = start;
	a.sums = mem_zero(
		size_mul(groups, a.columns), sizeof *a.sums); /* stays so where the device fails */
	device_run(d, KERNEL_group_sums, &a, groups, 1);
	for (size_t g = 0; g < groups; g++)
		for (size_t c = 0; c < a.columns; c++)
			total[c] += a.sums[g * a.columns + c];
	mem_free(a.sums);
	mem_free(start);
}

/* Between a gram matrix in the host's rows and in blocks. */
static void blocks_copy(double *gram, size_t columns, double *blocks, bool to_blocks)
{
	for (size_t i = 0; i < columns; i++)
		for (size_t j = 0; j <= i; j++) {
			size_t p = i / GRAM_BLOCK, q = j / GRAM_BLOCK;
			double *own = gram + i * columns + j;
			double *there = blocks + (p * (p + 1) / 2 + q) * GRAM_AREA +
					i % GRAM_BLOCK * GRAM_BLOCK + j % GRAM_BLOCK;
			if (to_blocks)
				*there = *own;
			else
				*own = *there;
		}
}

void op_gram(struct device *d, struct tensor x, const double *center, double *gram)
{
	size_t c = x.shape[1], blocks = device_units(c, GRAM_BLOCK),
	       chunks = device_units(x.shape[0], MOMENT_ROWS);
	size_t triangle = size_mul(size_mul(blocks, blocks + 1) / 2, GRAM_AREA);
	size_t wave = triangle ? WAITING / triangle : 1;
	CHECK(x.n_dims == 2 && (x.dtype == F32 || x.dtype == F64));
	wave = wave < 1 ? 1 : wave < chunks ? wave : chunks;
	double *own = mem_zero(triangle, sizeof *own),
	       *zeros = center ? NULL : mem_zero(c, sizeof *zeros);
	blocks_copy(gram, c, own, true);
	struct arena_mark mark = device_mark(d);
	struct tensor sum = tensor_vector(d, F64, triangle),
		      parts = tensor_vector(d, F64, size_mul(wave, triangle));
	tensor_write(d, sum, own);
	for (size_t chunk = 0; chunk < chunks; chunk += wave) {
		size_t n = chunks - chunk < wave ? chunks - chunk : wave;
		size_t from = chunk * MOMENT_ROWS, left = x.shape[0] - from;
		struct gram_arguments a = { (const char *)x.data +
						    from * x.stride[0] * dtype_size(x.dtype),
			x.dtype == F64, x.stride[0],
			left < n * MOMENT_ROWS ? left : n * MOMENT_ROWS, c, blocks,
			center ? center : zeros, parts.data };
		struct gram_sum_arguments s = { sum.data, parts.data, triangle, n };
		device_run(d, KERNEL_gram, &a, n * blocks, 1);
		device_run(d, KERNEL_gram_sum, &s, triangle / GRAM_AREA, 1);
	}
	tensor_read(d, sum, own);
	device_reset(d, mark);
	blocks_copy(gram, c, own, false);
	mem_free(zeros);
	mem_free(own);
}

void op_project(
	struct device *d, struct tensor y, struct tensor x, const double *center, const double *w)
{
	CHECK(x.n_dims == 2 && x.dtype == F32 && y.n_dims == 2 && y.dtype == F32 &&
		x.shape[0] == y.shape[0]);
	struct project_arguments a = { y.data, x.data, y.stride[0], x.stride[0], x.shape[1],
		y.shape[1], center, w };
	device_run(d, KERNEL_project, &a, y.shape[0], 8);
}
