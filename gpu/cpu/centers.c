/*
 * centers.c: the nearest centre of each row, and what k-means++ asks of some (ops_centers.h): a lane a
 * centre, so that no sum is ever split; four rows at a time share what is read of the centres.
 */
#include "gpu/centers.h"

#include <math.h>

#include "gpu/cpu/kernels.h"

typedef double lanes __attribute__((vector_size(CENTER_LANES * sizeof(double)), aligned(64)));

enum { TOGETHER = 4 };

static void point_of(const struct nearest_center_arguments *a, size_t row, double *p)
{
	const float *x = a->x + row * a->x_stride;
	double sum = 0;
	for (size_t j = 0; j < a->columns; j++) {
		p[j] = (double)x[j];
		sum += p[j] * p[j];
	}
	double length = sqrt(sum);
	for (size_t j = 0; a->unit && j < a->columns; j++)
		p[j] /= length;
}

/* The distances of TOGETHER points [TOGETHER, C] to a block of centres. */
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
	double *points = ARENA_ARRAY(scratch, double, size_mul(TOGETHER, c));
	for (size_t row = begin * CENTER_ROWS; row < last; row += TOGETHER) {
		size_t n = last - row < TOGETHER ? last - row : TOGETHER, best[TOGETHER] = { 0 };
		double least[TOGETHER];
		for (size_t i = 0; i < TOGETHER; i++)
			point_of(a, row + (i < n ? i : 0), points + i * c);
		for (size_t k = 0; k < a->k; k += CENTER_LANES) {
			lanes d[TOGETHER];
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
	double *points = ARENA_ARRAY(scratch, double, size_mul(TOGETHER, c));
	for (size_t row = begin * CENTER_ROWS; row < last; row += TOGETHER) {
		size_t n = last - row < TOGETHER ? last - row : TOGETHER;
		lanes d[TOGETHER];
		for (size_t i = 0; i < TOGETHER; i++)
			point_of(a, row + (i < n ? i : 0), points + i * c);
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
