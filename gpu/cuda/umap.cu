/*
 * umap.cu: UMAP's layout (gpu/ops_umap.h). A thread an edge of one colour, or a new point: edges of a
 * colour share no vertex, so that a thread owns what it moves. The usual dimensions keep the points
 * in registers; others move them where they stand.
 */
#include "gpu/cuda/cuda.h"

enum { THREADS = 128 };

/* A point of D dimensions in registers, or with D = 0 of `dim` in memory. */
template <int D> struct point {
	float x[D];
	__device__ __forceinline__ point(float *from, size_t)
	{
#pragma unroll
		for (int d = 0; d < D; d++)
			x[d] = from[d];
	}
	__device__ __forceinline__ int dim(void) const
	{
		return D;
	}
	__device__ __forceinline__ float &at(int d)
	{
		return x[d];
	}
	__device__ __forceinline__ void store(float *to) const
	{
#pragma unroll
		for (int d = 0; d < D; d++)
			to[d] = x[d];
	}
};

template <> struct point<0> {
	float *x;
	int n;
	__device__ __forceinline__ point(float *from, size_t dim)
	    : x(from), n(static_cast<int>(dim))
	{
	}
	__device__ __forceinline__ int dim(void) const
	{
		return n;
	}
	__device__ __forceinline__ float &at(int d)
	{
		return x[d];
	}
	__device__ __forceinline__ void store(float *) const
	{
	}
};

DEVICE_FN float clip(float v)
{
	v = v > 4 ? 4 : v;
	return v < -4 ? -4 : v;
}

template <typename P, typename Q> DEVICE_FN float square_distance(P &p, Q q)
{
	float sum = 0;
#pragma unroll
	for (int d = 0; d < p.dim(); d++) {
		float u = p.at(d) - q(d);
		sum += u * u;
	}
	return sum;
}

/* The step along a dimension is clip(pull (p - q)) alpha. */
DEVICE_FN float pull(const struct umap_force &f, float d2)
{
	float x = d2 + UMAP_TINY, v = umap_power(x, f.b);
	return -2 * f.a * f.b * v / (x * (f.a * v + 1));
}

template <int D>
DEVICE_FN void attract(const struct umap_force &f, struct point<D> &p, struct point<D> &q)
{
	float g = pull(f, square_distance(p, [&](int d) { return q.at(d); }));
#pragma unroll
	for (int d = 0; d < p.dim(); d++) {
		float step = clip(g * (p.at(d) - q.at(d))) * f.alpha;
		p.at(d) += step;
		q.at(d) -= step;
	}
}

template <int D>
DEVICE_FN void attract_to(const struct umap_force &f, struct point<D> &p, const float *q)
{
	float g = pull(f, square_distance(p, [=](int d) { return q[d]; }));
#pragma unroll
	for (int d = 0; d < p.dim(); d++)
		p.at(d) += clip(g * (p.at(d) - q[d])) * f.alpha;
}

/* self -1: no point to pass over. */
template <int D>
DEVICE_FN void negatives(const struct umap_force &f, struct point<D> &p, const float *from,
	size_t n, int32_t self, int32_t count, uint64_t key)
{
	for (int32_t i = 0; i < count; i++) {
		uint32_t v = random_below(random_mix(key + (uint64_t)i * 0xd1342543de82ef95u),
			static_cast<uint32_t>(n));
		if (static_cast<int32_t>(v) == self)
			continue;
		const float *o = from + (size_t)v * p.dim();
		float d2 = square_distance(p, [=](int d) { return o[d]; });
		float power = umap_power(d2 + UMAP_TINY, f.b);
		float g = 2 * f.gamma * f.b / ((0.001f + d2) * (f.a * power + 1));
#pragma unroll
		for (int d = 0; d < p.dim(); d++)
			p.at(d) += clip(g * (p.at(d) - o[d])) * f.alpha;
	}
}

DEVICE_FN int32_t owed(float epoch, float next_negative, float rate, float every)
{
	float n = (epoch - next_negative) * rate / every;
	return n > 0 ? static_cast<int32_t>(n) : 0;
}

