/* ops_centers.c: see ops_centers.h. */
#include "gpu/ops_centers.h"

#include <math.h>

#include "gpu/centers.h"
#include "gpu/kernels.h"

double *center_blocks(const double *centers, size_t k, size_t c)
{
	size_t lanes = (k + CENTER_LANES - 1) / CENTER_LANES * CENTER_LANES;
	double *blocks = MEM_ARRAY(double, size_mul(lanes, c));
	for (size_t i = 0; i < lanes; i++)
		for (size_t j = 0; j < c; j++)
			blocks[(i / CENTER_LANES * c + j) * CENTER_LANES + i % CENTER_LANES] =
				i < k ? centers[i * c + j] : INFINITY;
	return blocks;
}

void op_nearest_center(struct device *d, struct tensor x, const double *centers, size_t k,
	bool unit, int32_t *label, double *raw)
{
	CHECK(x.n_dims == 2 && x.dtype == F32 && k >= 1 && k <= INT32_MAX);
	struct nearest_center_arguments a = { .x = x.data,
		.x_stride = x.stride[0],
		.rows = x.shape[0],
		.columns = x.shape[1],
		.k = k,
		.unit = unit,
		.centers = centers,
		.label = label,
		.raw = raw };
	double *blocks = d->backend ? NULL : center_blocks(centers, k, a.columns);
	a.blocks = blocks;
	device_run(d, KERNEL_nearest_center, &a, (a.rows + CENTER_ROWS - 1) / CENTER_ROWS, 1);
	mem_free(blocks);
}
