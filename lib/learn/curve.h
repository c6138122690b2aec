/* curve.h: the curve of UMAP's layout, 1 / (1 + a x^(2 b)). */
#pragma once

/* Fit a and b by least squares to 1 below min_dist and exp(-(x - min_dist) / spread) above it,
 * on 300 points of [0, 3 spread]: umap-learn's find_ab_params. spread > 0, min_dist within [0, 3
 * spread]. */
void curve_fit(double spread, double min_dist, double *a, double *b);
