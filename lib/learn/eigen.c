/*
 * Symmetric eigen decomposition: A = Q T Q' by n - 2 reflections, T = S D S' by implicit QL with
 * Wilkinson's shift; the rows of (Q S)' are the eigenvectors. Every loop over a matrix runs along
 * columns, each element a chain in a fixed order, so that columns may be shared among threads
 * without changing a bit. QL's plane rotations are collected and applied many sweeps at a time, a
 * strip of columns after another, which keeps the strip in the cache.
 */
#include "lib/learn/eigen.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/memory.h"

enum {
	STRIP = 32, /* columns that a thread takes at a time */
	PARALLEL_FROM = 160, /* below it a parallel region costs more than it brings */
	SWEEPS = 64, /* QL steps for one eigenvalue; 3 are usual, nothing needs 30 */
};

/* p = A v over rows and columns [from, n), A symmetric and full. */
static void multiply(size_t n, size_t from, const double *a, const double *v, double *p)
{
	size_t strips = (n - from + STRIP - 1) / STRIP;
#pragma omp parallel for schedule(static) if (n - from >= PARALLEL_FROM)
	for (size_t s = 0; s < strips; s++) {
		size_t first = from + s * STRIP, last = first + STRIP < n ? first + STRIP : n;
		for (size_t c = first; c < last; c++)
			p[c] = 0;
		for (size_t j = from; j < n; j++) {
			const double *row = a + j * n;
			for (size_t c = first; c < last; c++)
				p[c] += v[j] * row[c];
		}
	}
}

/* A -= v w' + w v' over rows and columns [from, n). */
static void update(size_t n, size_t from, double *a, const double *v, const double *w)
{
#pragma omp parallel for schedule(static) if (n - from >= PARALLEL_FROM)
	for (size_t j = from; j < n; j++) {
		double *row = a + j * n;
		for (size_t c = from; c < n; c++)
			row[c] -= v[j] * w[c] + w[j] * v[c];
	}
}

/* The reflection H = I - beta v v' that turns x[0..m) into (alpha, 0, …, 0): v over x, returns
 * beta, 0 where nothing is to do. */
static double reflect(size_t m, double *x, double *alpha)
{
	double tail = 0;
	for (size_t i = 1; i < m; i++)
		tail += x[i] * x[i];
	if (tail == 0) {
		*alpha = x[0];
		return 0;
	}
	double norm = sqrt(x[0] * x[0] + tail);
	*alpha = x[0] > 0 ? -norm : norm;
	x[0] -= *alpha;
	return 2 / (x[0] * x[0] + tail);
}

/* A to tridiagonal: diagonal d, off-diagonal e[i] between i and i + 1. Row k of a keeps the k-th
 * reflection's v in [k + 1, n). */
static void tridiagonal(size_t n, double *a, double *d, double *e, double *beta)
{
	double *p = MEM_ARRAY(double, n);
	for (size_t k = 0; k < n; k++) {
		double *v = a + k * n;
		size_t from = k + 1;
		d[k] = v[k];
		beta[k] = 0;
		e[k] = 0;
		if (from == n)
			break;
		beta[k] = reflect(n - from, v + from, &e[k]);
		if (beta[k] == 0)
			continue;
		multiply(n, from, a, v, p);
		double dot = 0;
		for (size_t c = from; c < n; c++) {
			p[c] *= beta[k];
			dot += p[c] * v[c];
		}
		for (size_t c = from; c < n; c++)
			p[c] -= beta[k] / 2 * dot * v[c];
		update(n, from, a, v, p);
	}
	mem_free(p);
}

/* q = H_0 H_1 … H_{n-2}, from the reflections that tridiagonal left in a. */
static void accumulate(size_t n, const double *a, const double *beta, double *q)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			q[i * n + j] = i == j;
	for (size_t k = n - 1; k-- > 0;) {
		const double *v = a + k * n;
		size_t from = k + 1, strips = (n - from + STRIP - 1) / STRIP;
		if (beta[k] == 0)
			continue;
#pragma omp parallel for schedule(static) if (n - from >= PARALLEL_FROM)
		for (size_t s = 0; s < strips; s++) {
			size_t first = from + s * STRIP,
			       last = first + STRIP < n ? first + STRIP : n;
			double sum[STRIP] = { 0 };
			for (size_t j = from; j < n; j++)
				for (size_t c = first; c < last; c++)
					sum[c - first] += v[j] * q[j * n + c];
			for (size_t j = from; j < n; j++)
				for (size_t c = first; c < last; c++)
					q[j * n + c] -= beta[k] * v[j] * sum[c - first];
		}
	}
}

struct rotation {
	size_t row; /* turns rows row and row + 1 */
	double c, s;
};

