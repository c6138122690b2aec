/* distance.c: distances of pairs of rows, and the k smallest of many (ops.h). */
#include "gpu/cpu/lanes.h"

static float pair_distance(enum metric metric, const float *x, const float *z, size_t n)
{
	float d, xx, zz, square;
	switch (metric) {
	case METRIC_SQEUCLIDEAN:
		return lanes_sum(TERM_DIFFERENCE, x, z, 0, n);
	case METRIC_MANHATTAN:
		return lanes_sum(TERM_ABSOLUTE, x, z, 0, n);
	case METRIC_DOT:
		return -lanes_sum(TERM_PRODUCT, x, z, 0, n);
	case METRIC_COSINE:
		xx = lanes_sum(TERM_SQUARE, x, NULL, 0, n);
		zz = lanes_sum(TERM_SQUARE, z, NULL, 0, n);
		square = xx * zz;
		if (square == 0)
			return xx == zz ? 0 : 1;
		d = 1 - lanes_sum(TERM_PRODUCT, x, z, 0, n) / __builtin_sqrtf(square);
		return d < 0 ? 0 : d;
	default:
		return __builtin_sqrtf(lanes_sum(TERM_DIFFERENCE, x, z, 0, n));
	}
}

KERNEL(pair_distances)
{
	const struct pair_distances_arguments *a = arguments;
	(void)scratch;
	for (size_t p = begin; p < end; p++)
		a->y[p] = pair_distance(a->metric, a->x + (size_t)a->i[p] * a->x_stride,
			a->z + (size_t)a->j[p] * a->z_stride, a->columns);
}

KERNEL(top_k_clear)
{
	const struct top_k_arguments *a = arguments;
	(void)scratch;
	for (size_t r = begin; r < end; r++)
		for (size_t c = 0; c < a->k; c++) {
			a->values[r * a->values_stride + c] = __builtin_inff();
			a->indices[r * a->indices_stride + c] = -1;
		}
}

/* Put (value, index) into the sorted list, whose last falls out. */
static void insert(float *values, int32_t *indices, size_t k, float value, int32_t index)
{
	size_t at = k - 1;
	for (; at > 0; at--) {
		float v = values[at - 1];
		if (v < value || (v == value && (uint32_t)indices[at - 1] < (uint32_t)index))
			break;
		values[at] = v;
		indices[at] = indices[at - 1];
	}
	values[at] = value;
	indices[at] = index;
}

/* Few values pass the worst of the list: a run of 16 is first looked at as a whole, which is vector
 * code. */
KERNEL(top_k)
{
	const struct top_k_arguments *a = arguments;
	(void)scratch;
	for (size_t r = begin; r < end && a->k; r++) {
		const float *y = a->y + r * a->y_stride;
		float *values = a->values + r * a->values_stride, *worst = values + a->k - 1;
		int32_t *indices = a->indices + r * a->indices_stride;
		for (size_t j = 0; j < a->columns; j += LANES) {
			size_t n = a->columns - j < LANES ? a->columns - j : LANES;
			int any = n < LANES;
			for (size_t l = 0; n == LANES && l < LANES; l++)
				any |= y[j + l] <= *worst;
			for (size_t l = j; any && l < j + n; l++) {
				int32_t index = (int32_t)(a->first + l);
				uint32_t last = (uint32_t)indices[a->k - 1];
				if (y[l] < *worst || (y[l] == *worst && (uint32_t)index < last))
					insert(values, indices, a->k, y[l] + 0.0f, index);
			}
		}
	}
}
