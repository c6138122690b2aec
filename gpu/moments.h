/* moments.h: arguments of the kernels of ops_moments.h (gpu/kernels.h). */
#pragma once
#include "gpu/ops_moments.h"

struct group_sums_arguments { /* a unit is a group */
	const float *x;
	size_t x_stride, n, columns;
	bool unit, square;
	const double *center, *weight; /* or NULL */
	const int32_t *rows;
	const size_t *start;
	double *sums; /* host memory [G, C] */
};

/* Blocks of the gram matrix: GRAM_BLOCK by GRAM_BLOCK elements, with zeros beyond its last column. Block (i, j),
 * i >= j, is the (i (i + 1) / 2 + j)-th of a triangle. */
enum { GRAM_BLOCK = 48, GRAM_AREA = GRAM_BLOCK * GRAM_BLOCK };

struct gram_arguments { /* a unit is a row of blocks for MOMENT_ROWS rows, those of the same rows together */
	const void *x;
	bool wide; /* F64, else F32 */
	size_t x_stride, rows, columns, blocks; /* blocks: of a row of the last blocks */
	const double *center; /* [C] */
	double *parts; /* a triangle of blocks for each MOMENT_ROWS rows */
};

struct gram_sum_arguments { /* a unit is a block */
	double *sum; /* [triangle] */
	const double *parts;
	size_t triangle, n_parts; /* elements of a triangle */
};

struct project_arguments { /* a unit is a row */
	float *y;
	const float *x;
	size_t y_stride, x_stride, columns, k;
	const double *center, *w;
};
