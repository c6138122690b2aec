/* gram.h: sums of squares and products of columns. */
#pragma once
#include <stddef.h>

enum { GRAM_BLOCK = 4 };

/*
 * gram [width, width] += z' z, the lower triangle, z [rows, width], width a multiple of GRAM_BLOCK:
 * an element is a chain over the rows from +0, then added. To be called by all threads of a
 * parallel region or by one alone, which touches no sum.
 */
void gram_add(const double *z, size_t rows, size_t width, double *gram);
