/*
 * pool.c: one vector for a sequence: pooled tokens, sums of rows of a table, sums down columns.
 * Down a column a sum is the product with ones (ops.h): blocks of 256 rows, here 16 columns wide.
 */
#include "gpu/cpu/lanes.h"
#include "gpu/cpu/tile.h"

enum { STRIP = 16 };

/* Row t of the terms, columns c .. c + STRIP - 1 (n of them), and its factor. */
struct terms {
	const float *x;
	const int8_t *x8;	/* instead of x */
	const float *scales;
	const uint32_t *ids;	/* rows of x, or NULL: row t */
	size_t stride;
	bool counted;	/* factor t + 1 */
};

INLINE void add_row(const struct terms *e, size_t t, size_t c, size_t n, float *s)
{
	size_t row = e->ids ? e->ids[t] : t;
	float f = e->scales ? e->scales[row] : e->counted ? (float)(t + 1) : 1;
	if (e->x8)
		for (size_t j = 0; j < n; j++)
			s[j] = math_fma(f, (float)e->x8[row * e->stride + c + j], s[j]);
	else
		for (size_t j = 0; j < n; j++)
			s[j] = math_fma(f, e->x[row * e->stride + c + j], s[j]);
}

/* y [columns] = the product of the factors with the rows. */
static void weighted_sum(const struct terms *e, size_t rows, size_t columns, float *y)
{
	for (size_t c = 0; c < columns; c += STRIP) {
		size_t n = columns - c < STRIP ? columns - c : STRIP;
		for (size_t b = 0; b == 0 || b < rows; b += BLOCK_K) {
			float s[STRIP] = { 0 };
			size_t last = rows - b < BLOCK_K ? rows : b + BLOCK_K;
			for (size_t t = b; t < last; t++) {
				if (n == STRIP)
					add_row(e, t, c, STRIP, s);
				else
					add_row(e, t, c, n, s);
			}
			for (size_t j = 0; j < n; j++)
				y[c + j] = b ? y[c + j] + s[j] : s[j];
		}
	}
}

static void divide(float *y, size_t columns, float by)
{
	for (size_t j = 0; j < columns; j++)
		y[j] = y[j] / by;
}

static void pool_maximum(const float *x, size_t stride, size_t rows, size_t columns, float *y)
{
	memcpy(y, x, columns * sizeof *y);
	for (size_t t = 1; t < rows; t++)
		for (size_t j = 0; j < columns; j++) {
			float v = x[t * stride + j];
			y[j] = v > y[j] || v != v ? v : y[j];
		}
	for (size_t j = 0; j < columns; j++)
		y[j] = y[j] + 0.0f;
}

KERNEL(pool)
{
	const struct pool_arguments *a = arguments;
	size_t columns = a->columns;
	(void)scratch;
	for (size_t b = begin; b < end; b++) {
		size_t first = a->cu_seqlens[b], n = a->cu_seqlens[b + 1] - first;
		const float *x = a->x + first * a->x_stride;
		float *y = a->y + b * a->y_stride, count = (float)n;
		struct terms e = { .x = x, .stride = a->x_stride };
		if (n == 0) {
			memset(y, 0, columns * sizeof *y);
			continue;
		}
		switch (a->pooling) {
		case POOLING_CLS:
			memcpy(y, x, columns * sizeof *y);
			break;
		case POOLING_LAST:
			memcpy(y, x + (n - 1) * a->x_stride, columns * sizeof *y);
			break;
		case POOLING_MAX:
			pool_maximum(x, a->x_stride, n, columns, y);
			break;
		case POOLING_WEIGHTED_MEAN:
			e.counted = true;
			weighted_sum(&e, n, columns, y);
			divide(y, columns, count * (count + 1) / 2);
			break;
		default:
			weighted_sum(&e, n, columns, y);
			divide(y, columns, count);
		}
	}
}

KERNEL(bag)
{
	const struct bag_arguments *a = arguments;
	(void)scratch;
	for (size_t b = begin; b < end; b++) {
		size_t first = a->cu_seqlens[b], n = a->cu_seqlens[b + 1] - first;
		float *y = a->y + b * a->y_stride;
		struct terms e = { .scales = a->scales, .ids = a->ids + first,
			.stride = a->table_stride };
		if (a->dtype == I8)
			e.x8 = a->table;
		else
			e.x = a->table;
		weighted_sum(&e, n, a->columns, y);
		if (a->mean && n)
			divide(y, a->columns, (float)n);
	}
}

KERNEL(column_sum)
{
	const struct column_sum_arguments *a = arguments;
	(void)scratch;
	for (size_t c = begin * STRIP; c < end * STRIP && c < a->columns; c += STRIP) {
		struct terms e = { .x = a->x + c, .stride = a->x_stride };
		size_t n = a->columns - c < STRIP ? a->columns - c : STRIP;
		weighted_sum(&e, a->rows, n, a->y + c);
	}
}

KERNEL(normalize)
{
	const struct normalize_arguments *a = arguments;
	(void)scratch;
	for (size_t i = begin; i < end; i++) {
		const float *x = a->x + i * a->x_stride;
		float *y = a->y + i * a->y_stride;
		float norm = __builtin_sqrtf(lanes_sum(TERM_SQUARE, x, NULL, 0, a->columns));
		norm = norm < 1e-12f ? 1e-12f : norm;
		for (size_t j = 0; j < a->columns; j++)
			y[j] = x[j] / norm;
	}
}
