/* norm.h: layer normalisation of a row by the threads of its lanes (ops.h, struct norm). */
#pragma once
#include "gpu/cuda/lanes.h"
#include "gpu/cuda/mma.h"

/* Numbers to nearest even, in pairs. */
template <enum dtype T, int W> DEVICE_FN beside<uint32_t, W / 2> pairs_of(floats<W> x)
{
	beside<uint32_t, W / 2> pairs;
#pragma unroll
	for (int j = 0; j < W; j += 2)
		pairs.v[j / 2] = half_pair<T>(x.v[j], x.v[j + 1]);
	return pairs;
}

/* As norm_row, with the row in registers. It is all asked for before anything is stored. */
template <typename F, typename Row>
DEVICE_FN void norm_registers(const struct norm_arguments &a, size_t row, unsigned warp, Row t)
{
	constexpr int W = F::W;
	float *y = a.y + row * a.y_stride, count = static_cast<float>(a.columns);
	uint32_t *twin = reinterpret_cast<uint32_t *>(a.twin) + row * a.columns / 2;
	floats<W> own[F::OWN], sum = {}, squares = {};
	auto each = [&](auto f) { row_each<F>(a.columns, own, f); };
	each([&](int i, floats<W> &x) { x = t(i); });
	each([&](int, floats<W> &x) {
#pragma unroll
		for (int j = 0; j < W; j++)
			sum.v[j] = sum.v[j] + x.v[j];
	});
	float mean = lanes_tree(sum, warp) / count;
	each([&](int, floats<W> &x) {
#pragma unroll
		for (int j = 0; j < W; j++)
			squares.v[j] = math_fma(x.v[j] - mean, x.v[j] - mean, squares.v[j]);
	});
	float r = 1 / sqrtf(lanes_tree(squares, warp) / count + a.eps);
	each([&](int i, floats<W> &x) {
		floats<W> gamma = get<W>(a.gamma + i), beta = get<W>(a.beta + i);
#pragma unroll
		for (int j = 0; j < W; j++)
			x.v[j] = math_fma((x.v[j] - mean) * r, gamma.v[j], beta.v[j]);
		put(y + i, x);
	});
	if (a.twin && a.twin_dtype == F16)
		each([&](int i, floats<W> &x) { put(twin + i / 2, pairs_of<F16>(x)); });
	else if (a.twin)
		each([&](int i, floats<W> &x) { put(twin + i / 2, pairs_of<BF16>(x)); });
}

/* As norm_row, a row of any length, asked for three times. */
template <typename Row>
DEVICE_FN void norm_any(const struct norm_arguments &a, size_t row, unsigned warp, Row t)
{
	float *y = a.y + row * a.y_stride, count = static_cast<float>(a.columns);
	uint16_t *twin = a.twin ? a.twin + row * a.columns : NULL;
	auto sum = [&](auto add) {
		return lanes_sum(
			a.columns, [=](float s, size_t i) { return add(s, t(i).v[0]); }, warp);
	};
	float mean = sum([](float s, float x) { return s + x; }) / count;
	float variance = sum([=](float s, float x) {
		float d = x - mean;
		return math_fma(d, d, s);
	}) / count;
	float r = 1 / sqrtf(variance + a.eps);
	for (size_t i = lanes_own<1>(); i < a.columns; i += LANES) {
		float v = math_fma((t(i).v[0] - mean) * r, a.gamma[i], a.beta[i]);
		y[i] = v;
		if (twin)
			twin[i] = static_cast<uint16_t>(
				a.twin_dtype == F16 ? half_pair<F16>(v, 0) : half_pair<BF16>(v, 0));
	}
}

/* y, row `row` of a.y, = norm(t), t(i) elements i … i + W - 1 of it. A thread only ever asks for
 * its own lanes' elements, so y may be what t reads. warp: as row_own tells. */
template <typename F, typename Row>
DEVICE_FN void norm_row(const struct norm_arguments &a, size_t row, unsigned warp, Row t)
{
	if constexpr (F::OWN > 0)
		norm_registers<F>(a, row, warp, t);
	else
		norm_any(a, row, warp, t);
}

/* y = norm(x + t), rows of t of its columns without gaps: what follows a product. */
void cuda_norm_residual(struct lane *, const struct norm_arguments *, const float *t, size_t rows);

/* The same of rows of bfloat16, by sums in another order, norm_half.cu; and whether it takes rows
 * of this shape. */
void cuda_norm_residual_half(
	struct lane *, const struct norm_arguments *, const uint16_t *t, size_t rows);
bool cuda_norm_takes_halves(const struct norm_arguments *);
