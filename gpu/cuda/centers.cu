/*
 * centers.cu: the nearest centre of each row (gpu/ops_centers.h), in double: a block of 256 threads takes
 * 32 rows, and 32 centres at a time, 16 columns of both in shared memory; a thread has two rows and two
 * centres, each distance one chain. Then a thread a row looks through the 32 in order. The few candidates
 * of k-means++ are half a tile; a thread has one of them.
 */
#include "gpu/cuda/cuda.h"

extern "C" {
#include "gpu/centers.h"
}

constexpr int THREADS = 256, TILE = 32, STEP = 16, HALF = TILE / 2, LINE = STEP + 1;

struct tiles {
	double p[TILE][LINE], w[TILE][LINE], d[TILE][LINE * 2], length[TILE];
};

/* STEP columns from c0 on of the rows and of the centres; zeros beyond. */
DEVICE_FN void bring(struct tiles *t, const struct nearest_center_arguments &a,
	const double *centers, size_t row, size_t k0, size_t c0)
{
	for (int i = threadIdx.x; i < TILE * STEP; i += THREADS) {
		int r = i / STEP, j = i % STEP;
		size_t own = row + r, k = k0 + r, c = c0 + j;
		double p = own < a.rows && c < a.columns ? (double)a.x[own * a.x_stride + c] : 0;
		t->p[r][j] = a.unit && own < a.rows ? p / t->length[r] : p;
		t->w[r][j] = k < a.k && c < a.columns ? centers[k * a.columns + c] : 0;
	}
}

/* The distances of 32 rows to L halves of 32 centres. */
template <int L>
DEVICE_FN void distances(struct tiles *t, const struct nearest_center_arguments &a,
	const double *centers, size_t row, size_t k0)
{
	int y = threadIdx.x / HALF, x = threadIdx.x % HALF;
	double s[2][L] = {};
	for (size_t c0 = 0; c0 < a.columns; c0 += STEP) {
		__syncthreads();
		bring(t, a, centers, row, k0, c0);
		__syncthreads();
		int end = a.columns - c0 < STEP ? static_cast<int>(a.columns - c0) : STEP;
		for (int j = 0; j < end; j++)
#pragma unroll
			for (int i = 0; i < 2; i++)
#pragma unroll
				for (int l = 0; l < L; l++) {
					double e = t->p[y + i * HALF][j] - t->w[x + l * HALF][j];
					s[i][l] += e * e;
				}
	}
	for (int i = 0; i < 2; i++)
		for (int l = 0; l < L; l++)
			t->d[y + i * HALF][x + l * HALF] = s[i][l];
	__syncthreads();
}

/* A thread's own row is there; the lengths of rows that are to be of length 1. */
DEVICE_FN bool begin(struct tiles *t, const struct nearest_center_arguments &a, size_t own)
{
	bool has = threadIdx.x < TILE && own < a.rows;
	double sum = 0;
	for (size_t c = 0; has && a.unit && c < a.columns; c++) {
		double p = a.x[own * a.x_stride + c];
		sum += p * p;
	}
	if (threadIdx.x < TILE)
		t->length[threadIdx.x] = sqrt(sum);
	return has;
}

static __global__ void __launch_bounds__(THREADS) nearest_kernel(
	struct nearest_center_arguments a, const double *centers, int32_t *label, double *raw)
{
	__shared__ struct tiles t;
	size_t row = (size_t)blockIdx.x * TILE, own = row + threadIdx.x, best = 0;
	bool has = begin(&t, a, own);
	double least = 0;
	for (size_t k0 = 0; k0 < a.k; k0 += TILE) {
		distances<2>(&t, a, centers, row, k0);
		for (size_t l = 0; has && l < TILE && k0 + l < a.k; l++) {
			double d = t.d[threadIdx.x][l];
			if (k0 + l == 0 || d < least) {
				least = d;
				best = k0 + l;
			}
		}
	}
	if (!has)
		return;
	label[own] = static_cast<int32_t>(best);
	if (raw)
		raw[own] = least;
}

CUDA_KERNEL(nearest_center)
{
	auto a = static_cast<const struct nearest_center_arguments *>(arguments);
	struct arena_mark mark = cuda_arena_mark(lane);
	auto label = static_cast<int32_t *>(
		cuda_arena_alloc(lane, size_mul(a->rows, sizeof(int32_t))));
	double *raw = a->raw ? cuda_doubles(lane, a->rows) : NULL;
	const double *centers = STAGE(lane, a->centers, size_mul(a->k, a->columns));
	(void)n;
	LAUNCH(nearest_kernel, cuda_blocks(a->rows, TILE), THREADS, 0, lane, *a, centers, label, raw);
	LAUNCHED(lane, "nearest_center");
	cuda_fetch(lane, a->label, label, a->rows * sizeof(int32_t));
	if (raw)
		cuda_fetch(lane, a->raw, raw, a->rows * sizeof(double));
	cuda_arena_reset(lane, mark);
}

static __global__ void __launch_bounds__(THREADS)
	closer_kernel(struct closer_arguments g, const double *centers)
{
	__shared__ struct tiles t;
	size_t row = (size_t)blockIdx.x * TILE, own = row + threadIdx.x;
	bool has = begin(&t, g.to, own);
	distances<1>(&t, g.to, centers, row, 0);
	for (size_t k = 0; has && k < g.to.k; k++) {
		double d = t.d[threadIdx.x][k], was = g.nearest[own];
		g.closer[k][own] = d < was ? d : was;
	}
}

CUDA_KERNEL(closer)
{
	auto g = static_cast<const struct closer_arguments *>(arguments);
	const double *centers = STAGE(lane, g->to.centers, size_mul(g->to.k, g->to.columns));
	(void)n;
	LAUNCH(closer_kernel, cuda_blocks(g->to.rows, TILE), THREADS, 0, lane, *g, centers);
	LAUNCHED(lane, "closer");
}

/* A thread a chunk: the sum is one chain. */
static __global__ void __launch_bounds__(WARP)
	sums_kernel(struct chunk_sums_arguments a, double *sums, size_t chunks)
{
	size_t u = (size_t)blockIdx.x * WARP + threadIdx.x;
	if (u >= a.k * chunks)
		return;
	size_t from = u % chunks * CENTER_CHUNK, left = a.n - from;
	size_t to = from + (left < CENTER_CHUNK ? left : (size_t)CENTER_CHUNK);
	const double *x = a.x[u / chunks];
	double sum = 0;
	for (size_t i = from; i < to; i++)
		sum += x[i];
	sums[u] = sum;
}

CUDA_KERNEL(chunk_sums)
{
	auto a = static_cast<const struct chunk_sums_arguments *>(arguments);
	struct arena_mark mark = cuda_arena_mark(lane);
	double *sums = cuda_doubles(lane, n);
	LAUNCH(sums_kernel, cuda_blocks(n, WARP), WARP, 0, lane, *a, sums, n / a->k);
	LAUNCHED(lane, "chunk_sums");
	cuda_fetch(lane, a->sums, sums, n * sizeof(double));
	cuda_arena_reset(lane, mark);
}
