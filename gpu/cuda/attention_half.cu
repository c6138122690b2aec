/*
 * attention_half.cu: attention where its factors may be rounded to bfloat16 or binary16, T below, on
 * tensor cores, in one pass over the keys: scores of 64 keys, the maximum so far, what is there
 * rescaled (T. Dao et al., "FlashAttention", 2022). A block has 64 queries of a head, a warp 16; the
 * scores' registers are the left factor of P V as they lie. Keys out of reach have p = 0. What a
 * sequence gives does not depend on the others.
 */
#include "gpu/cuda/attention.h"
#include "gpu/cuda/mma.h"

constexpr int THREADS = 128, QUERIES = 64, KEYS = 64;

/* Rows first .. first + 63 of a head; zeros beyond the end and the size. eights: whole 16 bytes, which are
 * there after async_wait. */
template <int D>
DEVICE_FN void bring(uint16_t *to, const uint16_t *from, size_t stride, int first, int n, int size,
	bool eights)
{
	if (eights) {
#pragma unroll 4
		for (int i = threadIdx.x; i < KEYS * D / 8; i += THREADS) {
			int r = i / (D / 8), d = i % (D / 8) * 8;
			bool real = first + r < n && d < size;
			async_copy(to + r * (D + 8) + d, from + (real ? (first + r) * stride + d : 0),
				real);
		}
		async_commit();
		return;
	}
	for (int i = threadIdx.x; i < KEYS * D; i += THREADS) {
		int r = i / D, d = i % D;
		bool real = first + r < n && d < size;
		to[r * (D + 8) + d] = real ? from[(first + r) * stride + d] : 0;
	}
}

/* Two columns of the output, the second where it is there. */
template <enum dtype T>
DEVICE_FN void put(const struct attention_arguments &a, size_t at, float low, float high, bool both)
{
	uint32_t pair = half_pair<T>(low, high);
	if (!a.out_half) {
		a.out[at] = low;
		if (both)
			a.out[at + 1] = high;
	} else if (both && at % 2 == 0) {
		*reinterpret_cast<uint32_t *>(a.out_half + at) = pair;
	} else {
		a.out_half[at] = static_cast<uint16_t>(pair);
		if (both)
			a.out_half[at + 1] = static_cast<uint16_t>(pair >> 16);
	}
}

/* A row of scores is in four threads; rows g and g + 8 of the warp's sixteen. */
[[maybe_unused]] DEVICE_FN float row_maximum(float x)
{
	for (int w = 1; w < 4; w *= 2) {
		float other = __shfl_xor_sync(ALL, x, w);
		x = other > x ? other : x;
	}
	return x;
}

[[maybe_unused]] DEVICE_FN float row_sum(float x)
{
	for (int w = 1; w < 4; w *= 2)
		x = x + __shfl_xor_sync(ALL, x, w);
	return x;
}

/* s [16, 64] = scale (q k^T) of this warp. */
template <enum dtype T, int D>
DEVICE_FN void scores(const uint16_t *qs, const uint16_t *ks, float scale, float (*s)[4])
{
	int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
	const uint16_t *q = qs + (warp * 16 + lane % 16) * (D + 8) + lane / 16 * 8;
	const uint16_t *k = ks + (lane % 8 + lane / 16 * 8) * (D + 8) + lane / 8 % 2 * 8;
#pragma unroll
	for (int j = 0; j < 8; j++)
#pragma unroll
		for (int l = 0; l < 4; l++)
			s[j][l] = 0;
#pragma unroll
	for (int d = 0; d < D; d += 16) {
		uint32_t a[4], b[4];
		load_matrices(a, q + d);
#pragma unroll
		for (int j = 0; j < 8; j += 2) {
			load_matrices(b, k + j * 8 * (D + 8) + d);
			mma<T>(s[j], a, b);
			mma<T>(s[j + 1], a, b + 2);
		}
	}
#pragma unroll
	for (int j = 0; j < 8; j++)
#pragma unroll
		for (int l = 0; l < 4; l++)
			s[j][l] *= scale;
}

