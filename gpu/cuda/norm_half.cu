/*
 * norm_half.cu: the norm of a residual and the bfloat16 rows of a product, as the fast modes have
 * it, from and to floats or bfloat16: a warp a row, four elements a thread and turn, sums by
 * halving, so that nothing but memory counts.
 */
#include "gpu/cuda/norm.h"

constexpr int THREADS = 256, ROWS = THREADS / WARP, TURN = 4 * WARP, MOST = 16;

DEVICE_FN float warp_sum(float x)
{
#pragma unroll
	for (int w = WARP / 2; w; w /= 2)
		x = x + __shfl_xor_sync(ALL, x, w);
	return x;
}

DEVICE_FN float4 four_halves(const uint16_t *x)
{
	uint2 own = *reinterpret_cast<const uint2 *>(x);
	return make_float4(half_number<BF16>(own.x), half_number<BF16>(own.x >> 16),
		half_number<BF16>(own.y), half_number<BF16>(own.y >> 16));
}

/* A row's elements in registers, at most OWN turns of them. */
template <int OWN>
static __global__ void __launch_bounds__(THREADS)
	residual_half_kernel(struct norm_arguments a, const uint16_t *t, size_t rows)
{
	size_t row = (size_t)blockIdx.x * ROWS + threadIdx.x / WARP;
	int first = threadIdx.x % WARP * 4, columns = static_cast<int>(a.columns);
	float count = static_cast<float>(columns), v[OWN][4] = {};
	if (row >= rows)
		return;
	const float *x = a.x ? a.x + row * a.x_stride : NULL;
	const uint16_t *x_half = x ? NULL : a.x_half + row * a.columns;
	t += row * a.columns;
#pragma unroll
	for (int k = 0; k < OWN; k++) {
		int i = first + k * TURN;
		if (i >= columns)
			continue;
		float4 own = x ? *reinterpret_cast<const float4 *>(x + i) : four_halves(x_half + i);
		float4 branch = four_halves(t + i);
		v[k][0] = own.x + branch.x;
		v[k][1] = own.y + branch.y;
		v[k][2] = own.z + branch.z;
		v[k][3] = own.w + branch.w;
	}
	float sum = 0, squares = 0;
#pragma unroll
	for (int k = 0; k < OWN; k++)
		sum = sum + ((v[k][0] + v[k][1]) + (v[k][2] + v[k][3]));
	float mean = warp_sum(sum) / count;
#pragma unroll
	for (int k = 0; k < OWN; k++)
#pragma unroll
		for (int l = 0; l < 4; l++) {
			float d = first + k * TURN < columns ? v[k][l] - mean : 0;
			squares = math_fma(d, d, squares);
		}
	float r = 1 / sqrtf(warp_sum(squares) / count + a.eps);
#pragma unroll
	for (int k = 0; k < OWN; k++) {
		int i = first + k * TURN;
		if (i >= columns)
			continue;
		float4 g = *reinterpret_cast<const float4 *>(a.gamma + i);
		float4 b = *reinterpret_cast<const float4 *>(a.beta + i);
		float4 y = make_float4(math_fma((v[k][0] - mean) * r, g.x, b.x),
			math_fma((v[k][1] - mean) * r, g.y, b.y),
			math_fma((v[k][2] - mean) * r, g.z, b.z),
			math_fma((v[k][3] - mean) * r, g.w, b.w));
		if (a.y)
			*reinterpret_cast<float4 *>(a.y + row * a.y_stride + i) = y;
		if (a.twin)
			*reinterpret_cast<uint2 *>(a.twin + row * a.columns + i) =
				make_uint2(half_pair<BF16>(y.x, y.y), half_pair<BF16>(y.z, y.w));
	}
}

bool cuda_norm_takes_halves(const struct norm_arguments *a)
{
	return a->columns % 8 == 0 && a->columns <= MOST * TURN && by_fours(a->x, a->x_stride) &&
	       by_fours(a->y, a->y_stride) && by_fours(a->gamma, 0) && by_fours(a->beta, 0) &&
	       (!a->twin || a->twin_dtype == BF16);
}

void cuda_norm_residual_half(
	struct lane *lane, const struct norm_arguments *a, const uint16_t *t, size_t rows)
{
	auto kernel = a->columns <= 3 * TURN   ? residual_half_kernel<3>
		      : a->columns <= 6 * TURN ? residual_half_kernel<6>
		      : a->columns <= 8 * TURN ? residual_half_kernel<8>
					       : residual_half_kernel<MOST>;
	LAUNCH(kernel, cuda_blocks(rows, ROWS), THREADS, 0, lane, *a, t, rows);
	LAUNCHED(lane, "norm");
}
