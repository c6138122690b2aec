/* elementwise.cu: sums, gates and rotary positions: a thread an element, or the pair that turns. */
#include "gpu/cuda/cuda.h"

enum { THREADS = 256 };

static __global__ void __launch_bounds__(THREADS) add_kernel(struct add_arguments a, size_t n)
{
	size_t e = (size_t)blockIdx.x * THREADS + threadIdx.x, i = e / a.columns;
	size_t j = e % a.columns;
	if (e < n)
		a.y[i * a.y_stride + j] = a.a[i * a.a_stride + j] + a.b[i * a.b_stride + j];
}

CUDA_KERNEL(add)
{
	auto a = static_cast<const struct add_arguments *>(arguments);
	size_t elements = size_mul(n, a->columns);
	if (elements == 0)
		return;
	LAUNCH(add_kernel, cuda_blocks(elements, THREADS), THREADS, 0, lane, *a,
		elements);
	LAUNCHED(lane, "add");
}

template <enum activation F>
static __global__ void __launch_bounds__(THREADS) gate_kernel(struct gate_arguments a, size_t n)
{
	size_t e = (size_t)blockIdx.x * THREADS + threadIdx.x, i = e / a.columns;
	size_t j = e % a.columns;
	if (e >= n)
		return;
	const float *x = a.x + i * a.x_stride;
	a.y[i * a.y_stride + j] = activate(F, x[j]) * x[a.columns + j];
}

CUDA_KERNEL(gate)
{
	auto a = static_cast<const struct gate_arguments *>(arguments);
	size_t elements = size_mul(n, a->columns);
	if (elements == 0)
		return;
	auto kernel = a->activation == ACTIVATION_GELU        ? gate_kernel<ACTIVATION_GELU>
		      : a->activation == ACTIVATION_GELU_TANH ? gate_kernel<ACTIVATION_GELU_TANH>
		      : a->activation == ACTIVATION_RELU      ? gate_kernel<ACTIVATION_RELU>
		      : a->activation == ACTIVATION_TANH      ? gate_kernel<ACTIVATION_TANH>
							      : gate_kernel<ACTIVATION_NONE>;
	LAUNCH(kernel, cuda_blocks(elements, THREADS), THREADS, 0, lane, *a, elements);
	LAUNCHED(lane, "gate");
}

/* Element e: pair d of a head of row i. */
static __global__ void __launch_bounds__(THREADS) rotate_kernel(struct rotate_arguments a, size_t n)
{
	size_t e = (size_t)blockIdx.x * THREADS + threadIdx.x, half = a.size / 2;
	if (e >= n)
		return;
	size_t d = e % half, h = e / half % a.heads, i = e / half / a.heads;
	float *x = a.x + i * a.x_stride + h * a.size + d, *y = x + half;
	float c = a.cosine[a.positions[i] * a.cosine_stride + d];
	float s = a.sine[a.positions[i] * a.sine_stride + d], p = *x, q = *y;
	*x = p * c - q * s;
	*y = q * c + p * s;
}

CUDA_KERNEL(rotate)
{
	struct rotate_arguments a = *static_cast<const struct rotate_arguments *>(arguments);
	size_t pairs = size_mul(n, a.heads * (a.size / 2));
	a.positions = STAGE(lane, a.positions, n);
	if (cuda_failed(lane) || pairs == 0)
		return;
	LAUNCH(rotate_kernel, cuda_blocks(pairs, THREADS), THREADS, 0, lane, a, pairs);
	LAUNCHED(lane, "rotate");
}