/* Scores beyond the keys are -inf; the bias or the terms are added. */
template <bool MORE>
DEVICE_FN void mask(const struct attention_relative_arguments &r, const struct head &h, int query,
	int k0, float (*s)[4])
{
	int t = threadIdx.x % 4;
#pragma unroll
	for (int j = 0; j < 8; j++)
#pragma unroll
		for (int l = 0; l < 4; l++) {
			int key = k0 + j * 8 + t * 2 + l % 2, row = query + l / 2 * 8;
			if (h.bias && key < h.n && row < h.n)
				s[j][l] += h.bias[key - row];
			if (MORE && r.place && key < h.n && row < h.n)
				s[j][l] += head_terms(r, h, row, key);
			s[j][l] = head_sees<MORE>(h, row, key) ? s[j][l] : -INFINITY;
		}
}

template <enum dtype T, int D, bool MORE>
static __global__ void __launch_bounds__(THREADS)
	attention_half_kernel(struct attention_relative_arguments r, unsigned parts, bool eights)
{
#if defined TENSOR_CORES
	const struct attention_arguments &a = r.attention;
	struct head h;
	if (!head_find<MORE>(r, parts, QUERIES, &h))
		return;
	DYNAMIC_SHARED(uint16_t, qs); /* [QUERIES][D + 8]; keys, values [KEYS][D + 8] */
	uint16_t *ks = qs + QUERIES * (D + 8), *vs = ks + KEYS * (D + 8);
	int size = static_cast<int>(a.size), lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
	int query = h.first_query + warp * 16 + lane / 4;
	float top[2] = { -INFINITY, -INFINITY }, sum[2] = { 0, 0 }, o[D / 8][4], s[8][4];
#pragma unroll
	for (int j = 0; j < D / 8; j++)
#pragma unroll
		for (int l = 0; l < 4; l++)
			o[j][l] = 0;
	const uint16_t *q = a.q_half + h.first * a.q_stride + h.column;
	const uint16_t *k = a.k_half + h.first * a.k_stride + h.column;
	const uint16_t *v = a.v_half + h.first * a.v_stride + h.column;
	bring<D>(qs, q, a.q_stride, h.first_query, h.n, size, eights);
	for (int k0 = h.begin / KEYS * KEYS; k0 < h.end; k0 += KEYS) {
		__syncthreads();
		bring<D>(ks, k, a.k_stride, k0, h.n, size, eights);
		bring<D>(vs, v, a.v_stride, k0, h.n, size, eights);
		async_wait<0>();
		__syncthreads();
		scores<T, D>(qs, ks, a.scale, s);
		if (h.bias || k0 + KEYS > h.n ||
			(MORE && (r.place || !head_sees_all(h, QUERIES, k0, KEYS))))
			mask<MORE>(r, h, query, k0, s);
#pragma unroll
		for (int i = 0; i < 2; i++) {
			float most = top[i];
#pragma unroll
			for (int j = 0; j < 8; j++) {
				most = s[j][2 * i] > most ? s[j][2 * i] : most;
				most = s[j][2 * i + 1] > most ? s[j][2 * i + 1] : most;
			}
			most = row_maximum(most);
			/* no key in reach yet: p and scale shall be 0 */
			float base = MORE && most == -INFINITY ? 0 : most;
			float scale = math_exp_neg(top[i] - base), part = 0;
			top[i] = most;
#pragma unroll
			for (int j = 0; j < 8; j++) {
				s[j][2 * i] = math_exp_neg(s[j][2 * i] - base);
				s[j][2 * i + 1] = math_exp_neg(s[j][2 * i + 1] - base);
				part += s[j][2 * i] + s[j][2 * i + 1];
			}
			sum[i] = sum[i] * scale + part;
#pragma unroll
			for (int j = 0; j < D / 8; j++) {
				o[j][2 * i] *= scale;
				o[j][2 * i + 1] *= scale;
			}
		}
		const uint16_t *own = vs + lane % 16 * (D + 8) + lane / 16 * 8;
#pragma unroll
		for (int step = 0; step < KEYS / 16; step++) {
			const float(*p)[4] = s + 2 * step;
			uint32_t left[4] = { half_pair<T>(p[0][0], p[0][1]),
				half_pair<T>(p[0][2], p[0][3]), half_pair<T>(p[1][0], p[1][1]),
				half_pair<T>(p[1][2], p[1][3]) };
#pragma unroll
			for (int j = 0; j < D / 8; j += 2) {
				uint32_t b[4];
				load_transposed(b, own + step * 16 * (D + 8) + j * 8);
				mma<T>(o[j], left, b);
				mma<T>(o[j + 1], left, b + 2);
			}
		}
	}
#pragma unroll
	for (int i = 0; i < 2; i++) {
		float all = row_sum(sum[i]);
		size_t at = (h.first + query + 8 * i) * a.out_stride + h.column;
		if (query + 8 * i >= h.n)
			continue;
#pragma unroll
		for (int j = 0; j < D / 8; j++) {
			int column = j * 8 + lane % 4 * 2;
			if (column < size)
				put<T>(a, at + column, o[j][2 * i] / all, o[j][2 * i + 1] / all,
					column + 1 < size);
		}
	}
#endif
}

