/*
 * neighbors.cu: the k nearest rows. The distances of a block of rows to a block of columns are made
 * by the product's kernel (at most 256 MB of them); then a warp a row looks at them, 256 at a time, and
 * keeps its list. Among the rows of one matrix a pair of blocks is computed once: then a thread a
 * column goes down the same distances for the columns' lists. The order of the offers does not matter
 * (lists.h).
 */
#include "gpu/cuda/lists.h"
#include "gpu/cuda/product.h"

enum : size_t { BLOCK = 8192, LEAST_BLOCK = 256, LEAST_BLOCKS = 4 };
constexpr int THREADS = 128, ROWS = THREADS / WARP, RUN = 8, DOWN = 16;

/* y [rows, columns] offered to the lists of the rows; columns count from `first` on. */
static __global__ void __launch_bounds__(THREADS) look_kernel(struct nearest_lists lists,
	const float *y, size_t row, size_t rows, size_t first, size_t columns)
{
	size_t own = (size_t)blockIdx.x * ROWS + threadIdx.x / WARP;
	if (own >= rows)
		return;
	float *values = lists.values + (row + own) * lists.k;
	int32_t *indices = lists.indices + (row + own) * lists.k;
	const float *line = y + own * columns;
	for (size_t j = 0; j < columns; j += RUN * WARP) {
		float v[RUN], worst = values[lists.k - 1];
		bool any = false;
#pragma unroll
		for (int i = 0; i < RUN; i++) {
			size_t at = j + i * WARP + threadIdx.x % WARP;
			v[i] = at < columns ? line[at] : NAN;
			any = any || v[i] <= worst;
		}
		if (!__any_sync(ALL, any))
			continue;
#pragma unroll
		for (int i = 0; i < RUN; i++) {
			size_t at = j + i * WARP + threadIdx.x % WARP;
			list_offer(values, indices, lists.k, v[i],
				static_cast<uint32_t>(first + at), at < columns);
		}
	}
}

/* One thread's own list: as list_insert. */
DEVICE_FN void insert_alone(float *values, int32_t *indices, size_t k, float value, uint32_t index)
{
	size_t at = k - 1;
	for (; at > 0 && list_before(value, index, values[at - 1], indices[at - 1]); at--) {
		values[at] = values[at - 1];
		indices[at] = indices[at - 1];
	}
	values[at] = value;
	indices[at] = static_cast<int32_t>(index);
}

/* The rows, which count from `row` on, offered to the lists of the columns. */
static __global__ void __launch_bounds__(THREADS) look_down_kernel(struct nearest_lists lists,
	const float *y, size_t row, size_t rows, size_t first, size_t columns)
{
	size_t own = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (own >= columns)
		return;
	float *values = lists.values + (first + own) * lists.k, worst = values[lists.k - 1];
	int32_t *indices = lists.indices + (first + own) * lists.k;
	for (size_t i = 0; i < rows; i += DOWN) {
		float v[DOWN];
#pragma unroll
		for (int l = 0; l < DOWN; l++)
			v[l] = i + l < rows ? y[(i + l) * columns + own] : NAN;
#pragma unroll
		for (int l = 0; l < DOWN; l++) {
			uint32_t index = static_cast<uint32_t>(row + i + l);
			if (!(v[l] <= worst) ||
				!list_before(v[l], index, worst, indices[lists.k - 1]))
				continue;
			insert_alone(values, indices, lists.k, v[l] + 0.0f, index);
			worst = values[lists.k - 1];
		}
	}
}

/* y of a block of rows and one of columns, offered to the rows, and with `down` to the columns. */
static void look(struct lane *lane, const struct nearest_arguments *a, float *y, size_t row,
	size_t rows, size_t first, size_t columns, bool down)
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
	LAUNCH(look_kernel, cuda_blocks(rows, ROWS), THREADS, 0, lane, a->lists, y,
		row, rows, first, columns);
	if (down)
		LAUNCH(look_down_kernel, cuda_blocks(columns, THREADS), THREADS, 0,
			lane, a->lists, y, row, rows, first, columns);
	LAUNCHED(lane, "nearest");
}

/* Several blocks even of few rows, so that they share the card's processors. */
static size_t block_of(size_t n)
{
	size_t block = BLOCK;
	while (block > LEAST_BLOCK && n < LEAST_BLOCKS * block)
		block /= 2;
	return block;
}

static size_t part(size_t n, size_t from, size_t block)
{
	return n - from < block ? n - from : block;
}

/* pairs: the rows are the columns, and each pair of blocks is looked at once. */
static void nearest(struct lane *lane, const struct nearest_arguments *a, bool pairs)
{
	size_t n = a->w->n, high = block_of(a->m), wide = block_of(n);
	struct arena_mark mark = cuda_arena_mark(lane);
	float *y = cuda_floats(lane, size_mul(part(a->m, 0, high), part(n, 0, wide)));
	for (size_t row = 0; y && row < a->m; row += high)
		for (size_t first = pairs ? row : 0; first < n; first += wide)
			look(lane, a, y, row, part(a->m, row, high), first, part(n, first, wide),
				pairs && first > row);
	cuda_arena_reset(lane, mark);
}

CUDA_KERNEL(nearest_pairs)
{
	(void)n;
	nearest(lane, static_cast<const struct nearest_arguments *>(arguments), true);
}

CUDA_KERNEL(nearest_rows)
{
	(void)n;
	nearest(lane, static_cast<const struct nearest_arguments *>(arguments), false);
}
