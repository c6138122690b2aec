/*
 * pool.cu: one vector for a sequence: pooled tokens, sums of rows of a table, sums down columns.
 * Down a column a sum is the product with ones (ops.h): blocks of 256 rows, added in order. A
 * thread has a column of such a block, one chain, and asks for 16 or 32 rows ahead of it. 128
 * threads have as many columns of a sequence, or where one has more than 256 rows a warp has 32 of
 * them, and the next warps the next blocks of rows.
 */
#include "gpu/cuda/lanes.h"

enum { THREADS = 128 };

/* Rows 0 .. rows - 1 of a block in order: s = step(s, term(at), t), at = first + t stride. */
template <typename T, typename Term, typename Step>
DEVICE_FN float block_fold(
	float s, int rows, const T *first, size_t stride, Term term, Step step)
{
	constexpr int AHEAD = 32 * sizeof(float) / sizeof(term(first));
	for (int from = 0; from < rows; from += AHEAD) {
		int left = rows - from;
		decltype(term(first)) ahead[AHEAD];
#pragma unroll
		for (int i = 0; i < AHEAD; i++, first += stride)
			if (i < left)
				ahead[i] = term(first);
#pragma unroll
		for (int i = 0; i < AHEAD; i++)
			if (i < left)
				s = step(s, ahead[i], from + i);
	}
	return s;
}

/* How sequences are cut: blocks of threads have `width` columns, `chunks` of them a sequence; none
 * where there are no columns. */
struct cut {
	int width;
	unsigned chunks, blocks;
};

static struct cut cut_of(size_t n, const size_t *cu_seqlens, size_t columns)
{
	int width = THREADS;
	for (size_t b = 0; b < n; b++)
		if (cu_seqlens[b + 1] - cu_seqlens[b] > BLOCK_K)
			width = WARP;
	unsigned chunks = cuda_blocks(columns, width);
	return { width, chunks, cuda_blocks(size_mul(n, chunks), 1) };
}

/* A thread's share: its column, beyond the last that one, and which of the parts of the rows. The
 * first part stores what all find. */
struct share {
	size_t sequence, first, rows, column;
	int width, part, parts;
	bool stores;
};

DEVICE_FN struct share share_of(struct cut cut, const size_t *cu_seqlens, size_t columns)
{
	size_t b = blockIdx.x / cut.chunks;
	size_t c = (size_t)(blockIdx.x % cut.chunks) * cut.width + threadIdx.x % cut.width;
	int part = threadIdx.x / cut.width;
	return { b, cu_seqlens[b], cu_seqlens[b + 1] - cu_seqlens[b],
		c < columns ? c : columns - 1, cut.width, part, THREADS / cut.width,
		c < columns && part == 0 };
}

/* As block_fold, of each block of 256 rows of a sequence, then of these in order: total =
 * join(total, s). */
template <typename T, typename Term, typename Step, typename Join>
DEVICE_FN float rows_fold(const struct share &o, float start, const T *first, size_t stride,
	Term term, Step step, Join join)
{
	__shared__ float part[THREADS];
	float total = start;
	for (size_t from = 0; from < o.rows; from += o.parts * BLOCK_K) {
		size_t at = from + o.part * BLOCK_K, left = at < o.rows ? o.rows - at : 0;
		part[threadIdx.x] = block_fold(
			start, static_cast<int>(left < BLOCK_K ? left : BLOCK_K),
			first + at * stride, stride, term,
			[=](float s, auto v, int t) { return step(s, v, at + t); });
		__syncthreads();
		for (int p = 0; p < o.parts && from + p * BLOCK_K < o.rows; p++) {
			float s = part[p * o.width + threadIdx.x % o.width];
			total = from + p ? join(total, s) : s;
		}
		__syncthreads();
	}
	return total;
}

DEVICE_FN float itself(const float *x)
{
	return *x;
}

DEVICE_FN float sum(float a, float b)
{
	return a + b;
}

