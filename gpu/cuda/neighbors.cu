/*
 * neighbors.cu: the k nearest rows. The distances of a block of rows to a block of columns are made
 * by the product's kernel (64 MB of them, about what the second-level cache holds), then a warp a row
 * looks at them, 32 at a time, and keeps its list. The order of the offers does not matter (lists.h).
 */
#include "gpu/cuda/lists.h"
#include "gpu/cuda/product.h"

enum : size_t { BLOCK = 4096 };
enum { THREADS = 256, ROWS = THREADS / WARP };

/* y [rows, columns] offered to the lists of the rows; columns count from `first` on. */
static __global__ void __launch_bounds__(THREADS) look_kernel(struct nearest_lists lists,
	const float *y, size_t row, size_t rows, size_t first, size_t columns)
{
	size_t own = (size_t)blockIdx.x * ROWS + threadIdx.x / WARP;
	if (own >= rows)
		return;
	float *values = lists.values + (row + own) * lists.k;
	int32_t *indices = lists.indices + (row + own) * lists.k;
	for (size_t j = 0; j < columns; j += WARP) {
		size_t at = j + threadIdx.x % WARP;
		bool real = at < columns;
		list_offer(values, indices, lists.k, real ? y[own * columns + at] : 0,
			static_cast<uint32_t>(first + at), real);
	}
}

static void look(struct lane *lane, const struct nearest_arguments *a, float *y, size_t row,
	size_t rows, size_t first, size_t columns)
{
	struct product p = {};
	p.y = y;
	p.y_stride = columns;
	p.x = a->q + row * a->q_stride;
	p.x_stride = a->q_stride;
	p.w = weight_floats(a->w) + first * a->w->stride;
	p.w_stride = a->w->stride;
	p.rows = rows;
	p.n = columns;
	p.k = a->w->k;
	if (a->nearest == NEAREST_MANHATTAN) {
		cuda_manhattan(lane, &p);
	} else {
		p.xx = a->qq + row;
		p.ww = a->ww + first;
		cuda_product(lane, &p);
	}
	LAUNCH(look_kernel, cuda_blocks(rows, ROWS), THREADS, 0, cuda_stream(lane), a->lists, y,
		row, rows, first, columns);
	LAUNCHED(lane, "nearest");
}

static size_t part(size_t n, size_t from)
{
	return n - from < BLOCK ? n - from : (size_t)BLOCK;
}

static void nearest(struct lane *lane, const struct nearest_arguments *a)
{
	struct arena_mark mark = cuda_arena_mark(lane);
	float *y = cuda_floats(lane, size_mul(part(a->m, 0), part(a->w->n, 0)));
	for (size_t row = 0; y && row < a->m; row += BLOCK)
		for (size_t first = 0; first < a->w->n; first += BLOCK)
			look(lane, a, y, row, part(a->m, row), first, part(a->w->n, first));
	cuda_arena_reset(lane, mark);
}

CUDA_KERNEL(nearest_pairs)
{
	(void)n;
	nearest(lane, static_cast<const struct nearest_arguments *>(arguments));
}

CUDA_KERNEL(nearest_rows)
{
	(void)n;
	nearest(lane, static_cast<const struct nearest_arguments *>(arguments));
}
