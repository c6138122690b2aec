/*
 * linear.cu: y = act(x w^T + bias) in the one arithmetic (ops.h), on CUDA cores.
 *
 * A block of 256 threads computes a tile of y, 128 x 128 by 8 x 8 a thread, or 64 x 64 by 4 x 4 where
 * the larger tiles would not fill the card. k advances 8 (or 16) at a time through two shared
 * buffers, read from global memory a step ahead, four floats a thread, transposed on the way in, so
 * that the inner loop is loads of four floats and chains of fma. A block of 256 of k ends in y: stored, or added to what is there (in the
 * second-level cache: 12 bytes an element for each 256 of k). Where even small tiles are few, the
 * blocks of k go to blocks of their own (gridDim.z) and are added in order by a second kernel: the
 * same bits. k is never padded; rows and columns past the end repeat the last, and are not stored.
 * All memory goes by fours: matrices whose rows do not lie so are copied, and a y that does not is
 * written by the second kernel.
 *
 * Tried on paper and left: sums in registers instead of y (190 registers, one block a processor).
 */
#include "gpu/cuda/product.h"

enum { THREADS = 256 };
enum term { TERM_PRODUCT, TERM_ABSOLUTE };

/* What a thread brings into shared memory: four elements of k of one row of a tile. */
template <int TILE, int STEP> struct strip {
	const float *from;
	float4 value;

	static __device__ __forceinline__ int own_k(void)
	{
		return threadIdx.x % (STEP / 4) * 4;
	}

	static __device__ __forceinline__ int own_row(void)
	{
		return threadIdx.x / (STEP / 4);
	}

	__device__ __forceinline__ void init(
		const float *x, size_t stride, size_t first, size_t rows)
	{
		size_t row = first + own_row();
		from = x + (row < rows ? row : rows - 1) * stride + own_k();
	}

	__device__ __forceinline__ void read(int k, int end)
	{
		int left = end - k - own_k();
		value = make_float4(0, 0, 0, 0);
		if (left >= 4) {
			value = *reinterpret_cast<const float4 *>(from + k);
			return;
		}
		if (left > 0)
			value.x = from[k];
		if (left > 1)
			value.y = from[k + 1];
		if (left > 2)
			value.z = from[k + 2];
	}

	__device__ __forceinline__ void store(float (*to)[TILE + 4]) const
	{
		to[own_k()][own_row()] = value.x;
		to[own_k() + 1][own_row()] = value.y;
		to[own_k() + 2][own_row()] = value.z;
		to[own_k() + 3][own_row()] = value.w;
	}
};

/* Element e of a thread's SIDE rows or columns: four that follow each other, the next four `apart`
 * further. */
template <int SIDE> DEVICE_FN void read_side(const float *line, int apart, float *out)
{
#pragma unroll
	for (int i = 0; i < SIDE; i += 4) {
		float4 v = *reinterpret_cast<const float4 *>(line + i / 4 * apart);
		out[i] = v.x;
		out[i + 1] = v.y;
		out[i + 2] = v.z;
		out[i + 3] = v.w;
	}
}

template <int SIDE, enum term T>
DEVICE_FN void step(const float *x, const float *w, float (*c)[SIDE])
{
	float a[SIDE], b[SIDE];
	read_side<SIDE>(x, 16, a);
	read_side<SIDE>(w, 32, b);
#pragma unroll
	for (int i = 0; i < SIDE; i++)
#pragma unroll
		for (int j = 0; j < SIDE; j++)
			c[i][j] = T == TERM_PRODUCT ? math_fma(a[i], b[j], c[i][j])
						    : c[i][j] + fabsf(a[i] - b[j]);
}

DEVICE_FN float finish(const struct product &p, float sum, size_t row, size_t column)
{
	if (p.xx) {
		float d = (p.xx[row] + p.ww[column]) - 2 * sum;
		return d < 0 ? 0 : d;
	}
	return p.bias ? sum + p.bias[column] : sum;
}

template <enum activation F> static __device__ __noinline__ void apply(float *y, size_t n)
{
	for (size_t j = 0; j < n; j++)
		y[j] = activate(F, y[j]);
}

/* The activation over n elements of y that this thread has just stored: a loop of its own keeps the
 * functions out of the unrolled code. */
