/*
 * pool.cu: one vector for a sequence: pooled tokens, sums of rows of a table, sums down columns. Down
 * a column a sum is the product with ones (ops.h): a thread a column, blocks of 256 rows. The sum of
 * all rows of a matrix gives each 256 rows a block of their own and adds the sums in order.
 */
#include "gpu/cuda/lanes.h"

enum { THREADS = 128, ROWS = THREADS / LANES };

/* factor(t) term(t) over t < rows, blocks of 256 added in order. */
template <typename Factor, typename Term>
DEVICE_FN float weighted_sum(size_t rows, Factor factor, Term term)
{
	float total = 0;
	for (size_t b = 0; b < rows; b += BLOCK_K) {
		size_t end = rows - b < BLOCK_K ? rows : b + BLOCK_K;
		float s = 0;
		for (size_t t = b; t < end; t++)
			s = math_fma(factor(t), term(t), s);
		total = b ? total + s : s;
	}
	return total;
}

DEVICE_FN float maximum(const float *x, size_t stride, size_t rows)
{
	float top = x[0];
	for (size_t t = 1; t < rows; t++) {
		float v = x[t * stride];
		top = v > top || v != v ? v : top;
	}
	return top + 0.0f;
}

DEVICE_FN float pool_column(enum pooling pooling, const float *x, size_t stride, size_t n)
{
	float count = static_cast<float>(n);
	auto term = [=](size_t t) { return x[t * stride]; };
	if (n == 0)
		return 0;
	switch (pooling) {
	case POOLING_CLS:
		return x[0];
	case POOLING_LAST:
		return x[(n - 1) * stride];
	case POOLING_MAX:
		return maximum(x, stride, n);
	case POOLING_WEIGHTED_MEAN:
		return weighted_sum(
			       n, [](size_t t) { return static_cast<float>(t + 1); }, term) /
		       (count * (count + 1) / 2);
	default:
		return weighted_sum(
			       n, [](size_t) { return 1.0f; }, term) /
		       count;
	}
}

/* blockIdx.x: the sequence, and so below. */
static __global__ void __launch_bounds__(THREADS) pool_kernel(struct pool_arguments a)
{
	size_t b = blockIdx.x, first = a.cu_seqlens[b], rows = a.cu_seqlens[b + 1] - first;
	for (size_t c = threadIdx.x; c < a.columns; c += THREADS)
		a.y[b * a.y_stride + c] =
			pool_column(a.pooling, a.x + first * a.x_stride + c, a.x_stride, rows);
}

CUDA_KERNEL(pool)
{
	struct pool_arguments a = *static_cast<const struct pool_arguments *>(arguments);
	a.cu_seqlens = STAGE(lane, a.cu_seqlens, n + 1);
	if (cuda_failed(lane))
		return;
	LAUNCH(pool_kernel, cuda_blocks(n, 1), THREADS, 0, lane, a);
	LAUNCHED(lane, "pool");
}

template <typename T>
static __global__ void __launch_bounds__(THREADS) bag_kernel(struct bag_arguments a)
{
	size_t b = blockIdx.x, first = a.cu_seqlens[b], rows = a.cu_seqlens[b + 1] - first;
	const uint32_t *ids = a.ids + first;
	for (size_t c = threadIdx.x; c < a.columns; c += THREADS) {
		const T *table = static_cast<const T *>(a.table) + c;
		float sum = weighted_sum(
			rows, [=](size_t t) { return a.scales ? a.scales[ids[t]] : 1.0f; },
			[=](size_t t) {
				return static_cast<float>(table[ids[t] * a.table_stride]);
			});
		a.y[b * a.y_stride + c] = a.mean && rows ? sum / static_cast<float>(rows) : sum;
	}
}

CUDA_KERNEL(bag)
{
	struct bag_arguments a = *static_cast<const struct bag_arguments *>(arguments);
	a.ids = STAGE(lane, a.ids, a.cu_seqlens[n]);
	a.cu_seqlens = STAGE(lane, a.cu_seqlens, n + 1);
	if (cuda_failed(lane))
		return;
	auto kernel = a.dtype == I8 ? bag_kernel<int8_t> : bag_kernel<float>;
	LAUNCH(kernel, cuda_blocks(n, 1), THREADS, 0, lane, a);
	LAUNCHED(lane, "bag");
}

/* part [blocks, columns]: the sums of each 256 rows. */
static __global__ void __launch_bounds__(THREADS)
	column_parts_kernel(struct column_sum_arguments a, float *part)
{
	size_t b = blockIdx.x, first = b * BLOCK_K;
	size_t rows = a.rows - first < BLOCK_K ? a.rows - first : BLOCK_K;
	for (size_t c = threadIdx.x; c < a.columns; c += THREADS) {
		const float *x = a.x + first * a.x_stride + c;
		float s = 0;
		for (size_t t = 0; t < rows; t++)
			s = s + x[t * a.x_stride];
		part[b * a.columns + c] = s;
	}
}

static __global__ void __launch_bounds__(THREADS)
	column_sum_kernel(struct column_sum_arguments a, const float *part, size_t parts)
{
	size_t c = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (c >= a.columns)
		return;
	float sum = parts ? part[c] : 0;
	for (size_t b = 1; b < parts; b++)
		sum = sum + part[b * a.columns + c];
	a.y[c] = sum;
}

CUDA_KERNEL(column_sum)
{
	auto a = static_cast<const struct column_sum_arguments *>(arguments);
	size_t parts = (a->rows + BLOCK_K - 1) / BLOCK_K;
	(void)n;
	struct arena_mark mark = cuda_arena_mark(lane);
	float *part = cuda_floats(lane, size_mul(parts, a->columns));
	if (part && parts) {
		LAUNCH(column_parts_kernel, cuda_blocks(parts, 1), THREADS, 0, lane,
			*a, part);
		LAUNCHED(lane, "column_sum");
	}
	if (part) {
		LAUNCH(column_sum_kernel, cuda_blocks(a->columns, THREADS), THREADS, 0,
			lane, *a, part, parts);
		LAUNCHED(lane, "column_sum");
	}
	cuda_arena_reset(lane, mark);
}

static __global__ void __launch_bounds__(THREADS)
	normalize_kernel(struct normalize_arguments a, size_t rows)
{
	size_t own = (size_t)blockIdx.x * ROWS + threadIdx.x / LANES;
	bool keep = own < rows;
	const float *x = a.x + (keep ? own : 0) * a.x_stride;
	float norm = sqrtf(lanes_sum(
		a.columns, [=](float s, size_t i) { return keep ? math_fma(x[i], x[i], s) : s; }));
	norm = norm < 1e-12f ? 1e-12f : norm;
	for (size_t i = threadIdx.x % LANES; keep && i < a.columns; i += LANES)
		a.y[own * a.y_stride + i] = x[i] / norm;
}

CUDA_KERNEL(normalize)
{
	auto a = static_cast<const struct normalize_arguments *>(arguments);
	LAUNCH(normalize_kernel, cuda_blocks(n, ROWS), THREADS, 0, lane, *a, n);
	LAUNCHED(lane, "normalize");
}
