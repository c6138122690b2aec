/*
 * half.cu: products with weights of bfloat16 or binary16 (ops.h) on tensor cores, T below: x is rounded once to rows of
 * pairs, padded with zeros to eights of k. A block of 8 warps computes a tile of 128 x 128, a warp 64
 * x 32; k advances 32 at a time through four shared buffers that fill behind the computation. Rows of
 * a buffer are 80 bytes apart, so that the eight rows of a matrix lie in different banks. An element
 * is one chain of 16 k at a time, whatever the batch. The tile then goes through shared memory, where
 * bias and activation follow, and out in rows.
 *
 * Before compute capability 8.0 the rounded numbers are kept as floats and go through the float32
 * product.
 */
#include "gpu/cuda/fast.h"
#include "gpu/cuda/mma.h"
#include "gpu/cuda/product.h"
#include "gpu/rounding.h"

constexpr int THREADS = 256, TILE = 128, STEP = 32, STAGES = 4, LINE = STEP + 8, OUT = TILE + 4;
constexpr size_t STAGE_SIZE = 2 * TILE * LINE * sizeof(uint16_t);
constexpr size_t SHARED = STAGES * STAGE_SIZE; /* more than the tile in floats, TILE OUT 4 */
static_assert(SHARED >= TILE * OUT * sizeof(float), "the tile goes out through the stages' memory");

/* --- rounding --- */

template <enum dtype T>
static __global__ void __launch_bounds__(THREADS) round_kernel(
	float *y, size_t y_stride, const float *x, size_t x_stride, size_t rows, size_t columns)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (i < rows * columns)
		y[i / columns * y_stride + i % columns] =
			T == F16 ? round_f16(x[i / columns * x_stride + i % columns])
				 : round_bf16(x[i / columns * x_stride + i % columns]);
}

/* Eights of a row; beyond the columns zeros. */
template <enum dtype T>
static __global__ void __launch_bounds__(THREADS) pair_kernel(
	uint4 *y, size_t eights, const float *x, size_t x_stride, size_t rows, size_t columns)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x, row = i / eights;
	size_t column = i % eights * 8;
	if (row >= rows)
		return;
	const float *from = x + row * x_stride + column;
	float v[8];
#pragma unroll
	for (int l = 0; l < 8; l++)
		v[l] = column + l < columns ? from[l] : 0;
	y[i] = make_uint4(half_pair<T>(v[0], v[1]), half_pair<T>(v[2], v[3]), half_pair<T>(v[4], v[5]),
		half_pair<T>(v[6], v[7]));
}

uint16_t *cuda_half_rows(struct lane *lane, enum dtype dtype, uint16_t *y, const float *x,
	size_t x_stride, size_t rows, size_t k)
{
	size_t n = size_mul(rows, eights_of(k));
	auto kernel = dtype == F16 ? pair_kernel<F16> : pair_kernel<BF16>;
	if (!y)
		y = static_cast<uint16_t *>(cuda_arena_alloc(lane, size_mul(n, sizeof(uint4))));
	if (y && n) {
		LAUNCH(kernel, cuda_blocks(n, THREADS), THREADS, 0, lane,
			reinterpret_cast<uint4 *>(y), eights_of(k), x, x_stride, rows, k);
		LAUNCHED(lane, "half");
	}
	return y;
}

template <enum dtype T>
static __global__ void __launch_bounds__(THREADS) widen_kernel(
	float *y, const uint16_t *x, size_t x_stride, size_t rows, size_t columns)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (i < rows * columns)
		y[i] = half_number<T>(x[i / columns * x_stride + i % columns]);
}

float *cuda_half_floats(struct lane *lane, enum dtype dtype, const uint16_t *x, size_t x_stride,
	size_t rows, size_t k)
{
	size_t n = size_mul(rows, k);
	float *y = cuda_floats(lane, n);
	auto kernel = dtype == F16 ? widen_kernel<F16> : widen_kernel<BF16>;
	if (y && n) {
		LAUNCH(kernel, cuda_blocks(n, THREADS), THREADS, 0, lane, y, x, x_stride, rows, k);
		LAUNCHED(lane, "half");
	}
	return y;
}

