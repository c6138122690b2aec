/*
 * centers.c: the nearest centre of each row, and what k-means++ asks of some (ops_centers.h): a lane a
 * centre, so that no sum is ever split; four rows at a time share what is read of the centres.
 */
#include "gpu/centers.h"

#include "gpu/cpu/point.h"

typedef double lanes __attribute__((vector_size(CENTER_LANES * sizeof(double)), aligned(64)));

/* The n rows, at most POINTS, as points; the first again for those that are not. */
static void points_at(
	const struct nearest_center_arguments *a, const size_t *rows, size_t n, double *points)
{
	const float *x[POINTS];
	for (size_t i = 0; i < POINTS; i++)
		x[i] = a->x + rows[i < n ? i : 0] * a->x_stride;
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
	double least[POINTS];
	size_t best[POINTS] = { 0 };
	points_at(a, rows, n, points);
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

/* --- By products in float32 --- */

/*
 * With X = |x|, L = |c|, s = 1 and P = X, or with `unit` s = X and P = 1, s times the distance is
 *	s P^2 + v, v = s L^2 - 2 y
 * y, a sum of products in float32 with c rounded to it, is off by the rounding of c, 2^-24 X L, one of each of the
 * m roundings that a term passes through, at most m 2^-24 / (1 - m 2^-24) times the sum of |x c| <= X L (Higham,
 * "Accuracy and stability of numerical algorithms", 3.1), and where numbers are below 2^-126 by 2^-149 (1 + X) for
 * each; `product` and `tiny` are twice that and a bit. The sums of doubles, here and in a distance, are off by fewer
 * than (C + 8) 2^-51 s (P + L)^2 altogether. A y that is not finite makes the bounds NaN.
 */
struct bounds {
	double s, p, product, tiny, distance;
};

typedef float narrow __attribute__((vector_size(CENTER_LANES * sizeof(float)), aligned(4)));

static struct bounds bounds_of(const struct nearest_center_arguments *a, const float *x)
{
	const struct center_filter *f = a->filter;
	lanes squares = { 0 };
	size_t j = 0;
	for (; j + CENTER_LANES <= a->columns; j += CENTER_LANES) {
		lanes v = __builtin_convertvector(*(const narrow *)(x + j), lanes);
		squares += v * v;
	}
	double sum = 0;
	for (; j < a->columns; j++)
		sum += (double)x[j] * (double)x[j];
	for (size_t l = 0; l < CENTER_LANES; l++)
		sum += squares[l];
	double length = __builtin_sqrt(sum), s = a->unit ? length : 1;
	return (struct bounds){ s, a->unit ? 1 : length, f->product * length,
		f->tiny * (1 + length), f->distance * s };
}

/* v of centre k, and how far it may be off. */
INLINE double estimate(
	const struct bounds *b, const struct center_filter *f, size_t k, float y, double *error)
{
	double z = (double)y, reach = b->p + f->length[k];
	*error = b->product * f->length[k] + b->tiny + b->distance * (reach * reach);
	return b->s * f->square[k] - 2 * z + (z - z);
}

/* Whether one centre alone can be the nearest: the label. One of NaN may be, beside another. */
static bool settle(const struct nearest_center_arguments *a, size_t row, double *low, double *high)
{
	const struct center_filter *f = a->filter;
	const float *y = f->products + row * a->k;
	struct bounds b = bounds_of(a, a->x + row * a->x_stride);
	for (size_t k = 0; k < a->k; k++) {
		double error, v = estimate(&b, f, k, y[k], &error);
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

/* x . w of K rows w [K, C], in some order. */
INLINE void dots(const size_t K, const float *x, const float *w, size_t c, float *y)
{
	vector sum[CENTER_LANES];
	size_t whole = c / WIDTH * WIDTH;
	UNROLL for (size_t k = 0; k < K; k++) sum[k] = v_set(0.0f);
	for (size_t j = 0; j < whole; j += WIDTH) {
		vector v = v_load(x + j);
		UNROLL for (size_t k = 0; k < K; k++) sum[k] =
			v_fma(v, v_load(w + k * c + j), sum[k]);
	}
	UNROLL for (size_t k = 0; k < K; k++)
	{
		float part[WIDTH];
		v_store(part, sum[k]);
		for (size_t half = WIDTH / 2; half; half /= 2)
			for (size_t l = 0; l < half; l++)
				part[l] += part[l + half];
		for (size_t j = whole; j < c; j++)
			part[0] += x[j] * w[k * c + j];
		y[k] = part[0];
	}
}

/* Whether no candidate can be nearer than the nearest. */
static bool is_far(const struct closer_arguments *g, size_t row)
{
	const struct nearest_center_arguments *a = &g->to;
	const struct center_filter *f = a->filter;
	const float *x = a->x + row * a->x_stride;
	float y[CENTER_LANES];
	size_t k = 0;
	for (; k + 4 <= a->k; k += 4)
		dots(4, x, f->rounded + k * a->columns, a->columns, y + k);
	for (; k < a->k; k++)
		dots(1, x, f->rounded + k * a->columns, a->columns, y + k);
	struct bounds b = bounds_of(a, x);
	bool far = true;
	for (k = 0; k < a->k; k++) {
		double error, v = estimate(&b, f, k, y[k], &error);
		far = far && b.s * (b.p * b.p) + v - error >= b.s * g->nearest[row] * (1 + 0x1p-50);
	}
	return far;
}

/* --- Kernels --- */

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

static void approach(const struct closer_arguments *g, const size_t *rows, size_t n, double *points)
{
	lanes d[POINTS];
	points_at(&g->to, rows, n, points);
	distances(points, g->to.blocks, g->to.columns, d);
	for (size_t i = 0; i < n; i++)
		for (size_t t = 0; t < g->to.k; t++) {
			double was = g->nearest[rows[i]];
			g->closer[t][rows[i]] = d[i][t] < was ? d[i][t] : was;
		}
}

KERNEL(closer)
{
	const struct closer_arguments *g = arguments;
	const struct nearest_center_arguments *a = &g->to;
	size_t last = end * CENTER_ROWS < a->rows ? end * CENTER_ROWS : a->rows, n = 0,
	       rows[POINTS];
	struct arena_mark mark = arena_mark(scratch);
	double *points = ARENA_ARRAY(scratch, double, size_mul(POINTS, a->columns));
	for (size_t row = begin * CENTER_ROWS; row < last; row++) {
		if (a->filter && is_far(g, row)) {
			for (size_t t = 0; t < a->k; t++)
				g->closer[t][row] = g->nearest[row];
			continue;
		}
		rows[n++] = row;
		if (n == POINTS) {
			approach(g, rows, n, points);
			n = 0;
		}
	}
	if (n)
		approach(g, rows, n, points);
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
