/*
 * eigen_loops.h: the inner loops of eigen.c over vectors of double, compiled for baseline x86-64,
 * AVX2 and AVX-512 from one C: no sum is split otherwise and nothing is fused, so that which one
 * runs changes no bit.
 */
#pragma once
#include <stddef.h>

enum { EIGEN_STRIP = 32 }; /* columns of a matrix in a strip [n, EIGEN_STRIP] */

/* Turns rows `row` and row + 1 of a strip: x, y become c x - s y, s x + c y. */
struct eigen_rotation {
	size_t row;
	double c, s;
};

struct eigen_loops {
	/* row [n] -= a w + b v, then row . u: 16 lanes from +0, element i to lane i mod 16, then the tree
	 * 8, 4, 2, 1 */
	double (*update)(double *row, size_t n, double a, const double *w, double b,
		const double *v, const double *u);
	/* strip [n, .] -= beta v (v' strip), each element of v' strip a chain over the rows */
	void (*reflect)(double *strip, size_t n, double beta, const double *v);
	void (*rotate)(double *strip, const struct eigen_rotation *, size_t n);
};

/* The best that the processor has and HEDDLE_CPU allows. */
const struct eigen_loops *eigen_loops(void);
