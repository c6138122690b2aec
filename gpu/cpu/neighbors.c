/*
 * neighbors.c: the k nearest rows. The distances of a block of BLOCK_ROWS rows to one block of
 * columns are made by the product's kernel in the second-level cache, then looked at sixteen at a
 * time: few pass the worst of a list. A pair of rows is computed once and offered to both lists; a
 * round-robin tournament of blocks lets threads own the lists that they change. Lists are kept in
 * order of (value, index), so that the order of the offers does not matter.
 */
#include "gpu/neighbors.h"

#include <math.h>
#include <string.h>

#include "gpu/cpu/product.h"

/* Put (value, index) into list r, whose last falls out. */
static void offer(const struct nearest_lists *l, size_t r, float value, size_t index)
{
	float *values = l->values + r * l->k;
	int32_t *indices = l->indices + r * l->k;
	size_t at = l->k - 1;
	if (value > values[at] || (value == values[at] && (uint32_t)indices[at] < index))
		return;
	for (; at > 0; at--) {
		float v = values[at - 1];
		if (v < value || (v == value && (uint32_t)indices[at - 1] < index))
			break;
		values[at] = v;
		indices[at] = indices[at - 1];
	}
	values[at] = value;
	indices[at] = (int32_t)index;
	l->worst[r] = values[l->k - 1];
}

/* Squares of products to distances: y = (qq + ww) - 2 y, at least 0. */
INLINE void finish(float *y, size_t n, float qq, const float *ww)
{
	for (size_t j = 0; j < n; j++) {
		float d = (qq + ww[j]) - 2 * y[j];
		y[j] = d < 0 ? 0 : d;
	}
}

/* y [rows, panels PANEL] = sum |x - w| in order of the columns, four rows at a time. */
static void manhattan(const float *x, size_t x_stride, size_t rows, const float *packed,
	size_t panels, size_t c, float *y, size_t y_stride)
{
	for (size_t p = 0; p < panels; p++, packed += PANEL * c)
		for (size_t i = 0; i < rows; i += 4) {
			float s[4][PANEL] = { { 0 } };
			const float *row[4];
			for (size_t r = 0; r < 4; r++)
				row[r] = x + (i + r < rows ? i + r : i) * x_stride;
			for (size_t k = 0; k < c; k++)
				for (size_t r = 0; r < 4; r++)
					for (size_t j = 0; j < PANEL; j++)
						s[r][j] += __builtin_fabsf(
							row[r][k] - packed[k * PANEL + j]);
			for (size_t r = 0; r < 4 && i + r < rows; r++)
				memcpy(y + (i + r) * y_stride + p * PANEL, s[r], sizeof s[r]);
		}
}

/* The distances of rows row … row + rows (at most BLOCK_ROWS) of q to the columns first … first
 * + n, first a multiple of PANEL. */
static void distances(const struct nearest_arguments *a, size_t row, size_t rows, size_t first,
	size_t n, float *y, size_t stride, struct arena *scratch)
{
	const float *x = a->q + row * a->q_stride;
	struct weight view = *a->w;
	size_t panels = (n + PANEL - 1) / PANEL;
	view.n = panels * PANEL; /* missing rows of the last panel are zeros, and not looked at */
	view.packed = (float *)a->w->packed + first * a->w->k;
	if (a->nearest == NEAREST_MANHATTAN) {
		manhattan(x, a->q_stride, rows, view.packed, panels, a->w->k, y, stride);
		return;
	}
	LOCAL(linear_rows)
	(y, stride, x, a->q_stride, rows, &view, 0, panels, ACTIVATION_NONE, scratch);
	for (size_t i = 0; i < rows; i++)
		finish(y + i * stride, n, a->qq[row + i], a->ww + first);
}

/* Which of sixteen pass a bound. */
INLINE bool any_below(const float *y, float bound)
{
	int any = 0;
	for (size_t l = 0; l < LANES; l++)
		any |= y[l] <= bound;
	return any;
}

INLINE bool any_below_either(const float *y, float bound, const float *bounds)
{
	int any = 0;
	for (size_t l = 0; l < LANES; l++)
		any |= (y[l] <= bound) | (y[l] <= bounds[l]);
	return any;
}

/* Offer the columns first … first + n to list r and, where both is set, r to theirs. */
INLINE void look(const struct nearest_lists *lists, size_t r, const float *y, size_t first,
	size_t n, const bool both)
{
	for (size_t j = 0; j < n; j += LANES) {
		size_t m = n - j < LANES ? n - j : LANES;
		if (m == LANES &&
			!(both ? any_below_either(y + j, lists->worst[r], lists->worst + first + j)
			       : any_below(y + j, lists->worst[r])))
			continue;
		for (size_t l = j; l < j + m; l++) {
			float d = y[l] + 0.0f;
			if (d <= lists->worst[r])
				offer(lists, r, d, first + l);
			if (both && d <= lists->worst[first + l])
				offer(lists, first + l, d, r);
		}
	}
}

static void block_pair(const struct nearest_arguments *a, size_t p, size_t q, struct arena *scratch)
{
	struct arena_mark mark = arena_mark(scratch);
	float *y = ARENA_ARRAY(scratch, float, BLOCK_ROWS * a->block);
	size_t last = (p + 1) * a->block < a->m ? (p + 1) * a->block : a->m;
	size_t first = q * a->block, n = a->m - first < a->block ? a->m - first : a->block;
	for (size_t i = p * a->block; i < last && a->round == 0; i++)
		a->lists.worst[i] = INFINITY;
	for (size_t row = p * a->block; row < last; row += BLOCK_ROWS) {
		size_t rows = last - row < BLOCK_ROWS ? last - row : BLOCK_ROWS;
		distances(a, row, rows, first, n, y, a->block, scratch);
		for (size_t i = 0; i < rows; i++)
			if (p == q)
				look(&a->lists, row + i, y + i * a->block, first, n, false);
			else
				look(&a->lists, row + i, y + i * a->block, first, n, true);
	}
	arena_reset(scratch, mark);
}

/* Rounds 1 … of a round-robin tournament of n players, n even: player n - 1 stays, the others
 * turn. */
KERNEL(nearest_pairs)
{
	const struct nearest_arguments *a = arguments;
	size_t n = a->blocks + a->blocks % 2;
	for (size_t u = begin; u < end; u++) {
		size_t p = u, q = u;
		if (a->round > 0) {
			size_t turn = a->round - 1;
			p = u ? (turn + u) % (n - 1) : n - 1;
			q = (turn + n - 1 - u) % (n - 1);
		}
		if (p < a->blocks && q < a->blocks)
			block_pair(a, p < q ? p : q, p < q ? q : p, scratch);
	}
}

KERNEL(nearest_rows)
{
	const struct nearest_arguments *a = arguments;
	for (size_t u = begin; u < end; u++) {
		struct arena_mark mark = arena_mark(scratch);
		float *y = ARENA_ARRAY(scratch, float, BLOCK_ROWS * a->block);
		size_t row = u * BLOCK_ROWS,
		       rows = a->m - row < BLOCK_ROWS ? a->m - row : BLOCK_ROWS;
		for (size_t i = 0; i < rows; i++)
			a->lists.worst[row + i] = INFINITY;
		for (size_t first = 0; first < a->w->n; first += a->block) {
			size_t n = a->w->n - first < a->block ? a->w->n - first : a->block;
			distances(a, row, rows, first, n, y, a->block, scratch);
			for (size_t i = 0; i < rows; i++)
				look(&a->lists, row + i, y + i * a->block, first, n, false);
		}
		arena_reset(scratch, mark);
	}
}
