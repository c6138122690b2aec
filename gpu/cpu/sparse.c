/* sparse.c: products of a sparse matrix (ops_sparse.h): SPARSE_LANES columns of a row at once, which is one
 * cache line of x an element. */
#include "gpu/sparse.h"

#include "gpu/cpu/kernels.h"

typedef float lanes __attribute__((vector_size(SPARSE_LANES * sizeof(float)), aligned(4), may_alias));

KERNEL(sparse_product)
{
	const struct sparse_product_arguments *a = arguments;
	(void)scratch;
	for (size_t i = begin; i < end; i++)
		for (size_t at = 0; at < a->width; at += SPARSE_LANES) {
			lanes sum = { 0 };
			for (size_t e = a->start[i]; e < a->start[i + 1]; e++) {
				size_t row = (size_t)a->column[e] * a->width + at;
				sum += a->weight[e] * *(const lanes *)(a->x + row);
			}
			size_t own = i * a->width + at;
			lanes x = *(const lanes *)(a->x + own), z = *(const lanes *)(a->z + own);
			*(lanes *)(a->y + own) = a->p * (sum - a->shift * x) - a->q * z;
		}
}