template <int D, bool MORE>
static bool launch(struct lane *lane, const struct attention_relative_arguments *r,
	size_t sequences, size_t longest, bool eights)
{
	const struct attention_arguments *a = &r->attention;
	unsigned parts = cuda_blocks(longest, QUERIES);
	size_t bytes = sizeof(uint16_t) * (QUERIES + 2 * KEYS) * (D + 8);
	dim3 grid(cuda_blocks(size_mul(parts, sequences), 1), static_cast<unsigned>(a->heads));
	auto kernel = a->dtype == F16 ? attention_half_kernel<F16, D, MORE>
				      : attention_half_kernel<BF16, D, MORE>;
	if (!cuda_good(lane,
		    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
			    static_cast<int>(bytes)),
		    "attention"))
		return true;
	LAUNCH(kernel, grid, dim3(THREADS), bytes, lane, *r, parts, eights);
	LAUNCHED(lane, "attention");
	return true;
}

/* q, k and v as halves: where they are columns of one matrix beside each other all at once. */
static void round_factors(struct lane *lane, struct attention_arguments *a, size_t tokens)
{
	size_t c = a->heads * a->size;
	bool beside = a->k == a->q + c && a->v == a->k + c && a->k_stride == a->q_stride &&
		      a->v_stride == a->q_stride;
	size_t width = ((beside ? 3 : 1) * c + 7) / 8 * 8;
	a->q_half = cuda_half_rows(lane, a->dtype, NULL, a->q, a->q_stride, tokens, beside ? 3 * c : c);
	a->k_half = beside ? a->q_half + c
			   : cuda_half_rows(lane, a->dtype, NULL, a->k, a->k_stride, tokens, c);
	a->v_half = beside ? a->k_half + c
			   : cuda_half_rows(lane, a->dtype, NULL, a->v, a->v_stride, tokens, c);
	a->q_stride = a->k_stride = a->v_stride = width;
}

static bool by_eights(const uint16_t *x, size_t stride)
{
	return reinterpret_cast<uintptr_t>(x) % 16 == 0 && stride % 8 == 0;
}

bool cuda_attention_half(struct lane *lane, const struct attention_relative_arguments *given,
	bool more, size_t sequences, size_t longest, size_t tokens)
{
	struct attention_relative_arguments r = *given;
	struct attention_arguments &a = r.attention;
	size_t size = a.size;
	if (!cuda_half_native(lane) || size > 128)
		return false;
	if (!a.q_half)
		round_factors(lane, &a, tokens);
	bool eights = size % 8 == 0 && by_eights(a.q_half, a.q_stride) &&
		      by_eights(a.k_half, a.k_stride) && by_eights(a.v_half, a.v_stride);
	if (more)
		return size <= 64 ? launch<64, true>(lane, &r, sequences, longest, eights)
				  : launch<128, true>(lane, &r, sequences, longest, eights);
	return size <= 32   ? launch<32, false>(lane, &r, sequences, longest, eights)
	       : size <= 64 ? launch<64, false>(lane, &r, sequences, longest, eights)
	       : size <= 96 ? launch<96, false>(lane, &r, sequences, longest, eights)
			    : launch<128, false>(lane, &r, sequences, longest, eights);
}
