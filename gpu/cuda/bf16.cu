/*
 * bf16.cu: products with weights of bfloat16 (ops.h): both factors are rounded to nearest even. The
 * rounded numbers are kept as floats and go through the float32 product.
 */
#include "gpu/cuda/product.h"

enum { THREADS = 256 };

DEVICE_FN float bf16_round(float x)
{
	uint32_t u = (uint32_t)math_bits(x), up = (u + 0x7fff + (u >> 16 & 1)) & 0xffff0000u;
	return math_float((int32_t)((u & 0x7fffffff) > 0x7f800000 ? u | 0x400000 : up));
}

static __global__ void __launch_bounds__(THREADS) round_kernel(
	float *y, size_t y_stride, const float *x, size_t x_stride, size_t rows, size_t columns)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (i < rows * columns)
		y[i / columns * y_stride + i % columns] =
			bf16_round(x[i / columns * x_stride + i % columns]);
}

void cuda_bf16_round(struct lane *lane, float *y, size_t y_stride, const float *x, size_t x_stride,
	size_t rows, size_t columns)
{
	if (rows == 0 || columns == 0)
		return;
	LAUNCH(round_kernel, cuda_blocks(size_mul(rows, columns), THREADS), THREADS, 0,
		cuda_stream(lane), y, y_stride, x, x_stride, rows, columns);
	LAUNCHED(lane, "bf16");
}

void cuda_linear_bf16(
	struct lane *lane, const struct linear_arguments *a, float *y, size_t y_stride)
{
	struct arena_mark mark = cuda_arena_mark(lane);
	float *x = cuda_floats(lane, size_mul(a->rows, a->w->stride));
	if (x) {
		cuda_bf16_round(lane, x, a->w->stride, a->x, a->x_stride, a->rows, a->w->k);
		struct product p = {};
		p.y = y;
		p.y_stride = y_stride;
		p.x = x;
		p.x_stride = a->w->stride;
		p.w = weight_floats(a->w);
		p.w_stride = a->w->stride;
		p.bias = a->w->bias;
		p.rows = a->rows;
		p.n = a->w->n;
		p.k = a->w->k;
		p.activation = a->activation;
		cuda_product(lane, &p);
	}
	cuda_arena_reset(lane, mark);
}
