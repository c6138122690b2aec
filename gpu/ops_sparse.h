/*
 * ops_sparse.h: products of a sparse matrix, for eigenvectors of graphs.
 */
#pragma once
#include "gpu/tensor.h"

/* Row i of the matrix [N, N] has the elements start[i] .. start[i + 1] - 1: weight F32 in column
 * I32. start: I64 [N + 1]. */
struct sparse {
	struct tensor start, column, weight;
};

enum { SPARSE_LANES = 16 };

/*
 * y [N, W] = p (s - shift x) - q z, rounded after each product and sum; s [N, W] = the chain of + weight
 * x[column] over a row's elements from +0, nothing fused. x, z [N, W] F32 without gaps, W a multiple of
 * SPARSE_LANES. z may be x or y.
 */
void op_sparse_product(struct device *, struct tensor y, const struct sparse *, struct tensor x,
	float p, float shift, float q, struct tensor z);
