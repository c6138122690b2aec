/*
 * ops_centers.h: the nearest of some centres, in double: the assignment of k-means, and its starts.
 * Centres are few and lie in host memory, rows on the device.
 */
#pragma once
#include "gpu/tensor.h"

/*
 * x F32 [N, C], centers [K, C]. p = the row as double, with `unit` p[c] / sqrt(s), s the chain of + p[c]
 * p[c] over c from +0. Of centre k: d[k] = the chain of + e e over c from +0, e = p[c] - centers[k, c];
 * nothing is fused. label [N]: the first k of the least d[k]; raw [N], unless NULL: that d. An order that
 * a NaN has no part in; 1 <= K < 2^31. Host memory; waits for the device.
 */
void op_nearest_center(struct device *, struct tensor x, const double *centers, size_t k, bool unit,
	int32_t *label, double *raw);

enum { CENTER_LANES = 8, CENTER_CHUNK = 4096 };

/*
 * closer[t] [N] for t < n_centers <= CENTER_LANES: the smaller of nearest [N] and the d above of each row
 * to centers[t]; F64 on the device. sums [n_centers, ceil(N / CENTER_CHUNK)] in host memory: of each
 * chunk of closer[t] the chain of + over its rows from +0. Waits for the device.
 */
void op_closer(struct device *, struct tensor x, const double *centers, size_t n_centers, bool unit,
	struct tensor nearest, const struct tensor *closer, double *sums);
