/*
 * eigen_loops.h: the inner loops of eigen.c over vectors of double, compiled for baseline x86-64,
 * AVX2 and AVX-512 from one C: no sum is split otherwise and nothing is fused, so that which one
 * runs changes no bit.
 */
#pragma once
#include <stddef.h>

enum {
	EIGEN_STRIP = 16, /* columns of a matrix in a strip [n, EIGEN_STRIP] */
	EIGEN_PANEL = 16, /* reflections that wait to be taken out of a matrix */
	EIGEN_GROUP = 4, /* of reflections that are applied at once */
};

/* n plane rotations, (c, s) each: the i-th turns rows row + i and row + i + 1. */
struct eigen_sweep {
	size_t row, n;
	const double *turns;
};

struct eigen_loops {
	/* x . y: 16 lanes from +0, element i to lane i mod 16, then the tree 8, 4, 2, 1 */
	double (*dot)(const double *x, const double *y, size_t n);

	/* rows [n] of a symmetric matrix, of which those from the diagonal on are read: p += A v as
	 * far as rows `first` up to `last` and the columns that mirror them have part in it */
	void (*multiply)(
		const double *a, size_t n, size_t first, size_t last, const double *v, double *p);

	/* rows [n], `stride` apart: row r less x[r][t] w_t + y[r][t] v_t for t < k in turn, w_t and
	 * v_t [n] at w and v + t stride; x and y [rows, EIGEN_PANEL] */
	void (*update)(double *row, size_t rows, size_t n, size_t stride, size_t k, const double *x,
		const double *w, const double *y, const double *v);

	/* strip [n, .]: I - beta[t] v_t v_t' for t = k - 1 … 0, v_t [n] at v + t stride; k is 1 or
	 * EIGEN_GROUP, products[t][u] = v_t . v_u */
	void (*reflect)(double *strip, size_t n, size_t k, const double *v, size_t stride,
		const double *beta, const double (*products)[EIGEN_GROUP]);

	/* strip: undo n sweeps, the last first: x, y become c x + s y, c y - s x */
	void (*rotate)(double *strip, const struct eigen_sweep *, size_t n);
};

/* The best that the processor has and HEDDLE_CPU allows. */
const struct eigen_loops *eigen_loops(void);
