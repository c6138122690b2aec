/* normal.h: the normal distribution, with the functions of lib/base/math64.h: the same bits
 * everywhere. */
#pragma once

/* P(Z <= z): the series of M. Abramowitz and I. Stegun 26.2.10 near 0, the continued fraction of
 * 26.2.14 beyond; relative error below 1e-13. */
double normal_cdf(double z);

/* Its inverse: M. Wichura, AS 241, "The percentage points of the normal distribution", 1988 (PPND16),
 * 1e-16. -inf at 0, inf at 1. */
double normal_quantile(double p);
