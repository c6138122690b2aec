/* product.h: what the kernels of one path share around products; gpu/cpu/linear.c has them. */
#pragma once
#include "gpu/cpu/tile.h"

/* y [rows, .] = act(x w^T + bias) in the panels begin .. end - 1 of w; y points to column 0. rows
 * is at most BLOCK_ROWS. A panel's epilogue runs while it is in the cache. */
void LOCAL(linear_rows)(float *y, size_t y_stride, const float *x, size_t x_stride, size_t rows,
	const struct weight *w, size_t begin, size_t end, enum activation activation,
	struct arena *scratch);

/* y [rows, columns] = act(y + bias), bias may be NULL. gpu/cpu/activation.c */
void LOCAL(epilogue)(float *y, size_t y_stride, size_t rows, size_t columns, const float *bias,
	enum activation activation);

/* bfloat16, gpu/cpu/bf16.c: whether this processor multiplies pairs of them. */
bool LOCAL(bf16_native)(void);
#if defined KERNEL_avx512
/* Rows of x rounded, an odd last column paired with 0 where there is room; y [rows, PANEL] = x
 * [rows, k] times a panel of pairs. Strides in elements. */
void LOCAL(bf16_rows)(uint16_t *y, size_t y_stride, const float *x, size_t x_stride, size_t rows,
	size_t columns);
void LOCAL(bf16_panel)(float *y, size_t y_stride, const uint16_t *x, size_t x_stride, size_t rows,
	size_t k, const uint16_t *panel);
#endif
