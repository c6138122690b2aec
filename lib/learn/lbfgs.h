/*
 * lbfgs.h: the minimum of a smooth convex function by limited-memory BFGS (D. Liu, J. Nocedal, "On
 * the limited memory BFGS method for large scale optimization", 1989) with a line search for the
 * strong Wolfe conditions (J. Nocedal, S. Wright, "Numerical Optimization", 2006, algorithms 3.5
 * and 3.6). In double, on one thread, every sum in a fixed order: the function decides how the work
 * is shared out.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* The value at x [n], and the gradient [n]. */
typedef double lbfgs_function(void *context, const double *x, double *gradient);

/* Is the place where the function was asked last near enough to the minimum? */
typedef bool lbfgs_test(void *context);

struct lbfgs_options {
	lbfgs_test *converged;
	size_t max_iterations;
};

struct lbfgs_result {
	double value;
	size_t iterations, evaluations;
	bool converged; /* or as far as double goes: no step makes the value smaller */
};

/* From x [n] to the minimum, in place. */
struct lbfgs_result lbfgs(
	lbfgs_function *, void *context, double *x, size_t n, const struct lbfgs_options *);
