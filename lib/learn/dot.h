/* dot.h: the inner product in double, in one order: LANES sums of every LANES-th element, then a
 * tree. */
#pragma once
#include <stddef.h>

static inline double dot(const double *a, const double *b, size_t n)
{
	enum { LANES = 8 };
	double s[LANES] = { 0 };
	size_t i = 0;
	for (; i + LANES <= n; i += LANES)
		for (size_t l = 0; l < LANES; l++)
			s[l] += a[i + l] * b[i + l];
	for (; i < n; i++)
		s[i % LANES] += a[i] * b[i];
	for (size_t w = LANES / 2; w; w /= 2)
		for (size_t l = 0; l < w; l++)
			s[l] += s[l + w];
	return s[0];
}
