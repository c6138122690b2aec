/* elementwise.c: sums, gates and rotary positions: rows apart from each other, plain loops that the
 * compiler vectorises. */
#include "gpu/cpu/product.h"

KERNEL(add)
{
	const struct add_arguments *a = arguments;
	(void)scratch;
	for (size_t i = begin; i < end; i++) {
		float *y = a->y + i * a->y_stride;
		const float *p = a->a + i * a->a_stride, *q = a->b + i * a->b_stride;
		for (size_t j = 0; j < a->columns; j++)
			y[j] = p[j] + q[j];
	}
}

KERNEL(gate)
{
	const struct gate_arguments *a = arguments;
	size_t n = a->columns;
	(void)scratch;
	for (size_t i = begin; i < end; i++) {
		float *y = a->y + i * a->y_stride;
		const float *x = a->x + i * a->x_stride, *gate = x + n;
		memcpy(y, x, n * sizeof *y);
		LOCAL(epilogue)(y, n, 1, n, NULL, a->activation);
		for (size_t j = 0; j < n; j++)
			y[j] = y[j] * gate[j];
	}
}

KERNEL(rotate)
{
	const struct rotate_arguments *a = arguments;
	size_t half = a->size / 2;
	(void)scratch;
	for (size_t i = begin; i < end; i++) {
		const float *cosine = a->cosine + a->positions[i] * a->cosine_stride;
		const float *sine = a->sine + a->positions[i] * a->sine_stride;
		for (size_t h = 0; h < a->heads; h++) {
			float *x = a->x + i * a->x_stride + h * a->size, *y = x + half;
			for (size_t d = 0; d < half; d++) {
				float p = x[d], q = y[d];
				x[d] = p * cosine[d] - q * sine[d];
				y[d] = q * cosine[d] + p * sine[d];
			}
		}
	}
}
