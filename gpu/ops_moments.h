/*
 * ops_moments.h: sums over rows, sums of squares and products, and projections, in double: the
 * means of k-means, variances, principal components. Rows lie on the device, what is summed in host
 * memory. Every sum is defined to the bit; nothing is fused but what is written as fma.
 */
#pragma once
#include "gpu/tensor.h"

enum { MOMENT_ROWS = 1024 }; /* what is summed before it is added */

/*
 * What is summed: of row i of x F32 [N, C] the terms t[c]. p = the row as double, with `unit` p[c]
 * / sqrt(s), s the chain of + p[c] p[c] over c from +0; d = p - center [C], or p where that is
 * NULL; t = d or with `square` d d; t = weight[i] t, unless weight [N] is NULL.
 */
struct moment {
	struct tensor x;
	bool unit, square;
	const double *center, *weight; /* host memory */
};

/* sums [G, C]: of group g the chain of + t over the rows rows[start[g]] .. rows[start[g + 1] - 1] from +0; start
 * [G + 1]. Host memory; waits for the device. */
void op_group_sums(struct device *, const struct moment *, const int32_t *rows, const size_t *start,
	size_t n_groups, double *sums);

/* total [C] += the sums of the groups of MOMENT_ROWS rows, in order. Host memory; waits for the
 * device. */
void op_moment(struct device *, const struct moment *, double *total);

/*
 * gram [C, C] += z' z, z = x - center, in double; x [N, C] F32 or F64, center [C] or NULL. For each
 * MOMENT_ROWS rows an element is the chain of fma(z[r, i], z[r, j], s) over the rows from +0, then
 * added, in order of those blocks. Only the lower triangle, i >= j. Host memory; waits for the
 * device.
 */
void op_gram(struct device *, struct tensor x, const double *center, double *gram);

/*
 * y [N, K] F32 = (x - center) w', x F32 [N, C], center [C] and w [K, C] double in host memory: 16
 * lanes from +0, lane[c mod 16] = fma(x[c] - center[c], w[c], lane) in order of c, then lane[i] +=
 * lane[i + h] for i < h, h = 8, 4, 2, 1; lane[0], rounded.
 */
void op_project(
	struct device *, struct tensor y, struct tensor x, const double *center, const double *w);
