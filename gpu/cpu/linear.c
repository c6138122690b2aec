/*
 * linear.c: y = act(x w^T + bias), over weights in panels (tile.h), and what follows a product at
 * once. Rows are taken in blocks of 96: their x (150 kB at k = 384) stays in the second-level cache
 * while the panels pass; blocks and panels are independent.
 */
#include "gpu/cpu/product.h"
#include "gpu/rounding.h"

INLINE float rounded(enum dtype dtype, float x)
{
	return dtype == BF16 ? round_bf16(x) : dtype == F16 ? round_f16(x) : x;
}

/* Panel p holds rows p PANEL .. of w, k by k: element (n, k) at k PANEL + n; missing rows are 0. */
static void pack_panel(float *to, const float *w, size_t stride, size_t n, size_t k,
	enum dtype dtype)
{
	for (size_t l = 0; l < k; l++)
		for (size_t j = 0; j < PANEL; j++)
			to[l * PANEL + j] = j < n ? w[j * stride + l] : 0;
	for (size_t i = 0; dtype != F32 && i < k * PANEL; i++)
		to[i] = rounded(dtype, to[i]);
}

#if defined KERNEL_avx512

static size_t even(size_t k)
{
	return (k + 1) / 2 * 2;
}

/* The same in bfloat16, pairs of k together, an odd last k paired with 0. */
static void pack_pairs(uint16_t *to, const float *w, size_t stride, size_t n, size_t k)
{
	memset(to, 0, PANEL * even(k) * sizeof *to);
	for (size_t l = 0; l < k; l++)
		for (size_t j = 0; j < n; j++)
			LOCAL(bf16_rows)(to + l / 2 * 2 * PANEL + 2 * j + l % 2, 1,
				w + j * stride + l, 1, 1, 1);
}

#endif

void LOCAL(weight_pack)(const struct weight *, const float *, size_t, size_t, size_t);
void LOCAL(weight_pack)(const struct weight *weight, const float *w, size_t stride, size_t begin,
	size_t end)
{
	size_t k = weight->k;
	for (size_t first = begin * PANEL; first < end * PANEL; first += PANEL) {
		size_t n = weight->n - first < PANEL ? weight->n - first : PANEL;
#if defined KERNEL_avx512
		if (weight->paired) {
			pack_pairs((uint16_t *)weight->packed + first * even(k), w + first * stride,
				stride, n, k);
			continue;
		}
#endif
		pack_panel((float *)weight->packed + first * k, w + first * stride, stride, n, k,
			weight->dtype);
	}
}

/* The rows of a product, rounded as the weight wants. */
struct rows {
	const float *x;
	size_t x_stride, n;
	uint16_t *pairs;
};

static struct rows rows_of(const float *x, size_t x_stride, size_t n, const struct weight *w,
	struct arena *scratch)
{
	struct rows r = { x, x_stride, n, NULL };
	if (w->dtype == F32)
		return r;
#if defined KERNEL_avx512
	if (w->paired) {
		r.pairs = ARENA_ARRAY(scratch, uint16_t, size_mul(n, even(w->k)));
		LOCAL(bf16_rows)(r.pairs, even(w->k), x, x_stride, n, w->k);
		return r;
	}
#endif
	float *own = scratch_floats(scratch, size_mul(n, w->k));
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < w->k; j++)
			own[i * w->k + j] = rounded(w->dtype, x[i * x_stride + j]);
	r.x = own;
	r.x_stride = w->k;
	return r;
}

/* Columns first .. first + PANEL - 1 of the product. */
static void panel(float *y, size_t y_stride, const struct rows *r, const struct weight *w,
	size_t first)
{
#if defined KERNEL_avx512
	if (w->paired) {
		LOCAL(bf16_panel)(y, y_stride, r->pairs, even(w->k), r->n, w->k,
			(uint16_t *)w->packed + first * even(w->k));
		return;
	}
#endif
	tile_blocks(r->n, 0, w->k, r->x, r->x_stride, (float *)w->packed + first * w->k, PANEL, PANEL,
		y, y_stride);
}