DEVICE_FN float larger(float top, float v)
{
	return v > top || v != v ? v : top;
}

DEVICE_FN float pool_column(
	enum pooling pooling, const struct share &o, const float *x, size_t stride)
{
	float count = static_cast<float>(o.rows);
	if (o.rows == 0)
		return 0;
	switch (pooling) {
	case POOLING_CLS:
		return x[0];
	case POOLING_LAST:
		return x[(o.rows - 1) * stride];
	case POOLING_MAX:
		return rows_fold(o, -INFINITY, x, stride, itself,
			       [](float s, float v, size_t) { return larger(s, v); }, larger) +
		       0.0f;
	case POOLING_WEIGHTED_MEAN:
		return rows_fold(o, 0, x, stride, itself,
			       [](float s, float v, size_t t) {
				       return math_fma(static_cast<float>(t + 1), v, s);
			       },
			       sum) /
		       (count * (count + 1) / 2);
	default:
		return rows_fold(o, 0, x, stride, itself,
			       [](float s, float v, size_t) { return s + v; }, sum) /
		       count;
	}
}

static __global__ void __launch_bounds__(THREADS, 7)
	pool_kernel(struct pool_arguments a, struct cut cut)
{
	struct share o = share_of(cut, a.cu_seqlens, a.columns);
	float y = pool_column(a.pooling, o, a.x + o.first * a.x_stride + o.column, a.x_stride);
	if (o.stores)
		a.y[o.sequence * a.y_stride + o.column] = y;
}

CUDA_KERNEL(pool)
{
	struct pool_arguments a = *static_cast<const struct pool_arguments *>(arguments);
	struct cut cut = cut_of(n, a.cu_seqlens, a.columns);
	a.cu_seqlens = STAGE(lane, a.cu_seqlens, n + 1);
	if (cuda_failed(lane) || cut.blocks == 0)
		return;
	LAUNCH(pool_kernel, cut.blocks, THREADS, 0, lane, a, cut);
	LAUNCHED(lane, "pool");
}

struct scaled {
	float scale, value;
};

template <typename T>
static __global__ void __launch_bounds__(THREADS, 4)
	bag_kernel(struct bag_arguments a, struct cut cut)
{
	struct share o = share_of(cut, a.cu_seqlens, a.columns);
	const T *table = static_cast<const T *>(a.table) + o.column;
	float y = rows_fold(
		o, 0, a.ids + o.first, 1,
		[=](const uint32_t *id) -> struct scaled {
			return { a.scales ? a.scales[*id] : 1.0f,
				static_cast<float>(table[*id * a.table_stride]) };
		},
		[](float s, struct scaled v, size_t) { return math_fma(v.scale, v.value, s); },
		sum);
	if (o.stores)
		a.y[o.sequence * a.y_stride + o.column] =
			a.mean && o.rows ? y / static_cast<float>(o.rows) : y;
}

CUDA_KERNEL(bag)
{
	struct bag_arguments a = *static_cast<const struct bag_arguments *>(arguments);
	struct cut cut = cut_of(n, a.cu_seqlens, a.columns);
	a.ids = STAGE(lane, a.ids, a.cu_seqlens[n]);
	a.cu_seqlens = STAGE(lane, a.cu_seqlens, n + 1);
	if (cuda_failed(lane) || cut.blocks == 0)
		return;
	auto kernel = a.dtype == I8 ? bag_kernel<int8_t> : bag_kernel<float>;
	LAUNCH(kernel, cut.blocks, THREADS, 0, lane, a, cut);
	LAUNCHED(lane, "bag");
}

