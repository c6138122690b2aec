/*
 * Symmetric eigen decomposition: A = Q T Q' by n - 2 reflections, T = S D S' by implicit QL with
 * Wilkinson's shift; the columns of Q S are the eigenvectors. Reflections are taken out of A a
 * panel at a time (Dongarra, Sorensen, Hammarling, "Block reduction of matrices to condensed
 * forms", 1989), so that a step reads half of the matrix and writes none. QL's plane rotations are
 * kept and, behind them the reflections, applied backwards to the unit vectors of those eigenvalues
 * alone whose vectors are wanted, a strip of columns at a time, which stays in the cache: each
 * element is a chain in a fixed order, so that chunks of rows, and strips, may be shared among
 * threads without changing a bit.
 */
#include "lib/learn/eigen.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/memory.h"
#include "lib/learn/eigen_loops.h"

enum {
	STRIP = EIGEN_STRIP,
	PANEL = EIGEN_PANEL,
	GROUP = EIGEN_GROUP,
	CHUNK = 64, /* rows of a matrix that a thread takes */
	BLOCK = 128, /* times n rotations go over all strips before the next */
	PARALLEL_FROM = 160, /* below it a parallel region costs more than it brings */
	SWEEPS = 64, /* QL steps for one eigenvalue; 3 are usual, nothing needs 30 */
};

/* No different from 0, in a matrix whose largest element is near 1; a square that vanishes beside
 * that of this has no digit in their sum. */
#define TINY 1e-140

/* The reflection H = I - beta v v' that turns x[0..m) into (alpha, 0, …, 0): v over x, returns
 * beta, 0 where nothing is to do. */
static double reflect(size_t m, double *x, double *alpha)
{
	double tail = 0;
	for (size_t i = 1; i < m; i++)
		tail += x[i] * x[i];
	if (tail <= TINY * TINY) {
		*alpha = x[0];
		return 0;
	}
	double norm = sqrt(x[0] * x[0] + tail);
	*alpha = x[0] > 0 ? -norm : norm;
	x[0] -= *alpha;
	return 2 / (x[0] * x[0] + tail);
}

/* --- To a tridiagonal matrix ---------------------------------------------------------------- */

struct reduction {
	const struct eigen_loops *loops;
	size_t n;
	double *a; /* [n, n], the upper triangle; row k becomes the k-th reflection's v */
	double *w; /* [PANEL, n]: A is still to lose v w' + w v' of the panel's rows so far */
	double *parts; /* [chunks, n] */
};

/* p = A v over rows and columns [from, n), A as it was before the panel. */
static void multiply(const struct reduction *r, size_t from, const double *v, double *p)
{
	size_t n = r->n, begin = from / CHUNK, end = (n + CHUNK - 1) / CHUNK;
#pragma omp parallel for schedule(static, 1) if (n - from >= PARALLEL_FROM)
	for (size_t b = begin; b < end; b++) {
		size_t first = b > begin ? b * CHUNK : from;
		size_t last = (b + 1) * CHUNK < n ? (b + 1) * CHUNK : n;
		double *part = r->parts + b * n;
		memset(part + first, 0, (n - first) * sizeof *part);
		r->loops->multiply(r->a, n, first, last, v, part);
	}
	memcpy(p + from, r->parts + begin * n + from, (n - from) * sizeof *p);
	for (size_t b = begin + 1; b < end; b++)
		for (size_t j = b * CHUNK; j < n; j++)
			p[j] += r->parts[b * n + j];
}

/* A from row `from` on without the panel's k reflections, whose v begin at `left`. */
static void take_out(const struct reduction *r, size_t from, const double *left)
{
	size_t n = r->n, begin = from / CHUNK, end = (n + CHUNK - 1) / CHUNK;
#pragma omp parallel for schedule(static, 1) if (n - from >= PARALLEL_FROM)
	for (size_t b = begin; b < end; b++) {
		size_t first = b > begin ? b * CHUNK : from;
		size_t rows = ((b + 1) * CHUNK < n ? (b + 1) * CHUNK : n) - first;
		double x[CHUNK * PANEL], y[CHUNK * PANEL];
		for (size_t i = 0; i < rows; i++)
			for (size_t t = 0; t < PANEL; t++) {
				x[i * PANEL + t] = left[t * n + first + i];
				y[i * PANEL + t] = r->w[t * n + first + i];
			}
		r->loops->update(r->a + first * n + first, rows, n - first, n, PANEL, x,
			r->w + first, y, left + first);
	}
}

