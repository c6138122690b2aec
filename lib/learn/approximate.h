/*
 * approximate.h: nearest neighbours of many rows without looking at every pair: a search among the
 * rows of the nearest clusters (an inverted file, H. Jegou, M. Douze, C. Schmid, "Product
 * quantization for nearest neighbor search", 2011, section 4), improved by NN-descent (W. Dong, M.
 * Charikar, K. Li, "Efficient k-nearest neighbor graph construction for generic similarity
 * measures", 2011).
 */
#pragma once
#include "gpu/ops_neighbors.h"

/* found [N, k]: about k nearest of the rows of x [N, C] to each of them, itself among them,
 * nearest first; -1 where there are fewer. The same at any number of threads. */
void approximate_search(struct device *, const float *x, size_t n, size_t c, enum nearest, size_t k,
	uint64_t seed, int32_t *found);
