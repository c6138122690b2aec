/*
 * sparse.cu: products of a sparse matrix (gpu/ops_sparse.h): a thread an element of the result, so that
 * threads beside each other read the same element of the matrix and one line of x.
 */
#include "gpu/cuda/cuda.h"

extern "C" {
#include "gpu/sparse.h"
}

enum { THREADS = 256 };

static __global__ void __launch_bounds__(THREADS)
	product_kernel(struct sparse_product_arguments a, size_t elements)
{
	size_t own = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (own >= elements)
		return;
	size_t i = own / a.width, lane = own % a.width;
	float sum = 0;
	for (size_t e = a.start[i]; e < a.start[i + 1]; e++)
		sum += a.weight[e] * a.x[(size_t)a.column[e] * a.width + lane];
	a.y[own] = a.p * (sum - a.shift * a.x[own]) - a.q * a.z[own];
}

CUDA_KERNEL(sparse_product)
{
	auto a = static_cast<const struct sparse_product_arguments *>(arguments);
	size_t elements = size_mul(n, a->width);
	LAUNCH(product_kernel, cuda_blocks(elements, THREADS), THREADS, 0, lane, *a, elements);
	LAUNCHED(lane, "sparse_product");
}