/* Row k as it is without the reflections before it, then the k-th: v over it, beta, and the two
 * elements of the tridiagonal matrix. */
static double next_reflection(const struct reduction *r, size_t k, double *d, double *e)
{
	size_t n = r->n, begin = k / PANEL * PANEL, waiting = k - begin;
	double *v = r->a + k * n, *left = r->a + begin * n, x[PANEL], y[PANEL];
	for (size_t t = 0; t < waiting; t++) {
		x[t] = left[t * n + k];
		y[t] = r->w[t * n + k];
	}
	r->loops->update(v + k, 1, n - k, n, waiting, x, r->w + k, y, left + k);
	*d = v[k];
	*e = 0;
	memset(v, 0, (k + 1) * sizeof *v);
	return k + 1 < n ? reflect(n - k - 1, v + k + 1, e) : 0;
}

/* A to tridiagonal: diagonal d, off-diagonal e[i] between i and i + 1. Row k of a gets the k-th
 * reflection's v, zeros before k + 1. */
static void tridiagonal(
	const struct eigen_loops *loops, size_t n, double *a, double *d, double *e, double *beta)
{
	struct reduction r = { loops, n, a, MEM_ARRAY(double, size_mul(PANEL, n)),
		MEM_ARRAY(double, size_mul((n + CHUNK - 1) / CHUNK, n)) };
	double *p = MEM_ARRAY(double, n);
	for (size_t k = 0; k < n; k++) {
		size_t from = k + 1, begin = k / PANEL * PANEL, waiting = k - begin, m = n - from;
		double *v = a + k * n, *left = a + begin * n, *w = r.w + waiting * n;
		double x[PANEL], y[PANEL];
		beta[k] = next_reflection(&r, k, &d[k], &e[k]);
		if (from == n)
			break;
		multiply(&r, from, v, p);
		for (size_t t = 0; t < waiting; t++) {
			x[t] = loops->dot(left + t * n + from, v + from, m);
			y[t] = loops->dot(r.w + t * n + from, v + from, m);
		}
		loops->update(p + from, 1, m, n, waiting, x, r.w + from, y, left + from);
		double half = beta[k] / 2 * (beta[k] * loops->dot(p + from, v + from, m));
		for (size_t c = from; c < n; c++)
			w[c] = beta[k] * p[c] - half * v[c];
		if (waiting + 1 == PANEL)
			take_out(&r, from, left);
	}
	mem_free(r.w);
	mem_free(r.parts);
	mem_free(p);
}

/* --- To eigenvalues ------------------------------------------------------------------------- */

struct sweeps {
	struct eigen_sweep *at;
	size_t n, capacity;
	struct arena *arena;
};

/* One implicit QL step on the unreduced block [l, m], chasing the bulge upwards from m. */
static void chase(size_t l, size_t m, double *d, double *e, struct sweeps *sweeps)
{
	double *turns = ARENA_ARRAY(sweeps->arena, double, size_mul(2, m - l));
	double g = (d[l + 1] - d[l]) / (2 * e[l]);
	g = d[m] - d[l] + e[l] / (g + copysign(sqrt(g * g + 1), g));
	double s = 1, c = 1, p = 0;
	size_t i = m;
	while (i > l) {
		double f = s * e[i - 1], b = c * e[i - 1], h = sqrt(f * f + g * g);
		e[i] = h <= TINY ? 0 : h;
		if (e[i] == 0) /* the block falls apart here */
			break;
		s = f / h;
		c = g / h;
		g = d[i] - p;
		h = (d[i - 1] - g) * s + 2 * c * b;
		p = s * h;
		d[i] = g + p;
		g = c * h - b;
		i--;
		turns[2 * (i - l)] = c;
		turns[2 * (i - l) + 1] = s;
	}
	d[i] -= p;
	if (i == l)
		e[l] = g;
	e[m] = 0;
	if (i == m)
		return;
	sweeps->at = mem_grow(sweeps->at, &sweeps->capacity, sweeps->n + 1, sizeof *sweeps->at);
	sweeps->at[sweeps->n++] = (struct eigen_sweep){ i, m - i, turns + 2 * (i - l) };
}

