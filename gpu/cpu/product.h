/* product.h: what the kernels of one path share around products; gpu/cpu/linear.c has them. */
#pragma once
#include "gpu/cpu/tile.h"

/* y [rows, .] = act(x w^T + bias) in the panels begin .. end - 1 of w; y points to column 0. rows is at most
 * BLOCK_ROWS. A panel's epilogue runs while it is in the cache. */
void LOCAL(linear_rows)(float *y, size_t y_stride, const float *x, size_t x_stride, size_t rows,
	const struct weight *w, size_t begin, size_t end, enum activation activation,
	struct arena *scratch);

/* y [rows, columns] = act(y + bias), bias may be NULL. gpu/cpu/activation.c */
void LOCAL(epilogue)(float *y, size_t y_stride, size_t rows, size_t columns, const float *bias,
	enum activation activation);

/* One panel of bfloat16: x [rows, k] in bfloat16, pairs of k, x_stride in elements. gpu/cpu/bf16.c */
void LOCAL(bf16_panel)(float *y, size_t y_stride, const uint16_t *x, size_t x_stride, size_t rows,
	size_t k, const uint16_t *panel);
void LOCAL(bf16_round)(uint16_t *y, size_t y_stride, const float *x, size_t x_stride, size_t rows,
	size_t columns);
