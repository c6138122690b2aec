/* centers.h: arguments of the kernel of ops_centers.h (gpu/kernels.h). */
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
};
