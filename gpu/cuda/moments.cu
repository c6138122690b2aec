/*
 * moments.cu: sums over rows, squares and products, projections (gpu/ops_moments.h), in double.
 * Sums over rows: a thread a column of a group. Squares and products: a block of 256 threads a
 * block of the gram matrix for MOMENT_ROWS rows, STEP rows at a time in shared memory, three by
 * three elements a thread. Projections: sixteen threads a row, a lane each.
 */
#include "gpu/cuda/cuda.h"

extern "C" {
#include "gpu/moments.h"
}

constexpr int THREADS = 256, COLUMNS = 128, SIDE = 16, EACH = GRAM_BLOCK / SIDE, STEP = 16;

/* --- Sums over rows --- */

static __global__ void __launch_bounds__(COLUMNS)
	lengths_kernel(struct group_sums_arguments a, double *length)
{
	size_t row = (size_t)blockIdx.x * COLUMNS + threadIdx.x;
	if (row >= a.n)
		return;
	const float *x = a.x + row * a.x_stride;
	double sum = 0;
	for (size_t c = 0; c < a.columns; c++) {
		double p = x[c];
		sum += p * p;
	}
	length[row] = sqrt(sum);
}

/* The arrays are those of a, on the card. */
static __global__ void __launch_bounds__(COLUMNS)
	sums_kernel(struct group_sums_arguments a, const double *length)
{
	size_t c = (size_t)blockIdx.y * COLUMNS + threadIdx.x, g = blockIdx.x;
	if (c >= a.columns)
		return;
	double sum = 0, center = a.center ? a.center[c] : 0;
	size_t end = a.start[g + 1];
#pragma unroll 8
	for (size_t m = a.start[g]; m < end; m++) {
		size_t row = a.rows ? (size_t)a.rows[m] : m;
		double t = a.x[row * a.x_stride + c];
		t = a.unit ? t / length[row] : t;
		t = a.center ? t - center : t;
		t = a.square ? t * t : t;
		sum += a.weight ? a.weight[row] * t : t;
	}
	a.sums[g * a.columns + c] = sum;
}

CUDA_KERNEL(group_sums)
{
	auto given = static_cast<const struct group_sums_arguments *>(arguments);
	struct group_sums_arguments a = *given;
	struct arena_mark mark = cuda_arena_mark(lane);
	a.start = STAGE(lane, given->start, n + 1);
	a.rows = given->rows ? STAGE(lane, given->rows, given->start[n]) : NULL;
	a.center = given->center ? STAGE(lane, given->center, a.columns) : NULL;
	a.weight = given->weight ? STAGE(lane, given->weight, a.n) : NULL;
	a.sums = cuda_doubles(lane, size_mul(n, a.columns));
	double *length = a.unit ? cuda_doubles(lane, a.n) : NULL;
	if (a.unit && a.n)
		LAUNCH(lengths_kernel, cuda_blocks(a.n, COLUMNS), COLUMNS, 0, lane, a, length);
	if (a.columns)
		LAUNCH(sums_kernel, dim3(cuda_blocks(n, 1), cuda_blocks(a.columns, COLUMNS)),
			COLUMNS, 0, lane, a, length);
	LAUNCHED(lane, "group_sums");
	cuda_fetch(lane, given->sums, a.sums, n * a.columns * sizeof(double));
	cuda_arena_reset(lane, mark);
}

/* --- Squares and products --- */

/* STEP rows from `row` on of a block of columns; zeros beyond the last column. */
DEVICE_FN void bring(const struct gram_arguments &a, size_t row, size_t end, size_t first,
	double (*z)[GRAM_BLOCK])
{
	for (int e = threadIdx.x; e < STEP * GRAM_BLOCK; e += THREADS) {
		size_t r = row + e / GRAM_BLOCK, c = first + e % GRAM_BLOCK;
		double v = 0;
		if (r < end && c < a.columns) {
			size_t at = r * a.x_stride + c;
			v = a.wide ? static_cast<const double *>(a.x)[at]
				   : static_cast<double>(static_cast<const float *>(a.x)[at]);
			v -= a.center[c];
		}
		z[e / GRAM_BLOCK][e % GRAM_BLOCK] = v;
	}
}