void LOCAL(linear_rows)(float *y, size_t y_stride, const float *x, size_t x_stride, size_t rows,
	const struct weight *w, size_t begin, size_t end, enum activation activation,
	struct arena *scratch)
{
	struct arena_mark mark = arena_mark(scratch);
	struct rows r = rows_of(x, x_stride, rows, w, scratch);
	for (size_t p = begin; p < end; p++) {
		size_t first = p * PANEL, n = w->n - first < PANEL ? w->n - first : PANEL;
		/* a last panel that is not full goes through scratch memory */
		float *to = n == PANEL ? y + first : scratch_floats(scratch, rows * PANEL);
		size_t stride = n == PANEL ? y_stride : PANEL;
		panel(to, stride, &r, w, first);
		LOCAL(epilogue)(to, stride, rows, PANEL, w->bias ? w->bias + first : NULL,
			activation);
		for (size_t i = 0; n < PANEL && i < rows; i++)
			memcpy(y + i * y_stride + first, to + i * PANEL, n * sizeof *y);
	}
	arena_reset(scratch, mark);
}

/* Calls linear_rows for the panels of each block of rows among the units, and then after, if there
 * is one. */
typedef void after_function(const void *arguments, size_t row, size_t rows, size_t column,
	size_t columns);

static void product(const struct linear_arguments *a, size_t begin, size_t end,
	struct arena *scratch, after_function *after, const void *arguments)
{
	size_t panels = (a->w->n + PANEL - 1) / PANEL;
	while (begin < end) {
		size_t row = begin / panels * BLOCK_ROWS, p = begin % panels;
		size_t last = end - begin < panels - p ? p + (end - begin) : panels;
		size_t rows = a->rows - row < BLOCK_ROWS ? a->rows - row : BLOCK_ROWS;
		LOCAL(linear_rows)(a->y + row * a->y_stride, a->y_stride, a->x + row * a->x_stride,
			a->x_stride, rows, a->w, p, last, a->activation, scratch);
		size_t column = p * PANEL, to = last * PANEL < a->w->n ? last * PANEL : a->w->n;
		if (after)
			after(arguments, row, rows, column, to - column);
		begin += last - p;
	}
}

KERNEL(linear)
{
	product(arguments, begin, end, scratch, NULL, NULL);
}

/* (xx + ww) - 2 xw, at least 0; 2 xw is exact. */
static void distances(const void *arguments, size_t row, size_t rows, size_t column, size_t columns)
{
	const struct square_distances_arguments *a = arguments;
	for (size_t i = row; i < row + rows; i++) {
		float *y = a->product.y + i * a->product.y_stride + column, xx = a->xx[i];
		const float *ww = a->ww + column;
		for (size_t j = 0; j < columns; j++) {
			float d = (xx + ww[j]) - 2 * y[j];
			y[j] = d < 0 ? 0 : d;
		}
	}
}

KERNEL(square_distances)
{
	const struct square_distances_arguments *a = arguments;
	product(&a->product, begin, end, scratch, distances, a);
}

/* x . x, one chain a row: sixteen rows at a time keep the adders busy. */
KERNEL(square_norms)
{
	const struct square_norms_arguments *a = arguments;
	(void)scratch;
	for (size_t r = begin; r < end; r += 16) {
		size_t rows = end - r < 16 ? end - r : 16;
		for (size_t b = 0; b == 0 || b < a->columns; b += BLOCK_K) {
			size_t kn = a->columns - b < BLOCK_K ? a->columns - b : BLOCK_K;
			float s[16] = { 0 };
			const float *x = a->x + r * a->x_stride + b;
			for (size_t k = 0; k < kn; k++)
				for (size_t i = 0; i < rows; i++) {
					float v = x[i * a->x_stride + k];
					s[i] = math_fma(v, v, s[i]);
				}
			for (size_t i = 0; i < rows; i++)
				a->y[r + i] = b ? a->y[r + i] + s[i] : s[i];
		}
	}
}
