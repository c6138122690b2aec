/* weight.c: right-hand sides of products; see tensor.h. The CPU's panels are gpu/cpu/linear.c's, a GPU's rows
 * gpu/cuda/weight.cu's. */
#include <string.h>

#include "gpu/backend.h"

struct weight *weight_new(struct device *d, enum dtype dtype, size_t n, size_t k, size_t stride,
	const float *w, const float *bias)
{
	CHECK(dtype <= TF32 && stride >= k);
	const struct kernel_table *table = d->table;
	struct weight *r = mem_zero(1, sizeof *r);
	size_t panels = n / table->panel + (n % table->panel != 0);
	*r = (struct weight){
		.table = table, .dtype = dtype, .n = n, .k = k, .panel = table->panel
	};
	if (d->backend) {
		r->backend = d->backend;
		r->lane = d->lane;
		d->backend->weight_new(d->lane, r, w, stride, bias);
		return r;
	}
	if (dtype == TF32)
		r->dtype = F32; /* which is as fast here */
	r->paired = dtype == BF16 && table->bf16_native();
	size_t elements = size_mul(size_mul(panels, table->panel), r->paired ? (k + 1) / 2 * 2 : k);
	r->packed = mem_alloc(size_mul(elements, dtype_size(r->paired ? BF16 : F32)));
	if (bias) {
		r->bias = mem_zero(size_mul(panels, table->panel), sizeof *bias);
		memcpy(r->bias, bias, n * sizeof *bias);
	}
#pragma omp parallel for schedule(static) if (!d->parent && elements > 1 << 18)
	for (size_t p = 0; p < panels; p++)
		table->pack(r, w, stride, p, p + 1);
	return r;
}

struct weight *weight_of(struct device *d, struct tensor w)
{
	if (!d->backend)
		return weight_new(d, F32, w.shape[0], w.shape[1], w.stride[0], w.data, NULL);
	struct weight *r = mem_zero(1, sizeof *r);
	*r = (struct weight){ .table = d->table,
		.n = w.shape[0],
		.k = w.shape[1],
		.panel = d->table->panel,
		.packed = w.data,
		.backend = d->backend,
		.lane = d->lane,
		.stride = w.stride[0],
		.borrowed = true };
	return r;
}

void weight_free(struct weight *w)
{
	if (!w)
		return;
	if (w->backend) {
		if (!w->borrowed)
			w->backend->weight_free(w);
		mem_free(w);
		return;
	}
	mem_free(w->packed);
	mem_free(w->bias);
	mem_free(w);
}

size_t weight_outputs(const struct weight *w)
{
	return w->n;
}

enum dtype weight_activation(const struct weight *w)
{
	return w->backend && w->paired && w->n % 8 == 0 && w->k % 8 == 0 ? w->dtype : F32;
}