DEVICE_FN void apply_activation(enum activation f, float *y, size_t n)
{
	switch (f) {
	case ACTIVATION_GELU:
		apply<ACTIVATION_GELU>(y, n);
		break;
	case ACTIVATION_GELU_TANH:
		apply<ACTIVATION_GELU_TANH>(y, n);
		break;
	case ACTIVATION_RELU:
		apply<ACTIVATION_RELU>(y, n);
		break;
	case ACTIVATION_TANH:
		apply<ACTIVATION_TANH>(y, n);
		break;
	default:
		break;
	}
}

/* Where a thread's corner of the tile is. A warp covers 4 x 8 threads, the warps are 4 x 2. */
template <int SIDE> DEVICE_FN int tile_row(void)
{
	int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
	return warp % 4 * 4 * SIDE + lane / 8 * 4;
}

template <int SIDE> DEVICE_FN int tile_column(void)
{
	int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
	return warp / 4 * 8 * SIDE + lane % 8 * 4;
}

/* A block of k is done: y = c, or y + c. */
template <int SIDE>
DEVICE_FN void put(float *y, size_t stride, int rows, int columns, float (*c)[SIDE], bool first)
{
#pragma unroll
	for (int i = 0; i < SIDE; i++) {
		float *line = y + (i % 4 + i / 4 * 16) * stride;
#pragma unroll
		for (int j = 0; j < SIDE; j += 4) {
			float4 *to = reinterpret_cast<float4 *>(line + j / 4 * 32);
			float4 v = make_float4(c[i][j], c[i][j + 1], c[i][j + 2], c[i][j + 3]);
			if (i % 4 + i / 4 * 16 >= rows || j / 4 * 32 >= columns)
				continue;
			if (!first) {
				float4 old = *to;
				v = make_float4(old.x + v.x, old.y + v.y, old.z + v.z, old.w + v.w);
			}
			*to = v;
		}
	}
#pragma unroll
	for (int i = 0; i < SIDE; i++)
#pragma unroll
		for (int j = 0; j < SIDE; j++)
			c[i][j] = 0;
}

/* What follows the product, over the elements that this thread has stored; rows and columns are
 * those left from its corner (row, column) on. A loop of its own keeps it out of the unrolled
 * code. */
template <int SIDE>
DEVICE_FN void follow(
	const struct product &p, float *y, size_t row, size_t column, int rows, int columns)
{
#pragma unroll 1
	for (int i = 0; i < SIDE; i++) {
		int r = i % 4 + i / 4 * 16;
#pragma unroll 1
		for (int j = 0; j < SIDE && r < rows; j += 4) {
			int c = j / 4 * 32;
			float *to = y + r * p.y_stride + c;
			if (c >= columns)
				break;
			for (int l = 0; l < 4; l++)
				to[l] = finish(p, to[l], row + r, column + c + l);
			apply_activation(p.activation, to, 4);
		}
	}
}

/* y is read and written by fours. With `part` blockIdx.z is a block of k, whose sums go to y +
 * blockIdx.z part. */
template <int SIDE, enum term T>
static __global__ void __launch_bounds__(THREADS, 2) product_kernel(struct product p, size_t part)
{
	enum { TILE = 16 * SIDE, STEP = THREADS * 4 / TILE };
	__shared__ __align__(16) float xs[2][STEP][TILE + 4], ws[2][STEP][TILE + 4];
	size_t tiles = (p.n + TILE - 1) / TILE, m0 = blockIdx.x / tiles * TILE;
	size_t n0 = blockIdx.x % tiles * TILE;
	int begin = 0, end = static_cast<int>(p.k);
	if (part) {
		begin = static_cast<int>(blockIdx.z) * BLOCK_K;
		end = end - begin < BLOCK_K ? end : begin + BLOCK_K;
		p.y += blockIdx.z * part;
	}
	strip<TILE, STEP> x, w;
	x.init(p.x, p.x_stride, m0, p.rows);
	w.init(p.w, p.w_stride, n0, p.n);
	float c[SIDE][SIDE];
#pragma unroll
	for (int i = 0; i < SIDE; i++)
#pragma unroll
		for (int j = 0; j < SIDE; j++)
			c[i][j] = 0;
	int row = tile_row<SIDE>(), column = tile_column<SIDE>(), buffer = 0;
	int rows = p.rows - m0 < TILE ? (int)(p.rows - m0) - row : TILE;
	int columns = p.n - n0 < TILE ? (int)(p.n - n0) - column : TILE;
	float *y = p.y + (m0 + row) * p.y_stride + n0 + column;
	x.read(begin, end);
	w.read(begin, end);
	for (int k = begin; k < end; k += STEP, buffer ^= 1) {
		x.store(xs[buffer]);
		w.store(ws[buffer]);
		__syncthreads();
		x.read(k + STEP, end);
		w.read(k + STEP, end);
		if (k + STEP <= end) {
#pragma unroll
			for (int l = 0; l < STEP; l++)
				step<SIDE, T>(&xs[buffer][l][row], &ws[buffer][l][column], c);
		} else {
#pragma unroll 1
			for (int l = 0; l < end - k; l++)
				step<SIDE, T>(&xs[buffer][l][row], &ws[buffer][l][column], c);
		}
		if ((T == TERM_PRODUCT && (k + STEP) % BLOCK_K == 0) || k + STEP >= end)
			put<SIDE>(y, p.y_stride, rows, columns, c,
				T != TERM_PRODUCT || k < begin + BLOCK_K);
	}
	if (begin == end)
		put<SIDE>(y, p.y_stride, rows, columns, c, true);
	if (!part && (p.xx || p.bias || p.activation != ACTIVATION_NONE))
		follow<SIDE>(p, y, m0 + row, n0 + column, rows, columns);
}

