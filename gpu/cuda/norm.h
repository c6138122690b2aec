/* norm.h: layer normalisation of a row by sixteen threads (ops.h, struct norm). */
#pragma once
#include "gpu/cuda/lanes.h"
#include "gpu/cuda/mma.h"

/* y, row `row` of a.y, = norm(t), t(i) element i, asked for three times; a thread only ever asks for its
 * own lane's elements, so y may be what t reads. With keep false nothing is stored. */
template <typename Row>
DEVICE_FN void norm_row(const struct norm_arguments &a, size_t row, bool keep, Row t)
{
	float *y = a.y + row * a.y_stride;
	uint16_t *twin = a.twin ? a.twin + row * a.columns : NULL;
	size_t n = a.columns;
	float count = static_cast<float>(n);
	float mean = lanes_sum(n, [&](float s, size_t i) { return s + t(i); }) / count;
	float variance = lanes_sum(n, [&](float s, size_t i) {
		float d = t(i) - mean;
		return math_fma(d, d, s);
	}) / count;
	float r = 1 / sqrtf(variance + a.eps);
	for (size_t i = threadIdx.x % LANES; keep && i < n; i += LANES) {
		float v = math_fma((t(i) - mean) * r, a.gamma[i], a.beta[i]);
		y[i] = v;
		if (twin)
			twin[i] = static_cast<uint16_t>(a.twin_dtype == F16 ? half_pair<F16>(v, 0)
									    : half_pair<BF16>(v, 0));
	}
}

/* y = norm(x + t), t rows of n columns without gaps: what follows a product. */
void cuda_norm_residual(struct lane *, const struct norm_arguments *, const float *t, size_t rows);
