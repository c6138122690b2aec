/*
 * Symmetric eigen decomposition: A = Q T Q' by n - 2 reflections, T = S D S' by implicit QL with
 * Wilkinson's shift; the rows of (Q S)' are the eigenvectors. A reflection's product A v is taken
 * in the pass that brings A up to date with the one before it, a row at a time, so that the matrix
 * goes through the cache once a step. Reflections, and QL's plane rotations, many sweeps at a time,
 * are applied to a strip of columns after another, which stays in the cache: each element is a
 * chain in a fixed order, so that rows and strips may be shared among threads without changing a
 * bit.
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
	PARALLEL_FROM = 160, /* below it a parallel region costs more than it brings */
	SWEEPS = 64, /* QL steps for one eigenvalue; 3 are usual, nothing needs 30 */
};

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

/* p = A v over rows and columns [from, n), after A -= w u' + u w' there; row after row, v, w and u
 * [n]. */
static void multiply(const struct eigen_loops *loops, size_t n, size_t from, double *a,
	const double *u, const double *w, const double *v, double *p)
{
#pragma omp parallel for schedule(static) if (n - from >= PARALLEL_FROM)
	for (size_t j = from; j < n; j++)
		p[j] = loops->update(
			a + j * n + from, n - from, u[j], w + from, w[j], u + from, v + from);
}

/* A to tridiagonal: diagonal d, off-diagonal e[i] between i and i + 1. Row k of a keeps the k-th
 * reflection's v in [k + 1, n). */
static void tridiagonal(
	const struct eigen_loops *loops, size_t n, double *a, double *d, double *e, double *beta)
{
	/* of the reflection before: v, and w, for A -= v w' + w v' */
	double *u = mem_zero(n, sizeof *u), *w = mem_zero(n, sizeof *w), *p = MEM_ARRAY(double, n);
	for (size_t k = 0; k < n; k++) {
		double *v = a + k * n;
		size_t from = k + 1;
		for (size_t c = k; c < n; c++)
			v[c] -= u[k] * w[c] + w[k] * u[c];
		d[k] = v[k];
		beta[k] = 0;
		e[k] = 0;
		if (from == n)
			break;
		beta[k] = reflect(n - from, v + from, &e[k]);
		multiply(loops, n, from, a, u, w, v, p);
		double dot = 0;
		for (size_t c = from; c < n; c++) {
			p[c] *= beta[k];
			dot += p[c] * v[c];
		}
		for (size_t c = from; c < n; c++) {
			w[c] = p[c] - beta[k] / 2 * dot * v[c];
			u[c] = v[c];
		}
	}
	mem_free(u);
	mem_free(w);
	mem_free(p);
}

/* z = (H_0 H_1 … H_{n-2})', from the reflections that tridiagonal left in a. Column c of the product is a unit
 * vector until H_{c-1}. */
static void accumulate(
	const struct eigen_loops *loops, size_t n, const double *a, const double *beta, double *z)
{
	size_t strips = (n + STRIP - 1) / STRIP;
#pragma omp parallel if (n >= PARALLEL_FROM)
	{
		double *q = MEM_ARRAY(double, size_mul(n, STRIP));
#pragma omp for schedule(dynamic)
		for (size_t s = 0; s < strips; s++) {
			size_t first = s * STRIP, last = first + STRIP < n ? first + STRIP : n;
			memset(q, 0, n * STRIP * sizeof *q);
			for (size_t c = first; c < last; c++)
				q[c * STRIP + c - first] = 1;
			for (size_t k = last - 1; k-- > 0;)
				if (beta[k] != 0)
					loops->reflect(q + (k + 1) * STRIP, n - k - 1, beta[k],
						a + k * n + k + 1);
			for (size_t c = first; c < last; c++)
				for (size_t j = 0; j < n; j++)
					z[c * n + j] = q[j * STRIP + c - first];
		}
		mem_free(q);
	}
}

struct rotations {
	struct eigen_rotation *at;
	size_t n, capacity;
};

static void apply(const struct eigen_loops *loops, struct rotations *r, size_t n, double *z)
{
	size_t strips = (n + STRIP - 1) / STRIP;
#pragma omp parallel if (n >= PARALLEL_FROM)
	{
		double *q = mem_zero(size_mul(n, STRIP), sizeof *q);
#pragma omp for schedule(static)
		for (size_t s = 0; s < strips; s++) {
			size_t first = s * STRIP, width = n - first < STRIP ? n - first : STRIP;
			for (size_t i = 0; i < n; i++)
				memcpy(q + i * STRIP, z + i * n + first, width * sizeof *q);
			loops->rotate(q, r->at, r->n);
			for (size_t i = 0; i < n; i++)
				memcpy(z + i * n + first, q + i * STRIP, width * sizeof *q);
		}
		mem_free(q);
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
		r->at[r->n++] = (struct eigen_rotation){ i, c, s };
	}
	d[l] -= p;
	e[l] = g;
	e[m] = 0;
}

static void ql(const struct eigen_loops *loops, size_t n, double *d, double *e, double *z)
{
	struct rotations r = { NULL, 0, 16 * n + 256 };
	r.at = MEM_ARRAY(struct eigen_rotation, r.capacity);
	for (size_t l = 0; l < n; l++)
		for (int sweep = 0; sweep < SWEEPS; sweep++) {
			size_t m = l;
			while (m + 1 < n &&
				fabs(e[m]) > DBL_EPSILON * (fabs(d[m]) + fabs(d[m + 1])))
				m++;
			if (m == l)
				break;
			if (r.n + (m - l) > r.capacity)
				apply(loops, &r, n, z);
			chase(l, m, d, e, &r);
		}
	apply(loops, &r, n, z);
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
	double *z = MEM_ARRAY(double, size_mul(n, n));
	const struct eigen_loops *loops = eigen_loops();
	tridiagonal(loops, n, a, d, e, beta);
	accumulate(loops, n, a, beta, z);
	ql(loops, n, d, e, z);
	arrange(n, d, z, a, values);
	for (size_t i = 0; i < n; i++)
		values[i] = ldexp(values[i], exponent);
	mem_free(z);
	mem_free(beta);
	mem_free(d);
	mem_free(e);
}
