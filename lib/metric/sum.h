/*
 * sum.h: sums of doubles in NumPy's order, so that averages round as the reference implementations'
 * do. numpy/_core/src/umath/loops_utils.h.src, pairwise summation: fewer than 8 in order, up to 128
 * in 8 lanes, more by halves.
 */
#pragma once
#include <stddef.h>

double sum_pairwise(const double *x, size_t n);

/* np.mean; NaN where n is 0. */
double sum_mean(const double *x, size_t n);

/* np.average(x, weights=w): sum(x w) / sum(w), NaN where the weights add up to 0. */
double sum_average(const double *x, const double *w, size_t n);
