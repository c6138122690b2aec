/*
 * centers.c: the nearest centre of each row, and what k-means++ asks of some (ops_centers.h): a
 * lane a centre, so that no sum is ever split; four rows at a time share what is read of the
 * centres.
 */
#include "gpu/centers.h"

#include "gpu/cpu/native.h"
#include "gpu/cpu/point.h"

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
static void distances(
	const double *points, const double *block, size_t c, double out[POINTS][CENTER_LANES])
{
	enum { VECTORS = CENTER_LANES / NATIVE64 < 2 ? 1 : 2 }; /* whose sums stay in registers */
	for (size_t l = 0; l < CENTER_LANES; l += VECTORS * NATIVE64) {
		native64 s[POINTS][VECTORS] = { { { 0 } } };
		for (size_t j = 0; j < c; j++)
			UNROLL for (size_t v = 0; v < VECTORS; v++)
			{
				size_t at = j * CENTER_LANES + l + v * NATIVE64;
				native64 y = *(const native64 *)(block + at);
				UNROLL for (size_t p = 0; p < POINTS; p++)
				{
					native64 d = points[p * c + j] - y;
					s[p][v] += d * d;
				}
			}
		UNROLL for (size_t p = 0; p < POINTS; p++)
			UNROLL for (size_t v = 0; v < VECTORS; v++)
				*(native64 *)(out[p] + l + v * NATIVE64) = s[p][v];
	}
}

