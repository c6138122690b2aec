/* neighbors.h: arguments of the neighbour searches' kernels (gpu/kernels.h). */
#pragma once
#include "gpu/kernels.h"
#include "gpu/ops_neighbors.h"

/* Lists of the K nearest, rows without gaps, and each one's largest value. */
struct nearest_lists {
	float *values, *worst;
	int32_t *indices;
	size_t k;
};

struct nearest_arguments {
	struct nearest_lists lists;
	const float *q, *qq; /* [M, C] and their squares */
	size_t m, q_stride;
	const struct weight *w;
	const float *ww;
	enum nearest nearest;
	size_t block; /* rows of a block, a multiple of the panel */
	size_t blocks, round; /* nearest_pairs */
};

/* nearest_pairs: a unit is a pair of blocks of a round of the tournament, which no other pair of
 * the round shares (round 0: each block with itself). nearest_rows: a unit is a block of
 * BLOCK_ROWS rows of q. */
