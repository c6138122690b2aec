/* correlation.c: correlations of two series. */
#include "lib/metric/correlation.h"

#include <math.h>
#include <stdlib.h>

#include "lib/base/memory.h"
#include "lib/metric/sum.h"

static bool constant(const double *x, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (x[i] != x[0])
			return false;
	return true;
}

/* x minus its mean, divided by its length. */
static double *normalized(const double *x, size_t n)
{
	double *out = MEM_ARRAY(double, n + 1), *squares = MEM_ARRAY(double, n + 1);
	double mean = sum_mean(x, n);
	for (size_t i = 0; i < n; i++) {
		out[i] = x[i] - mean;
		squares[i] = out[i] * out[i];
	}
	double norm = sqrt(sum_pairwise(squares, n));
	for (size_t i = 0; i < n; i++)
		out[i] /= norm;
	mem_free(squares);
	return out;
}

double correlation_pearson(const double *x, const double *y, size_t n)
{
	if (n < 2 || constant(x, n) || constant(y, n))
		return NAN;
	double *a = normalized(x, n), *b = normalized(y, n);
	for (size_t i = 0; i < n; i++)
		a[i] *= b[i];
	double r = sum_pairwise(a, n);
	mem_free(a);
	mem_free(b);
	return r > 1 ? 1 : r < -1 ? -1 : r;
}

struct place {
	double x;
	size_t i;
};

static int by_value(const void *a, const void *b)
{
	double x = ((const struct place *)a)->x, y = ((const struct place *)b)->x;
	return (x > y) - (x < y);
}

static double *ranks(const double *x, size_t n)
{
	struct place *p = MEM_ARRAY(struct place, n + 1);
	double *out = MEM_ARRAY(double, n + 1);
	for (size_t i = 0; i < n; i++)
		p[i] = (struct place){ x[i], i };
	qsort(p, n, sizeof *p, by_value);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && p[j].x == p[i].x; j++)
			;
		for (size_t k = i; k < j; k++)
			out[p[k].i] = (double)(i + j + 1) / 2;
	}
	mem_free(p);
	return out;
}

double correlation_spearman(const double *x, const double *y, size_t n)
{
	double *a = ranks(x, n), *b = ranks(y, n);
	double r = correlation_pearson(a, b, n);
	mem_free(a);
	mem_free(b);
	return r;
}
