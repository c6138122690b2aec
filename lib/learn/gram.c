#include "lib/learn/gram.h"

enum { BLOCK = GRAM_BLOCK };

static void block(const double *z, size_t rows, size_t width, size_t i, size_t j, double *gram)
{
	double sum[BLOCK][BLOCK] = { { 0 } };
	for (size_t r = 0; r < rows; r++) {
		const double *a = z + r * width + i, *b = z + r * width + j;
		for (size_t p = 0; p < BLOCK; p++)
			for (size_t q = 0; q < BLOCK; q++)
				sum[p][q] += a[p] * b[q];
	}
	for (size_t p = 0; p < BLOCK; p++)
		for (size_t q = 0; q < BLOCK; q++)
			gram[(i + p) * width + j + q] += sum[p][q];
}

void gram_add(const double *z, size_t rows, size_t width, double *gram)
{
#pragma omp for schedule(dynamic, 4)
	for (size_t i = 0; i < width / BLOCK; i++)
		for (size_t j = 0; j <= i; j++)
			block(z, rows, width, i * BLOCK, j * BLOCK, gram);
}
