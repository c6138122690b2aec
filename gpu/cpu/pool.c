/*
 * pool.c: one vector for a sequence: pooled tokens, sums of rows of a table, sums down columns.
 * Down a column a sum is the product with ones (ops.h): blocks of 256 rows, here 16 columns wide.
 */
#include "gpu/cpu/lanes.h"
#include "gpu/cpu/tile.h"

enum { STRIP = 16, STRIP_VECTORS = 4 };

/* Row t of the terms and its factor. */
struct terms {
	const float *x;
	const int8_t *x8; /* instead of x */
	const float *scales;
	const uint32_t *ids; /* rows of x, or NULL: row t */
	size_t stride;
	bool counted; /* factor t + 1 */
};

INLINE float factor(const struct terms *e, size_t t, size_t row)
{
	return e->scales ? e->scales[row] : e->counted ? (float)(t + 1) : 1;
}

/* C vectors of columns from column c on, over the rows from .. to - 1 of one block. */
INLINE void add_vectors(const int C, const bool bytes, const struct terms *e, size_t from, size_t to,
	size_t c, float *y)
{
	vector s[STRIP_VECTORS];
	UNROLL for (int j = 0; j < C; j++)
		s[j] = v_set(0);
	for (size_t t = from; t < to; t++) {
		size_t row = e->ids ? e->ids[t] : t, at = row * e->stride + c;
		vector f = v_set(factor(e, t, row));
		UNROLL for (int j = 0; j < C; j++)
			s[j] = v_fma(f, bytes ? v_bytes(e->x8 + at + WIDTH * j) :
				v_load(e->x + at + WIDTH * j), s[j]);
	}
	UNROLL for (int j = 0; j < C; j++) {
		float *sum = y + c + WIDTH * j;
		v_store(sum, from ? v_add(v_load(sum), s[j]) : s[j]);
	}
}

static void add_column(const struct terms *e, size_t from, size_t to, size_t c, float *y)
{
	float s = 0;
	for (size_t t = from; t < to; t++) {
		size_t row = e->ids ? e->ids[t] : t, at = row * e->stride + c;
		s = math_fma(factor(e, t, row), e->x8 ? (float)e->x8[at] : e->x[at], s);
	}
	y[c] = from ? y[c] + s : s;
}

INLINE void add_block(const bool bytes, const struct terms *e, size_t from, size_t to,
	size_t columns, float *y)
{
	size_t c = 0;
	for (; c + STRIP_VECTORS * WIDTH <= columns; c += STRIP_VECTORS * WIDTH)
		add_vectors(STRIP_VECTORS, bytes, e, from, to, c, y);
	for (; c + WIDTH <= columns; c += WIDTH)
		add_vectors(1, bytes, e, from, to, c, y);
	for (; c < columns; c++)
		add_column(e, from, to, c, y);
}

/* y [columns] = the product of the factors with the rows. */
static void weighted_sum(const struct terms *e, size_t rows, size_t columns, float *y)
{
	if (rows == 0)
		memset(y, 0, columns * sizeof *y);
	for (size_t b = 0; b < rows; b += BLOCK_K) {
		size_t to = rows - b < BLOCK_K ? rows : b + BLOCK_K;
		if (e->x8)
			add_block(true, e, b, to, columns, y);
		else
			add_block(false, e, b, to, columns, y);
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
