/*
 * centers.c: the nearest centre of each row, and what k-means++ asks of some (ops_centers.h): a lane a
 * centre, so that no sum is ever split; four rows at a time share what is read of the centres.
 */
#include "gpu/centers.h"

#include "gpu/cpu/point.h"

typedef double lanes __attribute__((vector_size(CENTER_LANES * sizeof(double)), aligned(64)));

/* The rows from `row` on, n of them; the first again for those that are not. */
static void points_at(
	const struct nearest_center_arguments *a, size_t row, size_t n, double *points)
{
	const float *x[POINTS];
	for (size_t i = 0; i < POINTS; i++)
		x[i] = a->x + (row + (i < n ? i : 0)) * a->x_stride;
	points_of(x, a->columns, a->unit, points);
}

/* The distances of POINTS points [POINTS, C] to a block of centres. */
static void distances(const double *points, const double *block, size_t c, lanes *out)
{
	const double *p0 = points, *p1 = p0 + c, *p2 = p1 + c, *p3 = p2 + c;
	lanes s0 = { 0 }, s1 = { 0 }, s2 = { 0 }, s3 = { 0 };
	for (size_t j = 0; j < c; j++) {
		lanes y = *(const lanes *)(block + j * CENTER_LANES);
		lanes d0 = p0[j] - y, d1 = p1[j] - y, d2 = p2[j] - y, d3 = p3[j] - y;
		s0 += d0 * d0;
		s1 += d1 * d1;
		s2 += d2 * d2;
		s3 += d3 * d3;
	}
	out[0] = s0;
	out[1] = s1;
	out[2] = s2;
	out[3] = s3;
}

/* The nearest of all centres to n rows, at most POINTS. */
static void search(
	const struct nearest_center_arguments *a, const size_t *rows, size_t n, double *points)
{
	const float *x[POINTS];
	double least[POINTS];
	size_t best[POINTS] = { 0 };
	for (size_t i = 0; i < POINTS; i++)
		x[i] = a->x + rows[i < n ? i : 0] * a->x_stride;
	points_of(x, a->columns, a->unit, points);
	for (size_t k = 0; k < a->k; k += CENTER_LANES) {
		lanes d[POINTS];
		distances(points, a->blocks + k * a->columns, a->columns, d);
		for (size_t i = 0; i < n; i++)
			for (size_t l = 0; l < CENTER_LANES; l++)
				if (k + l == 0 || (k + l < a->k && d[i][l] < least[i])) {
					least[i] = d[i][l];
					best[i] = k + l;
				}
	}
	for (size_t i = 0; i < n; i++) {
		a->label[rows[i]] = (int32_t)best[i];
		if (a->raw)
			a->raw[rows[i]] = least[i];
	}
}

/*
 * Whether one centre alone can be the nearest, by products in float32. With X = |x|, L = |c|, s = 1 and P = X, or
 * with `unit` s = X and P = 1, s times the distance less what all have in common is
 *	v = s L^2 - 2 y
 * y, the product rule (gpu/ops.h) over c rounded to float32, is off by the rounding of c, 2^-24 X L, one of each of the
 * m fma and additions that a term passes through, m <= min(C, 256) + C / 256 + 1, at most m 2^-24 / (1 - m 2^-24) times
 * the sum of |x c| <= X L (Higham, "Accuracy and stability of numerical algorithms", 3.1), and where numbers are below
 * 2^-126 by 2^-149 (1 + X) for each; `product_error` and `tiny` are twice that and a bit. The sums of doubles, here and
 * in a distance, are off by fewer than (C + 8) 2^-51 s (P + L)^2 altogether. A product that is not finite makes every
 * bound NaN and so its centre one that may be the nearest, beside another.
 */
static bool settle(const struct nearest_center_arguments *a, size_t row, double *low, double *high)
{
	const struct center_filter *f = a->filter;
	const float *x = a->x + row * a->x_stride, *y = f->products + row * a->k;
	double sum[CENTER_LANES] = { 0 };
	for (size_t j = 0; j < a->columns; j++)
		sum[j % CENTER_LANES] += (double)x[j] * (double)x[j];
	for (size_t l = 1; l < CENTER_LANES; l++)
		sum[0] += sum[l];
	double length = __builtin_sqrt(sum[0]), s = a->unit ? length : 1, p = a->unit ? 1 : length;
	double product = f->product_error * length, tiny = f->tiny * (1 + length),
	       distance = f->distance_error * s;
	for (size_t k = 0; k < a->k; k++) {
		double z = (double)y[k], v = s * f->square[k] - 2 * z + (z - z);
		double reach = p + f->length[k];
		double error = product * f->length[k] + tiny + distance * (reach * reach);
		low[k] = v - error;
		high[k] = v + error;
	}
	double least = __builtin_inf();
	size_t found = 0;
	for (size_t k = 0; k < a->k; k++)
		least = high[k] < least ? high[k] : least;
	for (size_t k = 0; k < a->k; k++)
		if (!(low[k] > least)) {
			a->label[row] = (int32_t)k;
			found++;
		}
	return found == 1;
}

/* Rows that the filter does not settle wait for others: distances are taken of POINTS at once. */
KERNEL(nearest_center)
{
	const struct nearest_center_arguments *a = arguments;
	size_t last = end * CENTER_ROWS < a->rows ? end * CENTER_ROWS : a->rows, n = 0,
	       rows[POINTS];
	struct arena_mark mark = arena_mark(scratch);
	double *points = ARENA_ARRAY(scratch, double, size_mul(POINTS, a->columns));
	double *bounds = ARENA_ARRAY(scratch, double, a->filter ? size_mul(2, a->k) : 0);
	for (size_t row = begin * CENTER_ROWS; row < last; row++) {
		if (a->filter && settle(a, row, bounds, bounds + a->k))
			continue;
		rows[n++] = row;
		if (n == POINTS) {
			search(a, rows, n, points);
			n = 0;
		}
	}
	if (n)
		search(a, rows, n, points);
	arena_reset(scratch, mark);
}

KERNEL(closer)
{
	const struct closer_arguments *g = arguments;
	const struct nearest_center_arguments *a = &g->to;
	size_t c = a->columns, last = end * CENTER_ROWS < a->rows ? end * CENTER_ROWS : a->rows;
	struct arena_mark mark = arena_mark(scratch);
	double *points = ARENA_ARRAY(scratch, double, size_mul(POINTS, c));
	for (size_t row = begin * CENTER_ROWS; row < last; row += POINTS) {
		size_t n = last - row < POINTS ? last - row : POINTS;
		lanes d[POINTS];
		points_at(a, row, n, points);
		distances(points, a->blocks, c, d);
		for (size_t i = 0; i < n; i++)
			for (size_t t = 0; t < a->k; t++) {
				double was = g->nearest[row + i];
				g->closer[t][row + i] = d[i][t] < was ? d[i][t] : was;
			}
	}
	arena_reset(scratch, mark);
}

KERNEL(chunk_sums)
{
	const struct chunk_sums_arguments *a = arguments;
	size_t chunks = (a->n + CENTER_CHUNK - 1) / CENTER_CHUNK;
	(void)scratch;
	for (size_t u = begin; u < end; u++) {
		size_t from = u % chunks * CENTER_CHUNK, left = a->n - from;
		size_t to = from + (left < CENTER_CHUNK ? left : CENTER_CHUNK);
		double sum = 0;
		for (size_t i = from; i < to; i++)
			sum += a->x[u / chunks][i];
		a->sums[u] = sum;
	}
}
