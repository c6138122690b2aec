/* sum.c: pairwise sums, as NumPy adds. */
#include "lib/metric/sum.h"

#include <math.h>

#include "lib/base/memory.h"

enum { LANES = 8, BLOCK = 128 };

static double pairwise(const double *x, size_t n)
{
	if (n < LANES) {
		double s = -0.0;
		for (size_t i = 0; i < n; i++)
			s += x[i];
		return s;
	}
	if (n <= BLOCK) {
		double r[LANES];
		size_t i = LANES;
		for (size_t j = 0; j < LANES; j++)
			r[j] = x[j];
		for (; i + LANES <= n; i += LANES)
			for (size_t j = 0; j < LANES; j++)
				r[j] += x[i + j];
		double s = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
		for (; i < n; i++)
			s += x[i];
		return s;
	}
	size_t half = n / 2;
	half -= half % LANES;
	return pairwise(x, half) + pairwise(x + half, n - half);
}

double sum_pairwise(const double *x, size_t n)
{
	return 0 + pairwise(x, n);
}

double sum_mean(const double *x, size_t n)
{
	return n ? sum_pairwise(x, n) / (double)n : NAN;
}

double sum_average(const double *x, const double *w, size_t n)
{
	double *products = MEM_ARRAY(double, n + 1), total = sum_pairwise(w, n);
	for (size_t i = 0; i < n; i++)
		products[i] = x[i] * w[i];
	double sum = sum_pairwise(products, n);
	mem_free(products);
	return total != 0 ? sum / total : NAN;
}
