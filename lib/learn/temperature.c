/*
 * temperature.c: the log loss is convex in b = 1 / t, its slope the mean of E[z] - z[label] under
 * the softmax of b z: log2(b) is found by bisection.
 */
#include "lib/learn/temperature.h"

#include "lib/base/math64.h"

enum { RANGE = 20, BISECTIONS = 60 };

static double largest(const double *z, size_t m)
{
	double top = z[0];
	for (size_t k = 1; k < m; k++)
		top = z[k] > top ? z[k] : top;
	return top;
}

void temperature_softmax(double *z, size_t m, double t)
{
	double top = largest(z, m), sum = 0;
	for (size_t k = 0; k < m; k++)
		z[k] = math_exp64((z[k] - top) / t);
	for (size_t k = 0; k < m; k++)
		sum += z[k];
	for (size_t k = 0; k < m; k++)
		z[k] /= sum;
}

static double slope(const double *z, const int32_t *label, size_t n, size_t m, double b)
{
	double total = 0;
	for (size_t i = 0; i < n; i++, z += m) {
		double top = largest(z, m), sum = 0, mean = 0;
		for (size_t k = 0; k < m; k++) {
			double e = math_exp64(b * (z[k] - top));
			sum += e;
			mean += e * (z[k] - top);
		}
		total += mean / sum - (z[label[i]] - top);
	}
	return total;
}

double temperature_fit(const double *z, const int32_t *label, size_t n, size_t m)
{
	double low = -RANGE, high = RANGE;
	for (int i = 0; i < BISECTIONS; i++) {
		double middle = (low + high) / 2;
		if (slope(z, label, n, m, math_pow64(2, middle)) < 0)
			low = middle;
		else
			high = middle;
	}
	return math_pow64(2, -(low + high) / 2);
}

double temperature_loss(const double *z, const int32_t *label, size_t n, size_t m, double t)
{
	double total = 0;
	for (size_t i = 0; i < n; i++, z += m) {
		double top = largest(z, m), sum = 0;
		for (size_t k = 0; k < m; k++)
			sum += math_exp64((z[k] - top) / t);
		total += math_log64(sum) - (z[label[i]] - top) / t;
	}
	return n ? total / (double)n : 0;
}
