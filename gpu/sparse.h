/* sparse.h: arguments of the kernel of ops_sparse.h (gpu/kernels.h). */
#pragma once
#include "gpu/ops_sparse.h"

struct sparse_product_arguments { /* a unit is a row */
	float *y;
	const size_t *start;
	const int32_t *column;
	const float *weight, *x, *z;
	size_t width;
	float p, shift, q;
};