/* y = the parts' sums in order, and what follows. */
static __global__ void __launch_bounds__(THREADS)
	add_parts(struct product p, const float *part, size_t stride, size_t parts)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x, size = p.rows * stride;
	size_t row = i / p.n, column = i % p.n, at = row * stride + column;
	if (row >= p.rows)
		return;
	float sum = part[at];
	for (size_t z = 1; z < parts; z++)
		sum = sum + part[z * size + at];
	float *to = p.y + row * p.y_stride + column;
	*to = finish(p, sum, row, column);
	apply_activation(p.activation, to, 1);
}

/* --- launching --- */

static size_t fours(size_t n)
{
	return (n + 3) / 4 * 4;
}

template <int SIDE, enum term T>
static void launch(struct lane *lane, const struct product *p, size_t parts, size_t part)
{
	enum { TILE = 16 * SIDE };
	size_t tiles = (p->n + TILE - 1) / TILE;
	dim3 grid(cuda_blocks(size_mul((p->rows + TILE - 1) / TILE, tiles), 1), 1,
		static_cast<unsigned>(parts));
	auto kernel = product_kernel<SIDE, T>;
	LAUNCH(kernel, grid, dim3(THREADS), 0, lane, *p, part);
	LAUNCHED(lane, "product");
}

static size_t tiles_of(const struct product *p, size_t tile)
{
	return size_mul((p->rows + tile - 1) / tile, (p->n + tile - 1) / tile);
}

/* A matrix whose rows can be read by fours: itself, or a copy. NULL after a failure. */
static const float *aligned(
	struct lane *lane, const float *x, size_t *stride, size_t rows, size_t k)
{
	if (by_fours(x, *stride) || k == 0)
		return x;
	float *copy = cuda_floats(lane, size_mul(rows, fours(k)));
	if (copy && !cuda_failed(lane))
		(void)cuda_good(lane,
			cudaMemcpy2DAsync(copy, fours(k) * sizeof *x, x, *stride * sizeof *x,
				k * sizeof *x, rows, cudaMemcpyDeviceToDevice, cuda_stream(lane)),
			"product");
	*stride = fours(k);
	return copy;
}

/* The sums of each block of k apart, or all in one, in room of the lane; then in order to y. */
template <enum term T>
static void launch_parts(struct lane *lane, const struct product *p, size_t parts)
{
	struct product own = *p;
	size_t stride = fours(p->n), part = size_mul(p->rows, stride);
	own.y = cuda_floats(lane, size_mul(parts, part));
	own.y_stride = stride;
	own.bias = own.xx = NULL;
	own.activation = ACTIVATION_NONE;
	if (!own.y)
		return;
	launch<4, T>(lane, &own, parts, parts > 1 ? part : 0);
	LAUNCH(add_parts, cuda_blocks(size_mul(p->rows, p->n), THREADS), THREADS, 0,
		lane, *p, own.y, stride, parts);
	LAUNCHED(lane, "product");
}

