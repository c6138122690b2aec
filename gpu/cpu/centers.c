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

KERNEL(nearest_center)
{
	const struct nearest_center_arguments *a = arguments;
	size_t c = a->columns, last = end * CENTER_ROWS < a->rows ? end * CENTER_ROWS : a->rows;
	struct arena_mark mark = arena_mark(scratch);
	double *points = ARENA_ARRAY(scratch, double, size_mul(POINTS, c));
	for (size_t row = begin * CENTER_ROWS; row < last; row += POINTS) {
		size_t n = last - row < POINTS ? last - row : POINTS, best[POINTS] = { 0 };
		double least[POINTS];
		points_at(a, row, n, points);
		for (size_t k = 0; k < a->k; k += CENTER_LANES) {
			lanes d[POINTS];
			distances(points, a->blocks + k * c, c, d);
			for (size_t i = 0; i < n; i++)
				for (size_t l = 0; l < CENTER_LANES; l++)
					if (k + l == 0 || (k + l < a->k && d[i][l] < least[i])) {
						least[i] = d[i][l];
						best[i] = k + l;
					}
		}
		for (size_t i = 0; i < n; i++) {
			a->label[row + i] = (int32_t)best[i];
			if (a->raw)
				a->raw[row + i] = least[i];
		}
	}
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
