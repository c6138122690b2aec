/* product.h: the float32 product of ops.h on CUDA cores, and what follows it; linear.cu has it. */
#pragma once
#include "gpu/cuda/cuda.h"

/* y [rows, n] = f(x [rows, k] w [n, k]^T), strides in elements. Where xx is set f makes squared
 * distances of it: (xx[i] + ww[j]) - 2 y, negative becoming 0; else bias [n] (or NULL) is added and
 * the activation applied. */
struct product {
	float *y;
	const float *x, *w, *bias, *xx, *ww;
	size_t y_stride, x_stride, w_stride, rows, n, k;
	enum activation activation;
};

void cuda_product(struct lane *, const struct product *);

/* y = the chain of + |x - w| over all of k, from +0; nothing follows. */
void cuda_manhattan(struct lane *, const struct product *);

/* Of an operation's arguments: y may be given instead (stride n). Weights of bfloat16 go to
 * bf16.cu. */
void cuda_linear_rows(struct lane *, const struct linear_arguments *, float *y);

/* bf16.cu: y = x rounded to bfloat16; and the product for weights of it. */
void cuda_bf16_round(struct lane *, float *y, size_t y_stride, const float *x, size_t x_stride,
	size_t rows, size_t columns);
void cuda_linear_bf16(struct lane *, const struct linear_arguments *, float *y, size_t y_stride);

/* The matrix of a weight, and the elements between its rows. */
static inline const float *weight_floats(const struct weight *w)
{
	return static_cast<const float *>(w->packed);
}
