/* norm.h: layer normalisation of a row, in place (ops.h, struct norm). */
#pragma once
#include "gpu/cpu/lanes.h"

INLINE void norm_row(const struct norm_arguments *a, float *t)
{
	size_t n = a->columns;
	float count = (float)n, mean = lanes_sum(TERM_VALUE, t, NULL, 0, n) / count;
	float r = 1 / __builtin_sqrtf(lanes_sum(TERM_CENTRED, t, NULL, mean, n) / count + a->eps);
	const float *gamma = a->gamma, *beta = a->beta;
	for (size_t i = 0; i < n; i++)
		t[i] = math_fma((t[i] - mean) * r, gamma[i], beta[i]);
}

/* Row i of y = norm(x + t), t a row of a product. */
INLINE void norm_residual(const struct norm_arguments *a, size_t i, const float *t)
{
	float *y = a->y + i * a->y_stride;
	const float *x = a->x + i * a->x_stride;
	for (size_t j = 0; j < a->columns; j++)
		y[j] = x[j] + t[j];
	norm_row(a, y);
}