/* Whether this build has kernels of tensor cores: one for an older card alone (GPU_ARCH) has none. */
#if defined HEDDLE_EMULATOR
constexpr bool COMPILED = true;
#else
constexpr int compiled[] = { __CUDA_ARCH_LIST__ }; /* ascending */
constexpr bool COMPILED = compiled[sizeof compiled / sizeof *compiled - 1] >= 800;
#endif

bool cuda_half_native(struct lane *lane)
{
	return COMPILED && cuda_capability(lane) >= 80 && cuda_shared(lane) >= SHARED;
}

/* y [rows, k] = x rounded; may be x. */
static void round_rows(struct lane *lane, enum dtype dtype, float *y, size_t y_stride,
	const float *x, size_t x_stride, size_t rows, size_t k)
{
	auto kernel = dtype == F16 ? round_kernel<F16> : round_kernel<BF16>;
	if (rows == 0 || k == 0)
		return;
	LAUNCH(kernel, cuda_blocks(size_mul(rows, k), THREADS), THREADS, 0, lane, y, y_stride, x,
		x_stride, rows, k);
	LAUNCHED(lane, "half");
}

void cuda_half_weight(struct lane *lane, struct weight *w)
{
	float *floats = static_cast<float *>(w->packed);
	round_rows(lane, w->dtype, floats, w->stride, floats, w->stride, w->n, w->k);
}

/* --- the product --- */

struct half_task {
	const uint16_t *x, *w; /* rows of `stride` */
	const float *bias;
	float *y;
	uint16_t *pairs; /* instead of y, rows of `stride` eights of n */
	size_t stride, y_stride, rows, n;
	enum activation activation;
};

/* Sixteen bytes a thread and turn: a row of a tile has four of them. */
[[maybe_unused]] DEVICE_FN void bring(
	uint16_t *to, const uint16_t *from, size_t stride, size_t first, size_t rows, size_t k)
{
#pragma unroll
	for (int i = 0; i < TILE * 4 / THREADS; i++) {
		int at = threadIdx.x + i * THREADS, r = at / 4, part = at % 4 * 8;
		bool real = first + r < rows && k + part < stride;
		async_copy(to + r * LINE + part,
			from + (real ? (first + r) * stride + k + part : 0), real);
	}
}

/* A warp's 64 x 32 of the tile, 16 k of a stage: 4 x 4 products. */
template <enum dtype T>
DEVICE_FN void step(const uint16_t *xs, const uint16_t *ws, int k, float (*c)[4][4])
{
	int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
	const uint16_t *x = xs + (warp % 2 * 64 + lane % 16) * LINE + k + lane / 16 * 8;
	const uint16_t *w =
		ws + (warp / 2 * 32 + lane % 8 + lane / 16 * 8) * LINE + k + lane / 8 % 2 * 8;
	uint32_t a[4][4], b[2][4];
#pragma unroll
	for (int i = 0; i < 4; i++)
		load_matrices(a[i], x + i * 16 * LINE);
#pragma unroll
	for (int j = 0; j < 2; j++)
		load_matrices(b[j], w + j * 16 * LINE);
#pragma unroll
	for (int i = 0; i < 4; i++)
#pragma unroll
		for (int j = 0; j < 4; j++)
			mma<T>(c[i][j], a[i], b[j / 2] + j % 2 * 2);
}