/* Is the element between i and i + 1 nothing beside those on the diagonal? */
static bool splits(const double *d, const double *e, size_t i)
{
	return fabs(e[i]) <= fmax(TINY, DBL_EPSILON * (fabs(d[i]) + fabs(d[i + 1])));
}

static void ql(size_t n, double *d, double *e, struct sweeps *sweeps)
{
	for (size_t l = 0; l < n; l++)
		for (int sweep = 0; sweep < SWEEPS; sweep++) {
			size_t m = l;
			while (m + 1 < n && !splits(d, e, m))
				m++;
			if (m == l)
				break;
			chase(l, m, d, e, sweeps);
		}
}

/* --- To eigenvectors ------------------------------------------------------------------------ */

/* The k vectors that are wanted, by where their values stand in d. */
struct wanted {
	size_t k, n_strips;
	size_t *at, *rank; /* [k], at rising */
	double *strips; /* [n_strips, n, STRIP] */
	bool *begun; /* [n_strips]: no longer unit vectors */
};

/* Values fall, equal ones keep their order. */
static void arrange(size_t n, const double *d, double *values, struct wanted *w)
{
	size_t *order = MEM_ARRAY(size_t, n), *rank = MEM_ARRAY(size_t, n), found = 0;
	for (size_t i = 0; i < n; i++) {
		size_t at = i;
		for (; at > 0 && d[order[at - 1]] < d[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	for (size_t i = 0; i < n; i++) {
		values[i] = d[order[i]];
		rank[order[i]] = i;
	}
	for (size_t i = 0; i < n; i++)
		if (rank[i] < w->k) {
			w->at[found] = i;
			w->rank[found++] = rank[i];
		}
	mem_free(rank);
	mem_free(order);
}

/* Strips of unit vectors to those of T: sweeps are undone, as many at a time as the cache holds. A
 * unit vector has no part in sweeps of rows behind its own place. */
static void undo_sweeps(
	const struct eigen_loops *loops, size_t n, const struct sweeps *sweeps, struct wanted *w)
{
	for (size_t end = sweeps->n, begin; end; end = begin) {
		size_t turns = 0;
		for (begin = end; begin && turns < BLOCK * n; begin--)
			turns += sweeps->at[begin - 1].n;
#pragma omp parallel for schedule(dynamic) if (n >= PARALLEL_FROM)
		for (size_t s = 0; s < w->n_strips; s++) {
			size_t last = (s + 1) * STRIP < w->k ? (s + 1) * STRIP : w->k, stop = end;
			while (!w->begun[s] && stop > begin &&
				sweeps->at[stop - 1].row > w->at[last - 1])
				stop--;
			w->begun[s] |= stop > begin;
			loops->rotate(w->strips + s * n * STRIP, sweeps->at + begin, stop - begin);
		}
	}
}

/* products [n / GROUP]: of the reflections' vectors of each group, which end with the last row. */
static void multiply_groups(size_t n, const double *a, double (*products)[GROUP][GROUP])
{
#pragma omp parallel for schedule(dynamic) if (n >= PARALLEL_FROM)
	for (size_t g = 0; g < n / GROUP; g++)
		for (size_t t = 0; t < GROUP; t++)
			for (size_t u = t + 1; u < GROUP; u++) {
				const double *x = a + (n % GROUP + g * GROUP) * n;
				double sum = 0;
				for (size_t j = 0; j < n; j++)
					sum += x[t * n + j] * x[u * n + j];
				products[g][t][u] = sum;
			}
}

/* Strips of vectors of T to those of A, by the reflections of tridiagonal, the last first. */
static void reflect_all(const struct eigen_loops *loops, size_t n, const double *a,
	const double *beta, struct wanted *w)
{
	double(*products)[GROUP][GROUP] = mem_alloc(size_mul(n / GROUP, sizeof *products));
	multiply_groups(n, a, products);
#pragma omp parallel for schedule(dynamic) if (n >= PARALLEL_FROM)
	for (size_t s = 0; s < w->n_strips; s++) {
		double *strip = w->strips + s * n * STRIP;
		for (size_t g = n / GROUP; g-- > 0;) {
			size_t k = n % GROUP + g * GROUP;
			loops->reflect(strip + (k + 1) * STRIP, n - k - 1, GROUP, a + k * n + k + 1,
				n, beta + k, products[g]);
		}
		for (size_t k = n % GROUP; k-- > 0;)
			loops->reflect(strip + (k + 1) * STRIP, n - k - 1, 1, a + k * n + k + 1, n,
				beta + k, NULL);
	}
	mem_free(products);
}

/* Rows of a from strips; each gets its sign. A strip's other vectors decide the signs of zeros,
 * which become +0 here first. */
static void write(size_t n, const struct wanted *w, double *a)
{
#pragma omp parallel for schedule(static) if (n >= PARALLEL_FROM)
	for (size_t i = 0; i < w->k; i++) {
		const double *from = w->strips + i / STRIP * n * STRIP + i % STRIP;
		double *to = a + w->rank[i] * n;
		size_t top = 0;
		for (size_t j = 0; j < n; j++) {
			to[j] = from[j * STRIP] + 0.0;
			top = fabs(to[j]) > fabs(to[top]) ? j : top;
		}
		bool turn = to[top] < 0;
		for (size_t j = 0; j < n && turn; j++)
			to[j] = -to[j];
	}
}

/* A power of two that brings the largest element near 1, so that no square overflows or vanishes,
 * and changes no digit. */
static int normalize(size_t n, double *a)
{
	double top = 0;
	int exponent = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++) {
			CHECK(isfinite(a[i * n + j]));
			a[j * n + i] = a[i * n + j];
			top = fmax(top, fabs(a[i * n + j]));
		}
	if (top > 0)
		frexp(top, &exponent);
	for (size_t i = 0; i < n * n; i++)
		a[i] = ldexp(a[i], -exponent);
	return exponent;
}

void eigen_symmetric(size_t n, size_t k, double *a, double *values)
{
	CHECK(k <= n);
	int exponent = normalize(n, a);
	double *e = MEM_ARRAY(double, n), *d = MEM_ARRAY(double, n), *beta = MEM_ARRAY(double, n);
	struct sweeps sweeps = { .arena = arena_new() };
	struct wanted w = { k, (k + STRIP - 1) / STRIP, MEM_ARRAY(size_t, k), MEM_ARRAY(size_t, k),
		NULL, NULL };
	const struct eigen_loops *loops = eigen_loops();
	tridiagonal(loops, n, a, d, e, beta);
	ql(n, d, e, &sweeps);
	arrange(n, d, values, &w);
	w.strips = mem_zero(size_mul(w.n_strips, n), STRIP * sizeof *w.strips);
	w.begun = mem_zero(w.n_strips, sizeof *w.begun);
	for (size_t i = 0; i < k; i++)
		w.strips[(i / STRIP * n + w.at[i]) * STRIP + i % STRIP] = 1;
	undo_sweeps(loops, n, &sweeps, &w);
	reflect_all(loops, n, a, beta, &w);
	write(n, &w, a);
	for (size_t i = 0; i < n; i++)
		values[i] = ldexp(values[i], exponent);
	mem_free(w.strips);
	mem_free(w.begun);
	mem_free(w.at);
	mem_free(w.rank);
	mem_free(sweeps.at);
	arena_free(sweeps.arena);
	mem_free(beta);
	mem_free(d);
	mem_free(e);
}
