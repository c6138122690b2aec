/*
 * moments.c: sums over rows, squares and products, projections (ops_moments.h). A block of the gram
 * matrix is summed STRIP rows at a time, widened to double: both factors stay in the second-level
 * cache.
 */
#include "gpu/moments.h"

#include "gpu/cpu/point.h"
#include "gpu/cpu/vector64.h"

/* --- Sums over rows --- */

/* Terms t [POINTS, C] of the n rows from m on. */
static void terms(const struct group_sums_arguments *a, size_t m, size_t n, double *t)
{
	const float *x[POINTS];
	size_t c = a->columns;
	for (size_t i = 0; i < POINTS; i++) {
		size_t row = m + (i < n ? i : 0);
		x[i] = a->x + (a->rows ? (size_t)a->rows[row] : row) * a->x_stride;
	}
	points_of(x, c, a->unit, t);
	for (size_t i = 0; i < n; i++, t += c) {
		for (size_t j = 0; a->center && j < c; j++)
			t[j] -= a->center[j];
		for (size_t j = 0; a->square && j < c; j++)
			t[j] *= t[j];
		double weight = a->weight ? a->weight[a->rows ? (size_t)a->rows[m + i] : m + i] : 1;
		for (size_t j = 0; a->weight && j < c; j++)
			t[j] = weight * t[j];
	}
}

KERNEL(group_sums)
{
	const struct group_sums_arguments *a = arguments;
	size_t c = a->columns;
	struct arena_mark mark = arena_mark(scratch);
	double *t = ARENA_ARRAY(scratch, double, size_mul(POINTS, c));
	for (size_t g = begin; g < end; g++) {
		double *restrict sum = a->sums + g * c;
		memset(sum, 0, c * sizeof *sum);
		for (size_t m = a->start[g]; m < a->start[g + 1]; m += POINTS) {
			size_t left = a->start[g + 1] - m, n = left < POINTS ? left : POINTS;
			terms(a, m, n, t);
			for (size_t j = 0; n == POINTS && j < c; j++)
				sum[j] = (((sum[j] + t[j]) + t[c + j]) + t[2 * c + j]) +
					 t[3 * c + j];
			for (size_t i = 0; n < POINTS && i < n; i++)
				for (size_t j = 0; j < c; j++)
					sum[j] += t[i * c + j];
		}
	}
	arena_reset(scratch, mark);
}

/* --- Squares and products --- */

enum { STRIP = 128 };

/* z [rows, GRAM_BLOCK]: block b of columns of the rows from `row` on, zeros beyond the last. */
static void widen(const struct gram_arguments *a, size_t row, size_t rows, size_t b, double *z)
{
	size_t first = b * GRAM_BLOCK, left = a->columns - first;
	size_t n = left < GRAM_BLOCK ? left : GRAM_BLOCK;
	const double *center = a->center + first;
	for (size_t r = 0; r < rows; r++, z += GRAM_BLOCK) {
		size_t at = (row + r) * a->x_stride + first;
		const float *narrow = (const float *)a->x + at;
		const double *wide = (const double *)a->x + at;
		for (size_t j = 0; j < n; j++)
			z[j] = (a->wide ? wide[j] : (double)narrow[j]) - center[j];
		for (size_t j = n; j < GRAM_BLOCK; j++)
			z[j] = 0;
	}
}

KERNEL(gram)
{
	const struct gram_arguments *a = arguments;
	size_t triangle = a->blocks * (a->blocks + 1) / 2 * GRAM_AREA;
	struct arena_mark mark = arena_mark(scratch);
	double *z = ARENA_ARRAY(scratch, double, STRIP *GRAM_BLOCK),
	       *other = ARENA_ARRAY(scratch, double, STRIP *GRAM_BLOCK);
	for (size_t u = begin; u < end; u++) {
		size_t i = u % a->blocks, first = u / a->blocks * MOMENT_ROWS,
		       left = a->rows - first;
		size_t last = first + (left < MOMENT_ROWS ? left : MOMENT_ROWS);
		double *part = a->parts + u / a->blocks * triangle + i * (i + 1) / 2 * GRAM_AREA;
		memset(part, 0, (i + 1) * GRAM_AREA * sizeof *part);
		for (size_t row = first; row < last; row += STRIP) {
			size_t rows = last - row < STRIP ? last - row : STRIP;
			widen(a, row, rows, i, z);
			for (size_t j = 0; j <= i; j++) {
				if (j < i)
					widen(a, row, rows, j, other);
				product64(GRAM_BLOCK, rows, (struct left64){ z, 1, GRAM_BLOCK },
					j < i ? other : z, GRAM_BLOCK, GRAM_BLOCK,
					part + j * GRAM_AREA, GRAM_BLOCK);
			}
		}
	}
	arena_reset(scratch, mark);
}

KERNEL(gram_sum)
{
	const struct gram_sum_arguments *a = arguments;
	(void)scratch;
	for (size_t u = 0; u < a->n_parts; u++) {
		const double *part = a->parts + u * a->triangle;
		for (size_t i = begin * GRAM_AREA; i < end * GRAM_AREA; i++)
			a->sum[i] += part[i];
	}
}

/* --- Projections --- */

enum { LANES64 = 16 };

/* A row z [C] on N rows of w. */
INLINE void project(const size_t N, const double *z, size_t c, const double *w, float *y)
{
	enum { VECTORS = LANES64 / WIDTH64 };
	vector64 lane[4][VECTORS];
	size_t whole = c / LANES64 * LANES64;
	UNROLL for (size_t k = 0; k < N; k++) UNROLL for (size_t v = 0; v < VECTORS; v++)
		lane[k][v] = d_set(0.0);
	for (size_t j = 0; j < whole; j += LANES64)
		UNROLL for (size_t v = 0; v < VECTORS; v++)
		{
			vector64 x = d_load(z + j + v * WIDTH64);
			UNROLL for (size_t k = 0; k < N; k++) lane[k][v] =
				d_fma(x, d_load(w + k * c + j + v * WIDTH64), lane[k][v]);
		}
	for (size_t k = 0; k < N; k++) {
		double s[LANES64];
		UNROLL for (size_t v = 0; v < VECTORS; v++) d_store(s + v * WIDTH64, lane[k][v]);
		for (size_t j = whole; j < c; j++)
			s[j - whole] = __builtin_fma(z[j], w[k * c + j], s[j - whole]);
		for (size_t half = LANES64 / 2; half; half /= 2)
			for (size_t l = 0; l < half; l++)
				s[l] += s[l + half];
		y[k] = (float)s[0];
	}
}

KERNEL(project)
{
	const struct project_arguments *a = arguments;
	size_t c = a->columns;
	struct arena_mark mark = arena_mark(scratch);
	double *z = ARENA_ARRAY(scratch, double, c);
	for (size_t i = begin; i < end; i++) {
		const float *x = a->x + i * a->x_stride;
		for (size_t j = 0; j < c; j++)
			z[j] = (double)x[j] - a->center[j];
		float *y = a->y + i * a->y_stride;
		size_t k = 0;
		for (; k + 4 <= a->k; k += 4)
			project(4, z, c, a->w + k * c, y + k);
		for (; k < a->k; k++)
			project(1, z, c, a->w + k * c, y + k);
	}
	arena_reset(scratch, mark);
}