template <enum dtype T, enum activation F>
DEVICE_FN void out_as(const struct half_task &p, const float *tile, size_t m0, size_t n0)
{
	int column = threadIdx.x % WARP * 4;
	size_t at = n0 + column, wide = at >= p.n ? 0 : p.n - at < 4 ? p.n - at : 4;
	size_t padded = eights_of(p.n) * 8;
	float bias[4] = { 0, 0, 0, 0 };
#pragma unroll
	for (int l = 0; l < 4; l++)
		if (p.bias && l < static_cast<int>(wide))
			bias[l] = p.bias[at + l];
#pragma unroll 2
	for (int r = threadIdx.x / WARP; r < TILE; r += THREADS / WARP) {
		if (m0 + r >= p.rows || (p.pairs ? at >= padded : wide == 0))
			continue;
		float4 t = *reinterpret_cast<const float4 *>(tile + r * OUT + column);
		float v[4] = { fast_activate(F, t.x + bias[0]), fast_activate(F, t.y + bias[1]),
			fast_activate(F, t.z + bias[2]), fast_activate(F, t.w + bias[3]) };
		if (p.pairs) {
#pragma unroll
			for (int l = 0; l < 4; l++)
				v[l] = l < static_cast<int>(wide) ? v[l] : 0;
			*reinterpret_cast<uint2 *>(p.pairs + (m0 + r) * padded + at) =
				make_uint2(half_pair<T>(v[0], v[1]), half_pair<T>(v[2], v[3]));
		} else if (wide == 4 && p.y_stride % 4 == 0 &&
			   reinterpret_cast<uintptr_t>(p.y) % 16 == 0) {
			*reinterpret_cast<float4 *>(p.y + (m0 + r) * p.y_stride + at) =
				make_float4(v[0], v[1], v[2], v[3]);
		} else {
#pragma unroll
			for (int l = 0; l < 4; l++)
				if (l < static_cast<int>(wide))
					p.y[(m0 + r) * p.y_stride + at + l] = v[l];
		}
	}
}

template <enum dtype T>
DEVICE_FN void out(const struct half_task &p, const float *tile, size_t m0, size_t n0)
{
	switch (p.activation) {
	case ACTIVATION_GELU:
		out_as<T, ACTIVATION_GELU>(p, tile, m0, n0);
		break;
	case ACTIVATION_GELU_TANH:
		out_as<T, ACTIVATION_GELU_TANH>(p, tile, m0, n0);
		break;
	case ACTIVATION_RELU:
		out_as<T, ACTIVATION_RELU>(p, tile, m0, n0);
		break;
	case ACTIVATION_TANH:
		out_as<T, ACTIVATION_TANH>(p, tile, m0, n0);
		break;
	default:
		out_as<T, ACTIVATION_NONE>(p, tile, m0, n0);
	}
}

template <enum dtype T>
static __global__ void __launch_bounds__(THREADS, 2) half_kernel(struct half_task p)
{
#if defined TENSOR_CORES
	DYNAMIC_SHARED(
		uint16_t, shared); /* [STAGES][x, w][TILE][LINE], then the tile [TILE][OUT] */
	size_t tiles = (p.n + TILE - 1) / TILE, m0 = blockIdx.x / tiles * TILE;
	size_t n0 = blockIdx.x % tiles * TILE;
	int steps = static_cast<int>((p.stride + STEP - 1) / STEP);
	float c[4][4][4];
#pragma unroll
	for (int i = 0; i < 4; i++)
#pragma unroll
		for (int j = 0; j < 4; j++)
#pragma unroll
			for (int l = 0; l < 4; l++)
				c[i][j][l] = 0;
#pragma unroll
	for (int s = 0; s < STAGES - 1; s++) {
		if (s < steps) {
			uint16_t *to = shared + s * 2 * TILE * LINE;
			bring(to, p.x, p.stride, m0, p.rows, s * STEP);
			bring(to + TILE * LINE, p.w, p.stride, n0, p.n, s * STEP);
		}
		async_commit();
	}
	for (int s = 0; s < steps; s++) {
		async_wait<STAGES - 2>();
		__syncthreads();
		int next = s + STAGES - 1;
		if (next < steps) {
			uint16_t *to = shared + next % STAGES * 2 * TILE * LINE;
			bring(to, p.x, p.stride, m0, p.rows, (size_t)next * STEP);
			bring(to + TILE * LINE, p.w, p.stride, n0, p.n, (size_t)next * STEP);
		}
		async_commit();
		const uint16_t *from = shared + s % STAGES * 2 * TILE * LINE;
		step<T>(from, from + TILE * LINE, 0, c);
		step<T>(from, from + TILE * LINE, 16, c);
	}
	async_wait<0>();
	__syncthreads();
	float *tile = reinterpret_cast<float *>(shared);
	int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
	float *own = tile + (warp % 2 * 64 + lane / 4) * OUT + warp / 2 * 32 + lane % 4 * 2;
#pragma unroll
	for (int i = 0; i < 4; i++)
#pragma unroll
		for (int j = 0; j < 4; j++)
#pragma unroll
			for (int half = 0; half < 2; half++) {
				float *to = own + (i * 16 + half * 8) * OUT + j * 8;
				to[0] = c[i][j][2 * half];
				to[1] = c[i][j][2 * half + 1];
			}
	__syncthreads();
	out<T>(p, tile, m0, n0);
#endif
}

