/* point.h: rows of float32 as points in double, four at a time. */
#pragma once
#include "gpu/cpu/vector.h"

enum { POINTS = 4 };

/* p [POINTS, C] = the rows x, with `unit` divided by their lengths, the root of a chain of squares: four chains
 * need not wait for each other. */
INLINE void points_of(const float *const x[POINTS], size_t columns, bool unit, double *p)
{
	for (size_t i = 0; i < POINTS; i++)
		for (size_t j = 0; j < columns; j++)
			p[i * columns + j] = (double)x[i][j];
	if (!unit)
		return;
	const double *p0 = p, *p1 = p0 + columns, *p2 = p1 + columns, *p3 = p2 + columns;
	double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
	for (size_t j = 0; j < columns; j++) {
		s0 += p0[j] * p0[j];
		s1 += p1[j] * p1[j];
		s2 += p2[j] * p2[j];
		s3 += p3[j] * p3[j];
	}
	const double length[POINTS] = { __builtin_sqrt(s0), __builtin_sqrt(s1), __builtin_sqrt(s2),
		__builtin_sqrt(s3) };
	for (size_t i = 0; i < POINTS; i++)
		for (size_t j = 0; j < columns; j++)
			p[i * columns + j] /= length[i];
}
