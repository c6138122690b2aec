/* sparse.c: products of a sparse matrix (ops_sparse.h): SPARSE_LANES columns of a row at once, which
 * is one cache line of x an element. */
#include "gpu/sparse.h"

#include "gpu/cpu/native.h"
#include "gpu/cpu/vector.h"

enum { VECTORS = SPARSE_LANES / NATIVE32 };
typedef native32 lanes __attribute__((aligned(4)));

KERNEL(sparse_product)
{
	const struct sparse_product_arguments *a = arguments;
	(void)scratch;
	for (size_t i = begin; i < end; i++)
		for (size_t at = 0; at < a->width; at += SPARSE_LANES) {
			lanes sum[VECTORS] = { { 0 } };
			for (size_t e = a->start[i]; e < a->start[i + 1]; e++) {
				const float *row = a->x + (size_t)a->column[e] * a->width + at;
				UNROLL for (size_t v = 0; v < VECTORS; v++) {
					lanes x = *(const lanes *)(row + v * NATIVE32);
					sum[v] += a->weight[e] * x;
				}
			}
			UNROLL for (size_t v = 0; v < VECTORS; v++) {
				size_t own = i * a->width + at + v * NATIVE32;
				lanes x = *(const lanes *)(a->x + own);
				lanes z = *(const lanes *)(a->z + own);
				*(lanes *)(a->y + own) = a->p * (sum[v] - a->shift * x) - a->q * z;
			}
		}
}