/* blockIdx: j, i, and which MOMENT_ROWS rows. */
static __global__ void __launch_bounds__(THREADS) gram_kernel(struct gram_arguments a)
{
	__shared__ double left[STEP][GRAM_BLOCK], right[STEP][GRAM_BLOCK];
	size_t j = blockIdx.x, i = blockIdx.y, u = blockIdx.z;
	int ty = threadIdx.x / SIDE, tx = threadIdx.x % SIDE;
	if (j > i)
		return;
	size_t first = u * MOMENT_ROWS;
	size_t end = a.rows - first < MOMENT_ROWS ? a.rows : first + MOMENT_ROWS;
	double s[EACH][EACH] = {};
	for (size_t row = first; row < end; row += STEP) {
		int steps = end - row < STEP ? static_cast<int>(end - row) : STEP;
		__syncthreads();
		bring(a, row, end, i * GRAM_BLOCK, left);
		bring(a, row, end, j * GRAM_BLOCK, right);
		__syncthreads();
		for (int r = 0; r < steps; r++)
#pragma unroll
			for (int p = 0; p < EACH; p++)
#pragma unroll
				for (int q = 0; q < EACH; q++)
					s[p][q] = fma(left[r][ty + p * SIDE],
						right[r][tx + q * SIDE], s[p][q]);
	}
	double *part =
		a.parts + (u * (a.blocks * (a.blocks + 1) / 2) + i * (i + 1) / 2 + j) * GRAM_AREA;
	for (int p = 0; p < EACH; p++)
		for (int q = 0; q < EACH; q++)
			part[(ty + p * SIDE) * GRAM_BLOCK + tx + q * SIDE] = s[p][q];
}

CUDA_KERNEL(gram)
{
	struct gram_arguments a = *static_cast<const struct gram_arguments *>(arguments);
	struct arena_mark mark = cuda_arena_mark(lane);
	unsigned blocks = cuda_blocks(a.blocks, 1);
	a.center = STAGE(lane, a.center, a.columns);
	CHECK(blocks <= UINT16_MAX && n / blocks <= UINT16_MAX);
	LAUNCH(gram_kernel, dim3(blocks, blocks, static_cast<unsigned>(n / blocks)), THREADS, 0,
		lane, a);
	LAUNCHED(lane, "gram");
	cuda_arena_reset(lane, mark);
}

static __global__ void __launch_bounds__(THREADS) gram_sum_kernel(struct gram_sum_arguments a)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
	double sum = a.sum[i];
	for (size_t u = 0; u < a.n_parts; u++)
		sum += a.parts[u * a.triangle + i];
	a.sum[i] = sum;
}

CUDA_KERNEL(gram_sum)
{
	auto a = static_cast<const struct gram_sum_arguments *>(arguments);
	static_assert(GRAM_AREA % THREADS == 0, "whole blocks");
	LAUNCH(gram_sum_kernel, cuda_blocks(n * GRAM_AREA, THREADS), THREADS, 0, lane, *a);
	LAUNCHED(lane, "gram_sum");
}

/* --- Projections --- */

/* Rows beyond the last repeat it and write nothing: all threads of a warp take part in a tree. */
static __global__ void __launch_bounds__(THREADS)
	project_kernel(struct project_arguments a, size_t rows)
{
	constexpr int OUTPUTS = 8;
	size_t own = (size_t)blockIdx.x * (THREADS / LANES) + threadIdx.x / LANES;
	size_t lane = threadIdx.x % LANES, row = own < rows ? own : rows - 1;
	const float *x = a.x + row * a.x_stride;
	for (size_t k0 = 0; k0 < a.k; k0 += OUTPUTS) {
		double s[OUTPUTS] = {};
		for (size_t c = lane; c < a.columns; c += LANES) {
			double z = x[c] - a.center[c];
#pragma unroll
			for (int k = 0; k < OUTPUTS; k++)
				if (k0 + k < a.k)
					s[k] = fma(z, a.w[(k0 + k) * a.columns + c], s[k]);
		}
#pragma unroll
		for (int k = 0; k < OUTPUTS; k++) {
			for (int half = LANES / 2; half; half /= 2)
				s[k] += __shfl_xor_sync(ALL, s[k], half, LANES);
			if (lane == 0 && own < rows && k0 + k < a.k)
				a.y[row * a.y_stride + k0 + k] = static_cast<float>(s[k]);
		}
	}
}

CUDA_KERNEL(project)
{
	struct project_arguments a = *static_cast<const struct project_arguments *>(arguments);
	struct arena_mark mark = cuda_arena_mark(lane);
	a.center = STAGE(lane, a.center, a.columns);
	a.w = STAGE(lane, a.w, size_mul(a.k, a.columns));
	LAUNCH(project_kernel, cuda_blocks(n, THREADS / LANES), THREADS, 0, lane, a, n);
	LAUNCHED(lane, "project");
	cuda_arena_reset(lane, mark);
}
