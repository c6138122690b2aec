/* umap_unite.cu: the union of directed graphs (gpu/ops_umap.h), a thread an edge. */
#include "gpu/cuda/cuda.h"

enum { THREADS = 128 };

static __global__ void __launch_bounds__(THREADS)
	members_kernel(struct umap_unite_arguments a, size_t edges)
{
	size_t e = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (e >= edges)
		return;
	size_t i = e / a.k;
	int32_t to = a.index[e];
	bool counts = to != static_cast<int32_t>(i);
	for (size_t before = i * a.k; before < e; before++)
		counts &= a.index[before] != to;
	a.member[e] = counts ? umap_membership(a.distances[e], a.sigma[i], a.rho[i]) : 0;
}

static __global__ void __launch_bounds__(THREADS)
	unite_kernel(struct umap_unite_arguments a, size_t edges)
{
	size_t e = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (e >= edges)
		return;
	int32_t i = static_cast<int32_t>(e / a.k);
	size_t row = (size_t)a.index[e] * a.k;
	float u = a.member[e], v = 0;
	for (size_t l = row; l < row + a.k; l++)
		if (a.index[l] == i && a.member[l] > v)
			v = a.member[l];
	float w = umap_united(u, v, a.mix);
	a.weight[e] = u > 0 ? (v > 0 ? w : -w) : 0;
}

CUDA_KERNEL(umap_members)
{
	auto a = static_cast<const struct umap_unite_arguments *>(arguments);
	size_t edges = size_mul(n, a->k);
	LAUNCH(members_kernel, cuda_blocks(edges, THREADS), THREADS, 0, lane, *a, edges);
	LAUNCHED(lane, "umap_members");
}

CUDA_KERNEL(umap_unite)
{
	auto a = static_cast<const struct umap_unite_arguments *>(arguments);
	size_t edges = size_mul(n, a->k);
	LAUNCH(unite_kernel, cuda_blocks(edges, THREADS), THREADS, 0, lane, *a, edges);
	LAUNCHED(lane, "umap_unite");
}