void cuda_half_product(struct lane *lane, const struct half_product *b)
{
	const struct weight *w = b->w;
	struct half_task p = {};
	if (b->rows == 0 || w->n == 0 || cuda_lt_product(lane, b))
		return;
	p.x = static_cast<const uint16_t *>(b->x);
	p.w = static_cast<const uint16_t *>(w->packed);
	p.bias = w->bias;
	p.y = b->y;
	p.y_stride = b->y_stride;
	p.pairs = b->pairs;
	p.stride = eights_of(w->k) * 8;
	p.rows = b->rows;
	p.n = w->n;
	p.activation = b->activation;
	size_t tiles = size_mul((p.rows + TILE - 1) / TILE, (p.n + TILE - 1) / TILE);
	auto kernel = w->dtype == F16 ? half_kernel<F16> : half_kernel<BF16>;
	if (!cuda_good(lane,
		    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
			    static_cast<int>(SHARED)),
		    "half"))
		return;
	LAUNCH(kernel, dim3(cuda_blocks(tiles, 1)), dim3(THREADS), SHARED, lane,
		p);
	LAUNCHED(lane, "half");
}

/* --- of an operation's arguments --- */

static const uint16_t *half_input(struct lane *lane, const struct linear_arguments *a)
{
	return a->x_half ? a->x_half
			 : cuda_half_rows(lane, a->w->dtype, NULL, a->x, a->x_stride, a->rows, a->w->k);
}

static void by_floats(
	struct lane *lane, const struct linear_arguments *a, float *y, size_t y_stride)
{
	float *x = cuda_floats(lane, size_mul(a->rows, a->w->stride));
	CHECK(!a->x_half && !a->y_half);
	if (!x || a->rows == 0)
		return;
	round_rows(lane, a->w->dtype, x, a->w->stride, a->x, a->x_stride, a->rows, a->w->k);
	struct product p = cuda_product_of(a);
	p.y = y;
	p.y_stride = y_stride;
	p.x = x;
	p.x_stride = a->w->stride;
	cuda_product(lane, &p);
}

void cuda_linear_half(
	struct lane *lane, const struct linear_arguments *a, float *y, size_t y_stride)
{
	struct arena_mark mark = cuda_arena_mark(lane);
	if (a->w->paired) {
		const uint16_t *x = half_input(lane, a);
		struct half_product p = { x, a->w, y, y ? NULL : a->y_half, y_stride, a->rows,
			a->activation, 0 };
		if (x)
			cuda_half_product(lane, &p);
		if (y && a->y_half)
			cuda_half_rows(lane, a->w->dtype, a->y_half, y, y_stride, a->rows, a->w->n);
	} else {
		by_floats(lane, a, y, y_stride);
	}
	cuda_arena_reset(lane, mark);
}