template <enum term T> static void run(struct lane *lane, struct product p)
{
	size_t processors = static_cast<size_t>(cuda_processors(lane));
	size_t parts = T == TERM_PRODUCT ? (p.k + BLOCK_K - 1) / BLOCK_K : 1;
	bool direct = p.n % 4 == 0 && by_fours(p.y, p.y_stride);
	CHECK(p.k < (size_t)1 << 30);
	if (p.rows == 0 || p.n == 0)
		return;
	struct arena_mark mark = cuda_arena_mark(lane);
	p.x = aligned(lane, p.x, &p.x_stride, p.rows, p.k);
	p.w = aligned(lane, p.w, &p.w_stride, p.n, p.k);
	if (cuda_failed(lane))
		;
	else if (direct && T == TERM_PRODUCT && tiles_of(&p, 128) >= processors)
		launch<8, TERM_PRODUCT>(lane, &p, 1, 0);
	else if (direct && (parts < 2 || tiles_of(&p, 64) >= processors))
		launch<4, T>(lane, &p, 1, 0);
	else
		launch_parts<T>(lane, &p, parts < 1 || parts > UINT16_MAX ? 1 : parts);
	cuda_arena_reset(lane, mark);
}

void cuda_product(struct lane *lane, const struct product *p)
{
	run<TERM_PRODUCT>(lane, *p);
}

void cuda_manhattan(struct lane *lane, const struct product *p)
{
	run<TERM_ABSOLUTE>(lane, *p);
}

struct product cuda_product_of(const struct linear_arguments *a)
{
	struct product p = {};
	p.y = a->y;
	p.y_stride = a->y_stride;
	p.x = a->x;
	p.x_stride = a->x_stride;
	p.w = weight_floats(a->w);
	p.w_stride = a->w->stride;
	p.bias = a->w->bias;
	p.rows = a->rows;
	p.n = a->w->n;
	p.k = a->w->k;
	p.activation = a->activation;
	return p;
}

/* A product with a weight of TF32. */
static bool by_library(struct lane *lane, struct product p, const struct weight *w)
{
	struct arena_mark mark = cuda_arena_mark(lane);
	struct half_product h = { NULL, w, p.y, NULL, p.y_stride, p.rows, p.activation, 0 };
	h.x = p.rows ? aligned(lane, p.x, &p.x_stride, p.rows, p.k) : NULL;
	h.x_stride = p.x_stride;
	bool done = p.rows == 0 || cuda_failed(lane) || cuda_lt_product(lane, &h);
	cuda_arena_reset(lane, mark);
	return done;
}

void cuda_linear_rows(struct lane *lane, const struct linear_arguments *a, float *y)
{
	struct product p = cuda_product_of(a);
	if (y) {
		p.y = y;
		p.y_stride = a->w->n;
	}
	if (a->w->dtype == BF16 || a->w->dtype == F16)
		cuda_linear_half(lane, a, p.y, p.y_stride);
	else if (!a->w->plan || !by_library(lane, p, a->w))
		cuda_product(lane, &p);
}

CUDA_KERNEL(linear)
{
	(void)n;
	cuda_linear_rows(lane, static_cast<const struct linear_arguments *>(arguments), NULL);
}

CUDA_KERNEL(square_distances)
{
	auto a = static_cast<const struct square_distances_arguments *>(arguments);
	(void)n;
	struct product p = cuda_product_of(&a->product);
	p.xx = a->xx;
	p.ww = a->ww;
	cuda_product(lane, &p);
}

/* A thread a row, one chain. */
static __global__ void __launch_bounds__(THREADS)
	square_norms_kernel(struct square_norms_arguments a, size_t rows)
{
	size_t row = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (row >= rows)
		return;
	const float *x = a.x + row * a.x_stride;
	float total = 0;
	for (size_t b = 0; b < a.columns; b += BLOCK_K) {
		size_t end = a.columns - b < BLOCK_K ? a.columns : b + BLOCK_K;
		float s = 0;
		for (size_t k = b; k < end; k++)
			s = math_fma(x[k], x[k], s);
		total = b ? total + s : s;
	}
	a.y[row] = total;
}

CUDA_KERNEL(square_norms)
{
	auto a = static_cast<const struct square_norms_arguments *>(arguments);
	LAUNCH(square_norms_kernel, cuda_blocks(n, THREADS), THREADS, 0, lane, *a, n);
	LAUNCHED(lane, "square_norms");
}
