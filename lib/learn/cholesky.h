/*
 * cholesky.h: A = L L' of a symmetric positive definite matrix (G. Golub, C. Van Loan, "Matrix
 * Computations", 4.2), in double, every sum in a fixed order. Matrices are [n, n] of rows that lie
 * `stride` apart; only the lower triangle is looked at.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct cholesky {
	size_t n, stride;
	double *l; /* the lower triangle of A, then L */
};

/* In place. False, and l is spoilt, where A is not positive definite as far as double goes. */
bool cholesky(struct cholesky *);

/* Every row of x [k, n] becomes L^-1 x, or L'^-1 x. */
void cholesky_forward(const struct cholesky *, double *x, size_t k);
void cholesky_backward(const struct cholesky *, double *x, size_t k);