struct rotations {
	struct rotation *at;
	size_t n, capacity;
};

static void apply(struct rotations *r, size_t n, double *z)
{
	size_t strips = (n + STRIP - 1) / STRIP;
#pragma omp parallel for schedule(static) if (n >= PARALLEL_FROM)
	for (size_t t = 0; t < strips; t++) {
		size_t first = t * STRIP, last = first + STRIP < n ? first + STRIP : n;
		for (size_t k = 0; k < r->n; k++) {
			double c = r->at[k].c, s = r->at[k].s;
			double *x = z + r->at[k].row * n, *y = x + n;
			for (size_t j = first; j < last; j++) {
				double f = y[j];
				y[j] = s * x[j] + c * f;
				x[j] = c * x[j] - s * f;
			}
		}
	}
	r->n = 0;
}

/* One implicit QL step on the unreduced block [l, m], chasing the bulge upwards from m. */
static void chase(size_t l, size_t m, double *d, double *e, struct rotations *r)
{
	double g = (d[l + 1] - d[l]) / (2 * e[l]);
	g = d[m] - d[l] + e[l] / (g + copysign(sqrt(g * g + 1), g));
	double s = 1, c = 1, p = 0;
	for (size_t i = m; i-- > l;) {
		double f = s * e[i], b = c * e[i], h = sqrt(f * f + g * g);
		e[i + 1] = h;
		if (h == 0) { /* the block falls apart here */
			d[i + 1] -= p;
			e[m] = 0;
			return;
		}
		s = f / h;
		c = g / h;
		g = d[i + 1] - p;
		h = (d[i] - g) * s + 2 * c * b;
		p = s * h;
		d[i + 1] = g + p;
		g = c * h - b;
		r->at[r->n++] = (struct rotation){ i, c, s };
	}
	d[l] -= p;
	e[l] = g;
	e[m] = 0;
}

static void ql(size_t n, double *d, double *e, double *z)
{
	struct rotations r = { NULL, 0, 16 * n + 256 };
	r.at = MEM_ARRAY(struct rotation, r.capacity);
	for (size_t l = 0; l < n; l++)
		for (int sweep = 0; sweep < SWEEPS; sweep++) {
			size_t m = l;
			while (m + 1 < n &&
				fabs(e[m]) > DBL_EPSILON * (fabs(d[m]) + fabs(d[m + 1])))
				m++;
			if (m == l)
				break;
			if (r.n + (m - l) > r.capacity)
				apply(&r, n, z);
			chase(l, m, d, e, &r);
		}
	apply(&r, n, z);
	mem_free(r.at);
}

/* Values fall, equal ones keep their order; each vector gets its sign. */
static void arrange(size_t n, const double *d, const double *z, double *a, double *values)
{
	size_t *order = MEM_ARRAY(size_t, n);
	for (size_t i = 0; i < n; i++) {
		size_t at = i;
		for (; at > 0 && d[order[at - 1]] < d[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	for (size_t i = 0; i < n; i++) {
		const double *from = z + order[i] * n;
		size_t top = 0;
		for (size_t j = 1; j < n; j++)
			if (fabs(from[j]) > fabs(from[top]))
				top = j;
		double sign = from[top] < 0 ? -1 : 1;
		for (size_t j = 0; j < n; j++)
			a[i * n + j] = sign * from[j];
		values[i] = d[order[i]];
	}
	mem_free(order);
}

void eigen_symmetric(size_t n, double *a, double *values)
{
	if (n == 0)
		return;
	double top = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++) {
			CHECK(isfinite(a[i * n + j]));
			a[j * n + i] = a[i * n + j];
			top = fmax(top, fabs(a[i * n + j]));
		}
	/* a power of two brings the largest element near 1, so that no square overflows or
	 * vanishes, and changes no digit */
	int exponent = 0;
	if (top > 0)
		frexp(top, &exponent);
	for (size_t i = 0; i < n * n; i++)
		a[i] = ldexp(a[i], -exponent);

	double *e = MEM_ARRAY(double, n), *d = MEM_ARRAY(double, n), *beta = MEM_ARRAY(double, n);
	double *q = MEM_ARRAY(double, size_mul(n, n));
	tridiagonal(n, a, d, e, beta);
	accumulate(n, a, beta, q);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			a[j * n + i] = q[i * n + j];
	ql(n, d, e, a);
	memcpy(q, a, size_mul(size_mul(n, n), sizeof *q));
	arrange(n, d, q, a, values);
	for (size_t i = 0; i < n; i++)
		values[i] = ldexp(values[i], exponent);
	mem_free(q);
	mem_free(beta);
	mem_free(d);
	mem_free(e);
}
