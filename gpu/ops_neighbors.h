/*
 * ops_neighbors.h: which rows of a matrix are nearest to each other. Definitions as in ops.h. What
 * these operations give is a search's result: the distances that are stored are computed again by
 * op_pair_distances.
 */
#pragma once
#include "gpu/ops.h"

/* d(x, z) of a search. NEAREST_SQUARE: op_square_distances. NEAREST_MANHATTAN: the chain of + |x
 * - z| over the columns from +0. */
enum nearest { NEAREST_SQUARE, NEAREST_MANHATTAN };

/*
 * The K nearest of the rows of x [N, C] to each of them, itself among them: values [N, K] and
 * indices I32 [N, K] of the smallest d in order of (d, index), as op_top_k keeps them; where N < K
 * the rest is +inf and -1. Every pair is computed once.
 */
void op_nearest(struct device *, struct tensor values, struct tensor indices, struct tensor x,
	enum nearest);

/* The K nearest of the rows of x to each row of q [M, C]. w: a weight of x's rows; ww [N]: their
 * op_square_norms. */
void op_nearest_to(struct device *, struct tensor values, struct tensor indices, struct tensor q,
	const struct weight *w, struct tensor ww, enum nearest);
