/*
 * distance.cu: distances of pairs of rows, and the k smallest of many (ops.h). A pair has sixteen
 * threads, the lanes of its sums. A list has a warp, which looks at 32 values at once: few pass the
 * worst of the list.
 */
#include "gpu/cuda/lanes.h"
#include "gpu/cuda/lists.h"

enum { THREADS = 256, PAIRS = THREADS / LANES, ROWS = THREADS / WARP };

template <enum metric M> DEVICE_FN float pair_distance(const float *x, const float *z, size_t n)
{
	if (M == METRIC_MANHATTAN)
		return lanes_sum(n, [=](float s, size_t i) { return s + fabsf(x[i] - z[i]); });
	if (M == METRIC_DOT)
		return -lanes_sum(n, [=](float s, size_t i) { return math_fma(x[i], z[i], s); });
	if (M == METRIC_COSINE) {
		float xx = lanes_sum(n, [=](float s, size_t i) { return math_fma(x[i], x[i], s); });
		float zz = lanes_sum(n, [=](float s, size_t i) { return math_fma(z[i], z[i], s); });
		float xz = lanes_sum(n, [=](float s, size_t i) { return math_fma(x[i], z[i], s); });
		float square = xx * zz, d = 1 - xz / sqrtf(square);
		if (square == 0)
			return xx == zz ? 0 : 1;
		return d < 0 ? 0 : d;
	}
	float d = lanes_sum(n, [=](float s, size_t i) {
		float u = x[i] - z[i];
		return math_fma(u, u, s);
	});
	return M == METRIC_EUCLIDEAN ? sqrtf(d) : d;
}

template <enum metric M>
static __global__ void __launch_bounds__(THREADS)
	pair_distances_kernel(struct pair_distances_arguments a, size_t pairs)
{
	size_t own = (size_t)blockIdx.x * PAIRS + threadIdx.x / LANES, p = own < pairs ? own : 0;
	const float *x = a.x + (size_t)a.i[p] * a.x_stride, *z = a.z + (size_t)a.j[p] * a.z_stride;
	float d = pair_distance<M>(x, z, a.columns);
	if (own < pairs && threadIdx.x % LANES == 0)
		a.y[own] = d;
}

CUDA_KERNEL(pair_distances)
{
	auto a = static_cast<const struct pair_distances_arguments *>(arguments);
	auto kernel = a->metric == METRIC_MANHATTAN     ? pair_distances_kernel<METRIC_MANHATTAN>
		      : a->metric == METRIC_DOT         ? pair_distances_kernel<METRIC_DOT>
		      : a->metric == METRIC_COSINE      ? pair_distances_kernel<METRIC_COSINE>
		      : a->metric == METRIC_SQEUCLIDEAN ? pair_distances_kernel<METRIC_SQEUCLIDEAN>
							: pair_distances_kernel<METRIC_EUCLIDEAN>;
	LAUNCH(kernel, cuda_blocks(n, PAIRS), THREADS, 0, lane, *a, n);
	LAUNCHED(lane, "pair_distances");
}

static __global__ void __launch_bounds__(THREADS)
	top_k_clear_kernel(struct top_k_arguments a, size_t rows)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (i >= rows * a.k)
		return;
	a.values[i / a.k * a.values_stride + i % a.k] = INFINITY;
	a.indices[i / a.k * a.indices_stride + i % a.k] = -1;
}

CUDA_KERNEL(top_k_clear)
{
	auto a = static_cast<const struct top_k_arguments *>(arguments);
	if (a->k == 0)
		return;
	LAUNCH(top_k_clear_kernel, cuda_blocks(size_mul(n, a->k), THREADS), THREADS, 0,
		lane, *a, n);
	LAUNCHED(lane, "top_k_clear");
}

static __global__ void __launch_bounds__(THREADS)
	top_k_kernel(struct top_k_arguments a, size_t rows)
{
	size_t row = (size_t)blockIdx.x * ROWS + threadIdx.x / WARP;
	if (row >= rows)
		return;
	const float *y = a.y + row * a.y_stride;
	float *values = a.values + row * a.values_stride;
	int32_t *indices = a.indices + row * a.indices_stride;
	for (size_t j = 0; j < a.columns; j += WARP) {
		size_t own = j + threadIdx.x % WARP;
		bool real = own < a.columns;
		list_offer(values, indices, a.k, real ? y[own] : 0,
			static_cast<uint32_t>(a.first + own), real);
	}
}

CUDA_KERNEL(top_k)
{
	auto a = static_cast<const struct top_k_arguments *>(arguments);
	if (a->k == 0)
		return;
	LAUNCH(top_k_kernel, cuda_blocks(n, ROWS), THREADS, 0, lane, *a, n);
	LAUNCHED(lane, "top_k");
}