template <int D>
static __global__ void __launch_bounds__(THREADS)
	edges_kernel(struct umap_edges_arguments a, size_t edges)
{
	size_t e = (size_t)blockIdx.x * THREADS + threadIdx.x;
	float epoch = static_cast<float>(a.epoch);
	if (e >= edges || !(a.next[e] <= epoch))
		return;
	const struct umap_force &f = a.force;
	int32_t head = a.head[e], tail = a.tail[e];
	int32_t count = owed(epoch, a.next_negative[e], f.negative_rate, a.every[e]);
	uint64_t key = f.seed * 0x9e3779b97f4a7c15u +
		       ((uint64_t)a.epoch << 40 ^ (uint64_t)(a.first + e) << 1);
	float *from = a.y + (size_t)head * a.dim, *to = a.y + (size_t)tail * a.dim;
	struct point<D> p(from, a.dim), q(to, a.dim);
	attract(f, p, q);
	negatives(f, p, a.before, a.n, head, count, random_mix(key));
	attract(f, q, p);
	negatives(f, q, a.before, a.n, tail, count, random_mix(key + 1));
	p.store(from);
	q.store(to);
	a.next[e] += a.every[e];
	if (count > 0)
		a.next_negative[e] += static_cast<float>(count) * a.every[e] / f.negative_rate;
}

CUDA_KERNEL(umap_edges)
{
	auto a = static_cast<const struct umap_edges_arguments *>(arguments);
	if (!a->head) {
		(void)cuda_good(lane,
			cudaMemcpyAsync(a->before, a->y, n * a->dim * sizeof *a->y,
				cudaMemcpyDeviceToDevice, cuda_stream(lane)),
			"umap_edges");
		return;
	}
	auto kernel = a->dim == 2   ? edges_kernel<2>
		      : a->dim == 3 ? edges_kernel<3>
		      : a->dim == 5 ? edges_kernel<5>
				    : edges_kernel<0>;
	LAUNCH(kernel, cuda_blocks(n, THREADS), THREADS, 0, lane, *a, n);
	LAUNCHED(lane, "umap_edges");
}

/* next [2, K, points]: when an edge and its negatives are due. */
template <int D>
static __global__ void __launch_bounds__(THREADS)
	place_kernel(struct umap_place_arguments a, float *next, size_t points)
{
	size_t m = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (m >= points)
		return;
	struct umap_force f = a.force;
	float *next_negative = next + a.k * points, *own = a.y + m * a.dim;
	const float *weight = a.weight + m * a.k;
	for (size_t k = 0; k < a.k; k++) {
		float every = weight[k] > 0 ? 1 / weight[k] : 0;
		next[k * points + m] = every;
		next_negative[k * points + m] = f.negative_rate > 0 ? every / f.negative_rate : 0;
	}
	struct point<D> p(own, a.dim);
	for (size_t epoch = 0; epoch < a.n_epochs; epoch++) {
		float now = static_cast<float>(epoch);
		f.alpha = a.force.alpha * (1 - now / static_cast<float>(a.n_epochs));
		for (size_t k = 0; k < a.k; k++) {
			size_t at = k * points + m;
			if (!(weight[k] > 0 && next[at] <= now))
				continue;
			float every = 1 / weight[k];
			int32_t count = owed(now, next_negative[at], f.negative_rate, every);
			next[at] += every;
			if (count > 0)
				next_negative[at] +=
					static_cast<float>(count) * every / f.negative_rate;
			attract_to(f, p, a.fixed + (size_t)a.to[m * a.k + k] * a.dim);
			negatives(f, p, a.fixed, a.n, -1, count,
				random_mix(f.seed * 0x9e3779b97f4a7c15u + a.salt[m] +
					   ((uint64_t)epoch << 20 ^ (uint64_t)k)));
		}
	}
	p.store(own);
}

CUDA_KERNEL(umap_place)
{
	struct umap_place_arguments a =
		*static_cast<const struct umap_place_arguments *>(arguments);
	a.salt = STAGE(lane, a.salt, n);
	struct arena_mark mark = cuda_arena_mark(lane);
	float *next = cuda_floats(lane, size_mul(2 * a.k, n));
	if (!cuda_failed(lane)) {
		auto kernel = a.dim == 2   ? place_kernel<2>
			      : a.dim == 3 ? place_kernel<3>
			      : a.dim == 5 ? place_kernel<5>
					   : place_kernel<0>;
		LAUNCH(kernel, cuda_blocks(n, THREADS), THREADS, 0, lane, a, next, n);
		LAUNCHED(lane, "umap_place");
	}
	cuda_arena_reset(lane, mark);
}