/* The nearest of all centres to n rows, at most POINTS. */
static void search(const void *arguments, const size_t *rows, size_t n, double *points)
{
	const struct nearest_center_arguments *a = arguments;
	double least[POINTS];
	size_t best[POINTS] = { 0 };
	points_at(a, rows, n, points);
	for (size_t k = 0; k < a->k; k += CENTER_LANES) {
		double d[POINTS][CENTER_LANES] __attribute__((aligned(64)));
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

/* The distances of n rows to the candidates, where these are nearer than the nearest. */
static void approach(const void *arguments, const size_t *rows, size_t n, double *points)
{
	const struct closer_arguments *g = arguments;
	double d[POINTS][CENTER_LANES] __attribute__((aligned(64)));
	points_at(&g->to, rows, n, points);
	distances(points, g->to.blocks, g->to.columns, d);
	for (size_t i = 0; i < n; i++)
		for (size_t t = 0; t < g->to.k; t++) {
			double was = g->nearest[rows[i]];
			g->closer[t][rows[i]] = d[i][t] < was ? d[i][t] : was;
		}
}

/* --- By products in float32 --- */

/*
 * With X = |x|, L = |c|, s = 1 and P = X, or with `unit` s = X and P = 1, s times the distance is
 *	s P^2 + v, v = s L^2 - 2 y
 * y and X^2, sums of C products in float32 in some order, are off by at most m 2^-24 / (1 - m
 * 2^-24) times the sum of |terms|, which is <= X L or X^2, m <= C + 1 the roundings that a term
 * passes through (Higham, "Accuracy and stability of numerical algorithms", 3.1); y by 2^-24 X L
 * more, since c is rounded to float32; and where numbers are below 2^-126 by 2^-149 (1 + X) a term.
 * Twice that of y, and s or s P^2 for that of X^2, is less than
 *	(C + 4) 2^-24 s (P + L)^2 + C 2^-148 (1 + X)
 * since 4 P L <= (P + L)^2; the bit more that `relative` has covers denominators, C < 2^16, and the
 * doubles here and in a distance, which are off by fewer than (C + 8) 2^-51 s (P + L)^2. A y that
 * is not finite makes all NaN.
 */
struct bounds {
	double s, p, relative, tiny;
};

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

/* Whether rows of that length may be asked: their squares neither overflow nor vanish. */
static bool bounds_of(const struct nearest_center_arguments *a, const float *x, struct bounds *b)
{
	float square;
	dots(1, x, x, a->columns, &square);
	double length = __builtin_sqrt((double)square);
	b->s = a->unit ? length : 1;
	b->p = a->unit ? 1 : length;
	b->relative = a->filter->relative * b->s;
	b->tiny = a->filter->tiny * (1 + length);
	return square > 0x1p-100f && square < 0x1p127f;
}

/* v - e and v + e of the centres, e what they may be off. */
static void estimate(struct bounds b, const struct center_filter *f, size_t n,
	const float *restrict y, double *restrict low, double *restrict high)
{
	const double *restrict length = f->length, *restrict square = f->square;
	for (size_t k = 0; k < n; k++) {
		double z = (double)y[k], reach = b.p + length[k];
		double v = b.s * square[k] - 2 * z + (z - z),
		       e = b.relative * (reach * reach) + b.tiny;
		low[k] = v - e;
		high[k] = v + e;
	}
}

/* The label, where one centre alone can be the nearest. One of NaN may be, beside another. */
static bool label_alone(const void *arguments, size_t row, double *bounds)
{
	const struct nearest_center_arguments *a = arguments;
	struct bounds b;
	size_t n = a->k, k = 0, found = 0, best = 0;
	double *restrict low = bounds, *restrict high = bounds + n;
	if (!bounds_of(a, a->x + row * a->x_stride, &b))
		return false;
	estimate(b, a->filter, n, a->filter->products + row * n, low, high);
	double least[CENTER_LANES];
	for (size_t l = 0; l < CENTER_LANES; l++)
		least[l] = __builtin_inf();
	for (; k + CENTER_LANES <= n; k += CENTER_LANES)
		for (size_t l = 0; l < CENTER_LANES; l++)
			least[l] = high[k + l] < least[l] ? high[k + l] : least[l];
	for (; k < n; k++)
		least[0] = high[k] < least[0] ? high[k] : least[0];
	for (size_t l = 1; l < CENTER_LANES; l++)
		least[0] = least[l] < least[0] ? least[l] : least[0];
	for (k = 0; k < n; k++) {
		bool may = !(low[k] > least[0]);
		found += may;
		best = may ? k : best;
	}
	a->label[row] = (int32_t)best;
	return found == 1;
}

/* The nearest stays that, where no candidate can be nearer. */
static bool stay(const void *arguments, size_t row, double *bounds)
{
	const struct closer_arguments *g = arguments;
	const struct nearest_center_arguments *a = &g->to;
	const float *x = a->x + row * a->x_stride, *w = a->filter->rounded;
	float y[CENTER_LANES];
	double low[CENTER_LANES], high[CENTER_LANES];
	struct bounds b;
	size_t k = 0;
	(void)bounds;
	if (!bounds_of(a, x, &b))
		return false;
	for (; k + 4 <= a->k; k += 4)
		dots(4, x, w + k * a->columns, a->columns, y + k);
	for (; k < a->k; k++)
		dots(1, x, w + k * a->columns, a->columns, y + k);
	estimate(b, a->filter, a->k, y, low, high);
	double least = b.s * g->nearest[row] * (1 + 0x1p-50) - b.s * (b.p * b.p);
	bool far = true;
	for (k = 0; k < a->k; k++)
		far = far && low[k] >= least;
	for (k = 0; k < a->k && far; k++)
		g->closer[k][row] = g->nearest[row];
	return far;
}

/* --- Kernels --- */

/* Does what there is to do for a row without its distances, or returns false; bounds [2 K] is
 * room. */
typedef bool settled(const void *arguments, size_t row, double *bounds);
/* Does it for n rows, at most POINTS, by their distances; points [POINTS, C] is room. */
typedef void together(const void *arguments, const size_t *rows, size_t n, double *points);

/* Rows that the filter does not settle wait for others: distances are taken of POINTS at once. */
INLINE void each_row(const struct nearest_center_arguments *a, size_t begin, size_t end,
	struct arena *scratch, settled *settle, together *run, const void *arguments)
{
	size_t last = end * CENTER_ROWS < a->rows ? end * CENTER_ROWS : a->rows, n = 0,
	       rows[POINTS];
	struct arena_mark mark = arena_mark(scratch);
	double *points = ARENA_ARRAY(scratch, double, size_mul(POINTS, a->columns));
	double *bounds = ARENA_ARRAY(scratch, double, a->filter ? size_mul(2, a->k) : 0);
	for (size_t row = begin * CENTER_ROWS; row < last; row++) {
		if (a->filter && settle(arguments, row, bounds))
			continue;
		rows[n++] = row;
		if (n == POINTS) {
			run(arguments, rows, n, points);
			n = 0;
		}
	}
	if (n)
		run(arguments, rows, n, points);
	arena_reset(scratch, mark);
}

KERNEL(nearest_center)
{
	each_row(arguments, begin, end, scratch, label_alone, search, arguments);
}

KERNEL(closer)
{
	const struct closer_arguments *g = arguments;
	each_row(&g->to, begin, end, scratch, stay, approach, g);
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
