/* norm.h: layer normalisation of a row by sixteen threads (ops.h, struct norm). */
#pragma once
#include "gpu/cuda/lanes.h"
#include "gpu/cuda/mma.h"

/* y, row `row` of a.y, = norm(t), t(i) element i. A thread only ever asks for its own lane's
 * elements, so y may be what t reads; with OWN they are at most OWN and stay in registers, else they
 * are asked for three times. With keep false nothing is stored. */
template <int OWN, typename Row>
DEVICE_FN void norm_row(const struct norm_arguments &a, size_t row, bool keep, Row t)
{
	float *y = a.y + row * a.y_stride, own[OWN ? OWN : 1];
	uint16_t *twin = a.twin ? a.twin + row * a.columns : NULL;
	size_t n = a.columns, lane = threadIdx.x % LANES;
	float count = static_cast<float>(n);
#pragma unroll
	for (int k = 0; OWN && k < OWN; k++)
		own[k] = lane + k * LANES < n ? t(lane + k * LANES) : 0;
	auto sum = [&](auto add) {
		if constexpr (OWN > 0) {
			float s = 0;
#pragma unroll
			for (int k = 0; k < OWN; k++)
				s = lane + k * LANES < n ? add(s, own[k]) : s;
			return lanes_tree(s);
		} else {
			return lanes_sum(n, [&](float s, size_t i) { return add(s, t(i)); });
		}
	};
	float mean = sum([](float s, float x) { return s + x; }) / count;
	float variance = sum([=](float s, float x) {
		float d = x - mean;
		return math_fma(d, d, s);
	}) / count;
	float r = 1 / sqrtf(variance + a.eps);
	auto put = [&](size_t i, float x) {
		float v = math_fma((x - mean) * r, a.gamma[i], a.beta[i]);
		y[i] = v;
		if (twin)
			twin[i] = static_cast<uint16_t>(a.twin_dtype == F16 ? half_pair<F16>(v, 0)
									    : half_pair<BF16>(v, 0));
	};
#pragma unroll
	for (int k = 0; OWN && k < OWN; k++)
		if (keep && lane + k * LANES < n)
			put(lane + k * LANES, own[k]);
	for (size_t i = lane; !OWN && keep && i < n; i += LANES)
		put(i, t(i));
}

/* y = norm(x + t), t rows of n columns without gaps: what follows a product. */
void cuda_norm_residual(struct lane *, const struct norm_arguments *, const float *t, size_t rows);
