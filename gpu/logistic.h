/* logistic.h: arguments of the kernel of ops_logistic.h (gpu/kernels.h). */
#pragma once
#include "gpu/ops_logistic.h"

struct logistic_arguments { /* a unit is a block of LOGISTIC_ROWS rows */
	const float *x;
	size_t x_stride, rows, columns, outputs;
	bool reference;
	const double *w; /* [outputs, columns + 1] */
	double *p; /* [rows, classes], or NULL: the gradient is wanted */
	const int32_t *label;
	const double *weight;
	double *loss, *gradient; /* a unit's: loss[u], gradient + u outputs (columns + 1) */
};