/* part [blocks, columns]: the sums of each 256 rows, `chunks` blocks of threads for each. */
static __global__ void __launch_bounds__(THREADS)
	column_parts_kernel(struct column_sum_arguments a, float *part, unsigned chunks)
{
	size_t b = blockIdx.x / chunks, left = a.rows - b * BLOCK_K;
	size_t c = (size_t)(blockIdx.x % chunks) * THREADS + threadIdx.x;
	const float *x = a.x + b * BLOCK_K * a.x_stride + c;
	if (c < a.columns)
		part[b * a.columns + c] = block_fold(
			0, static_cast<int>(left < BLOCK_K ? left : BLOCK_K), x, a.x_stride, itself,
			[](float s, float v, int) { return s + v; });
}

static __global__ void __launch_bounds__(THREADS)
	column_sum_kernel(struct column_sum_arguments a, const float *part, size_t parts)
{
	size_t c = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (c >= a.columns)
		return;
	a.y[c] = block_fold(0, static_cast<int>(parts), part + c, a.columns, itself,
		[](float s, float v, int) { return s + v; }); /* the first is no -0 */
}

CUDA_KERNEL(column_sum)
{
	auto a = static_cast<const struct column_sum_arguments *>(arguments);
	size_t parts = (a->rows + BLOCK_K - 1) / BLOCK_K;
	(void)n;
	struct arena_mark mark = cuda_arena_mark(lane);
	float *part = cuda_floats(lane, size_mul(parts, a->columns));
	if (part && parts) {
		unsigned chunks = cuda_blocks(a->columns, THREADS);
		LAUNCH(column_parts_kernel, cuda_blocks(size_mul(parts, chunks), 1), THREADS, 0,
			lane, *a, part, chunks);
		LAUNCHED(lane, "column_sum");
	}
	if (part) {
		LAUNCH(column_sum_kernel, cuda_blocks(a->columns, THREADS), THREADS, 0,
			lane, *a, part, parts);
		LAUNCHED(lane, "column_sum");
	}
	cuda_arena_reset(lane, mark);
}

DEVICE_FN float norm_of(float squares)
{
	float norm = sqrtf(squares);
	return norm < 1e-12f ? 1e-12f : norm;
}

template <typename F>
static __global__ void __launch_bounds__(F::THREADS, F::BLOCKS)
	normalize_kernel(struct normalize_arguments a, size_t rows)
{
	constexpr int W = F::W;
	size_t row;
	unsigned warp;
	if (!row_own<F>(rows, &row, &warp))
		return;
	const float *x = a.x + row * a.x_stride;
	float *y = a.y + row * a.y_stride;
	if constexpr (F::OWN > 0) {
		floats<W> own[F::OWN], squares = {};
		row_each<F>(a.columns, own, [=](int i, floats<W> &v) { v = get<W>(x + i); });
		row_each<F>(a.columns, own, [&](int, floats<W> &v) {
#pragma unroll
			for (int j = 0; j < W; j++)
				squares.v[j] = math_fma(v.v[j], v.v[j], squares.v[j]);
		});
		float norm = norm_of(lanes_tree(squares, warp));
		row_each<F>(a.columns, own, [=](int i, floats<W> &v) {
#pragma unroll
			for (int j = 0; j < W; j++)
				v.v[j] = v.v[j] / norm;
			put(y + i, v);
		});
	} else {
		auto add = [=](float s, size_t i) { return math_fma(x[i], x[i], s); };
		float norm = norm_of(lanes_sum(a.columns, add, warp));
		for (size_t i = lanes_own<1>(); i < a.columns; i += LANES)
			y[i] = x[i] / norm;
	}
}

CUDA_KERNEL(normalize)
{
	auto a = static_cast<const struct normalize_arguments *>(arguments);
	bool fours = by_fours(a->x, a->x_stride) && by_fours(a->y, a->y_stride);
	rows_launch(a->columns, fours, [=](auto form) {
		typedef decltype(form) F;
		auto kernel = normalize_kernel<F>;
		LAUNCH(kernel, cuda_blocks(n, F::ROWS), F::THREADS, 0, lane, *a, n);
	});
	LAUNCHED(lane, "normalize");
}
