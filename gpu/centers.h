/* centers.h: arguments of the kernels of ops_centers.h (gpu/kernels.h). */
#pragma once
#include "gpu/ops_centers.h"

enum { CENTER_ROWS = 64 };

struct nearest_center_arguments { /* a unit is a block of CENTER_ROWS rows */
	const float *x;
	size_t x_stride, rows, columns, k;
	bool unit;
	const double *centers; /* [K, C] */
	/* on a CPU: blocks of CENTER_LANES centres, [C, CENTER_LANES], what is behind the last infinite */
	const double *blocks;
	int32_t *label;
	double *raw; /* or NULL */
	const struct center_filter *filter; /* of a CPU without raw, or NULL */
};

/* Products in float32, and how far a distance may lie from what they say: see gpu/cpu/centers.c. */
struct center_filter {
	const float
		*products; /* of nearest_center, [rows, K]: of the rows with the centres rounded */
	const float *rounded; /* of closer, [K, C]: the centres rounded */
	const double *length, *square; /* [K] of the centres */
	double relative, tiny;
};

struct closer_arguments { /* a unit is a block of CENTER_ROWS rows */
	struct nearest_center_arguments to; /* k at most CENTER_LANES; no label, no raw */
	const double *nearest;
	double *closer[CENTER_LANES];
};

struct chunk_sums_arguments { /* a unit is a chunk of a vector, the chunks of a vector together */
	const double *x[CENTER_LANES];
	double *sums; /* host memory [k, chunks] */
	size_t k, n;
};
