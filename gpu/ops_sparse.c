/* ops_sparse.c: see ops_sparse.h. */
#include "gpu/ops_sparse.h"

#include "gpu/kernels.h"
#include "gpu/sparse.h"

enum { ROWS = 2048 }; /* that a thread takes at once */

static bool is_block(struct tensor t, size_t n, size_t width)
{
	return t.n_dims == 2 && t.dtype == F32 && t.shape[0] == n && t.shape[1] == width &&
	       t.stride[0] == width;
}

void op_sparse_product(struct device *d, struct tensor y, const struct sparse *m, struct tensor x,
	float p, float shift, float q, struct tensor z)
{
	size_t n = x.shape[0], width = x.shape[1], elements = m->weight.shape[0];
	CHECK(is_block(x, n, width) && is_block(y, n, width) && is_block(z, n, width));
	CHECK(width % SPARSE_LANES == 0 && n <= INT32_MAX);
	CHECK(m->start.dtype == I64 && m->start.n_dims == 1 && m->start.shape[0] == n + 1);
	CHECK(m->column.dtype == I32 && m->column.n_dims == 1 && m->column.shape[0] == elements);
	CHECK(m->weight.dtype == F32 && m->weight.n_dims == 1);
	struct sparse_product_arguments a = { y.data, m->start.data, m->column.data, m->weight.data,
		x.data, z.data, width, p, shift, q };
	device_run(d, KERNEL_sparse_product, &a, n, ROWS);
}
