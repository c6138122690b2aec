/* norm.c: layer normalisation alone, and after the sum of embeddings. */
#include "gpu/cpu/norm.h"

KERNEL(norm)
{
	const struct norm_arguments *a = arguments;
	(void)scratch;
	for (size_t i = begin; i < end; i++) {
		float *y = a->y + i * a->y_stride;
		const float *x = a->x + i * a->x_stride;
		if (y != x)
			memcpy(y, x, a->columns * sizeof *y);
		norm_row(a, y);
	}
}

KERNEL(embed)
{
	const struct embed_arguments *a = arguments;
	size_t n = a->norm.columns;
	(void)scratch;
	for (size_t t = begin; t < end; t++) {
		float *y = a->norm.y + t * a->norm.y_stride;
		memcpy(y, a->word + a->ids[t] * a->word_stride, n * sizeof *y);
		if (a->type) {
			const float *x = a->type + a->types[t] * a->type_stride;
			for (size_t i = 0; i < n; i++)
				y[i] = y[i] + x[i];
		}
		if (a->position) {
			const float *x = a->position + a->positions[t] * a->position_stride;
			for (size_t i = 0; i < n; i++)
				y[i] = y[i] + x[i];
		}
		norm_row(&a->norm, y);
	}
}
