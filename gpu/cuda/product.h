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

/* That of a linear operation in float32, from its x into its y. */
struct product cuda_product_of(const struct linear_arguments *);

/* y = the chain of + |x - w| over all of k, from +0; nothing follows. */
void cuda_manhattan(struct lane *, const struct product *);

/* Of an operation's arguments: y may be given instead (stride n); with neither to their y_half.
 * Weights of the fast modes go to half.cu and cublaslt.cu. */
void cuda_linear_rows(struct lane *, const struct linear_arguments *, float *y);

/* --- bfloat16 and binary16, half.cu --- */

/* Whether the card multiplies them; a weight so marked (`paired`) is rows of eights of k rounded to its
 * type, else floats, which cuda_half_weight rounds. */
bool cuda_half_native(struct lane *);
void cuda_half_weight(struct lane *, struct weight *);

/* Rows of x rounded to nearest even, in eights of k, zeros behind the last; y NULL: in the lane's
 * arena. NULL after a failure. */
uint16_t *cuda_half_rows(struct lane *, enum dtype, uint16_t *y, const float *x, size_t x_stride,
	size_t rows, size_t k);

/* The floats of rows of halves, in the lane's arena, without gaps. NULL after a failure. */
float *cuda_half_floats(struct lane *, enum dtype, const uint16_t *x, size_t x_stride, size_t rows,
	size_t k);

/* act(x w^T + bias) of such rows and a paired weight, to y, or with y NULL to rows of eights of n
 * again. */
struct half_product {
	const void *x; /* of a weight of TF32: floats by fours */
	const struct weight *w;
	float *y;
	uint16_t *pairs;
	size_t y_stride, rows;
	enum activation activation;
	size_t x_stride; /* of floats */
};

void cuda_half_product(struct lane *, const struct half_product *);

/* Of an operation's arguments, for any weight of the two; y NULL: to its y_half. */
void cuda_linear_half(struct lane *, const struct linear_arguments *, float *y, size_t y_stride);

/* --- by NVIDIA's library, cublaslt.cu --- */

/* A paired weight or one of TF32 that lies on the card, with its bias: what its products, which are
 * planned when the first comes, need, where there is the library. A product as cuda_half_product;
 * false where there is no plan. */
void cuda_lt_prepare(struct lane *, struct weight *);
void cuda_lt_release(struct weight *);
bool cuda_lt_product(struct lane *, const struct half_product *);

/* The matrix of a weight, and the elements between its rows. */
static inline const float *weight_floats(const struct weight *w)
{
	return static_cast<const float *>(w->packed);
}
