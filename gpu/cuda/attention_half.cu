/*
 * attention_half.cu: attention where its factors may be rounded to bfloat16 or binary16, T below, on
 * tensor cores, in one pass over the keys: scores of 64 keys, the maximum so far, what is there
 * rescaled (T. Dao et al., "FlashAttention", 2022). A warp has sixteen queries of a head; the
 * scores' registers are the left factor of P V as they lie, and V has eight columns of ones, which
 * give the sums. Sixteens of queries or keys behind a sequence's last are left out, and keys out of
 * reach have p = 0. What a sequence gives does not depend on the others.
 */
#include "gpu/cuda/attention.h"
#include "gpu/cuda/fast.h"
#include "gpu/cuda/mma.h"

constexpr int THREADS = 128, QUERIES = THREADS / WARP * 16, KEYS = 64, STEPS = KEYS / 16;
constexpr int SHORT_KEYS = 256, SHORT_QUERIES = 2 * QUERIES;

/* Rows of a head on their way to shared memory, 64 at a time: eights, whole 16 bytes a thread and
 * turn, of which x is this thread's first; else one element, and x the first row. */
struct source {
	const uint16_t *x;
	size_t stride;
	int rows; /* from x on */
	bool eights;
};

/* Threads beyond whole rows have none. */
template <int D> constexpr int PARTS = D / 8;
template <int D> constexpr int ROWS = THREADS / PARTS<D>;

template <int D>
DEVICE_FN struct source source_from(
	const uint16_t *x, size_t stride, int first, int n, int size, bool eights)
{
	int row = threadIdx.x / PARTS<D>, d = threadIdx.x % PARTS<D> * 8;
	if (!eights)
		return { x + first * stride, stride, n - first, false };
	return { x + (first + row) * stride + d, stride, d < size ? n - first - row : 0, true };
}

/* The next 64 rows, of which `room` are wanted; zeros beyond the last and the size. What is eights
 * is there after async_wait. */
template <int D> DEVICE_FN void bring(uint16_t *to, struct source *s, int size, int room = KEYS)
{
	if (s->eights) {
		int row = threadIdx.x / PARTS<D>;
		to += row * (D + 8) + threadIdx.x % PARTS<D> * 8;
#pragma unroll
		for (int i = 0; i < KEYS; i += ROWS<D>)
			if ((THREADS % PARTS<D> == 0 || (row < ROWS<D> && i + row < KEYS)) &&
				(room == KEYS || i + row < room))
				async_copy(to + i * (D + 8), s->x + i * s->stride, i < s->rows);
		async_commit();
	} else {
#pragma unroll 1
		for (int i = threadIdx.x; i < KEYS * D; i += THREADS) {
			int r = i / D, d = i % D;
			to[r * (D + 8) + d] = r < s->rows && d < size ? s->x[r * s->stride + d] : 0;
		}
	}
	s->x += KEYS * s->stride;
	s->rows -= KEYS;
}

/* Two columns of the output from element `at` on, the second where it is there; pairs: it is, and
 * together they are a word of halves. */
template <enum dtype T>
DEVICE_FN void put(const struct attention_arguments &a, size_t at, float low, float high, bool both,
	bool pairs)
{
	uint32_t pair = half_pair<T>(low, high);
	if (pairs) {
		*reinterpret_cast<uint32_t *>(a.out_half + at) = pair;
	} else if (a.out_half) {
		a.out_half[at] = static_cast<uint16_t>(pair);
		if (both)
			a.out_half[at + 1] = static_cast<uint16_t>(pair >> 16);
	} else {
		a.out[at] = low;
		if (both)
			a.out[at + 1] = high;
	}
}

/* A row of scores is in four threads; rows g and g + 8 of the warp's sixteen. */
[[maybe_unused]] DEVICE_FN float row_maximum(float x)
{
	x = fmaxf(x, __shfl_xor_sync(ALL, x, 1));
	return fmaxf(x, __shfl_xor_sync(ALL, x, 2));
}

/* Sixteen queries of a warp, of which a thread has rows g and g + 8: their factors, the largest
 * score yet, and the output for it, whose last columns are the sums of the numerators. */
template <int D> struct sixteen {
	uint32_t q[D / 16][4];
	float top[2], o[D / 8 + 1][4];
};

template <int D> DEVICE_FN struct sixteen<D> sixteen_new(void) {
	struct sixteen<D> w = {
	};
	w.top[0] = w.top[1] = -INFINITY;
	return w;
}

/* s [16, 16 steps] = q k^T; FULL, here and below: of all keys. */
template <enum dtype T, int D, bool FULL>
DEVICE_FN void scores(const struct sixteen<D> &w, const uint16_t *ks, int steps, float (*s)[4])
{
	int lane = threadIdx.x % WARP;
	const uint16_t *k = ks + (lane % 8 + lane / 16 * 8) * (D + 8) + lane / 8 % 2 * 8;
#pragma unroll
	for (int step = 0; step < STEPS; step++) {
		if (!FULL && step >= steps)
			continue;
		float(*to)[4] = s + 2 * step;
#pragma unroll
		for (int l = 0; l < 4; l++)
			to[0][l] = to[1][l] = 0;
#pragma unroll
		for (int d = 0; d < D / 16; d++) {
			uint32_t b[4];
			load_matrices(b, k + step * 16 * (D + 8) + d * 16);
			mma<T>(to[0], w.q[d], b);
			mma<T>(to[1], w.q[d], b + 2);
		}
	}
}

/* Scores beyond the keys are -inf; the bias or the terms are added, `unscale` times. */
template <bool MORE>
DEVICE_FN void mask(const struct attention_relative_arguments &r, const struct head &h, int query,
	int k0, float unscale, float (*s)[4])
{
	int first = k0 + threadIdx.x % 4 * 2, keys = h.n - first, rows = h.n - query;
	auto each = [&](auto f) { /* f(x, row, key), from query and first on */
#pragma unroll
		for (int j = 0; j < KEYS / 8; j++)
#pragma unroll
			for (int l = 0; l < 4; l++)
				f(s[j][l], l / 2 * 8, j * 8 + l % 2);
	};
	if (h.bias || (MORE && r.place))
		each([&](float &x, int row, int key) {
			if (row >= rows || key >= keys)
				return;
			if (h.bias)
				x += unscale * h.bias[first - query + key - row];
			if (MORE && r.place)
				x += unscale * head_terms(r, h, query + row, first + key);
		});
	each([&](float &x, int row, int key) {
		if (MORE ? !head_sees<MORE>(h, query + row, first + key) : key >= keys)
			x = -INFINITY;
	});
}

/* Scores to p, the numerators of the softmax: 2^(c (s - top)). */
template <int D, bool MORE, bool FULL>
DEVICE_FN void numerators(struct sixteen<D> &w, float (*s)[4], int steps, float c)
{
#pragma unroll
	for (int i = 0; i < 2; i++) {
		float most = w.top[i];
#pragma unroll
		for (int j = 0; j < KEYS / 8; j++)
			if (FULL || j / 2 < steps)
				most = fmaxf(most, fmaxf(s[j][2 * i], s[j][2 * i + 1]));
		most = row_maximum(most);
		/* no key in reach yet: p and scale shall be 0 */
		float shift = MORE && most == -INFINITY ? 0 : -c * most;
		float scale = fast_exp2(math_fma(c, w.top[i], shift));
		w.top[i] = most;
#pragma unroll
		for (int j = 0; j < KEYS / 8; j++)
			if (FULL || j / 2 < steps) {
				s[j][2 * i] = fast_exp2(math_fma(c, s[j][2 * i], shift));
				s[j][2 * i + 1] = fast_exp2(math_fma(c, s[j][2 * i + 1], shift));
			}
#pragma unroll
		for (int j = 0; j <= D / 8; j++) {
			w.o[j][2 * i] *= scale;
			w.o[j][2 * i + 1] *= scale;
		}
	}
}

/* o [16, D + 8] += p [v, ones]. */
template <enum dtype T, int D, bool FULL>
DEVICE_FN void values(struct sixteen<D> &w, const float (*s)[4], const uint16_t *vs, int steps)
{
	constexpr uint32_t ONE = T == F16 ? 0x3c00 : 0x3f80,
			   ones[2] = { ONE << 16 | ONE, ONE << 16 | ONE };
	int lane = threadIdx.x % WARP;
	const uint16_t *own = vs + lane % 16 * (D + 8) + lane / 16 * 8;
#pragma unroll
	for (int step = 0; step < STEPS; step++) {
		if (!FULL && step >= steps)
			continue;
		const float(*p)[4] = s + 2 * step;
		uint32_t left[4] = { half_pair<T>(p[0][0], p[0][1]), half_pair<T>(p[0][2], p[0][3]),
			half_pair<T>(p[1][0], p[1][1]), half_pair<T>(p[1][2], p[1][3]) };
#pragma unroll
		for (int j = 0; j < D / 8; j += 2) {
			uint32_t b[4];
			load_transposed(b, own + step * 16 * (D + 8) + j * 8);
			mma<T>(w.o[j], left, b);
			mma<T>(w.o[j + 1], left, b + 2);
		}
		mma<T>(w.o[D / 8], left, ones);
	}
}

template <enum dtype T, int D, bool MORE, bool FULL>
DEVICE_FN void attend_to(const struct attention_relative_arguments &r, const struct head &h,
	int query, int k0, const uint16_t *ks, const uint16_t *vs, int steps, struct sixteen<D> &w)
{
	float s[KEYS / 8][4], scale = r.attention.scale;
	scores<T, D, FULL>(w, ks, steps, s);
	if (h.bias || k0 + (FULL ? KEYS : 16 * steps) > h.n ||
		(MORE && (r.place || !head_sees_all(h, QUERIES, k0, KEYS))))
		mask<MORE>(r, h, query, k0, 1 / scale, s);
	numerators<D, MORE, FULL>(w, s, steps, LOG2_E * scale);
	values<T, D, FULL>(w, s, vs, steps);
}

/* What at most 64 keys from k0 on and their values add to the sixteen from `query` on. */
template <enum dtype T, int D, bool MORE>
DEVICE_FN void attend(const struct attention_relative_arguments &r, const struct head &h, int query,
	int k0, const uint16_t *ks, const uint16_t *vs, struct sixteen<D> &w)
{
	int steps = min(STEPS, (h.end - k0 + 15) / 16);
	if (steps == STEPS)
		attend_to<T, D, MORE, true>(r, h, query, k0, ks, vs, steps, w);
	else
		attend_to<T, D, MORE, false>(r, h, query, k0, ks, vs, steps, w);
}

/* The output of the sixteen from `query` on. */
template <enum dtype T, int D>
DEVICE_FN void give(const struct attention_arguments &a, const struct head &h, int query,
	const struct sixteen<D> &w)
{
	int size = static_cast<int>(a.size);
	bool pairs = a.out_half && size % 2 == 0 && a.out_stride % 2 == 0;
#pragma unroll
	for (int i = 0; i < 2; i++) {
		float inverse = fast_inverse(w.o[D / 8][2 * i]);
		size_t at = (h.first + query + 8 * i) * a.out_stride + h.column;
		if (query + 8 * i >= h.n)
			continue;
#pragma unroll
		for (int j = 0; j < D / 8; j++) {
			int column = j * 8 + threadIdx.x % 4 * 2;
			if (column < size)
				put<T>(a, at + column, w.o[j][2 * i] * inverse,
					w.o[j][2 * i + 1] * inverse, column + 1 < size, pairs);
		}
	}
}

/* Blocks on a processor without spilled registers. */
template <int D, bool SHORT> constexpr int BLOCKS = D <= 32 ? (SHORT ? 5 : 4) : D <= 64 ? 3 : 2;

template <enum dtype T, int D, bool MORE>
static __global__ void __launch_bounds__(THREADS, BLOCKS<D, false>)
	attention_half_kernel(struct attention_relative_arguments r, unsigned parts, bool eights)
{
#if defined TENSOR_CORES
	constexpr int TILE = KEYS * (D + 8);
	const struct attention_arguments &a = r.attention;
	struct head h;
	if (!head_find<MORE>(r, parts, QUERIES, &h))
		return;
	DYNAMIC_SHARED(uint16_t, qs); /* [QUERIES][D + 8]; twice keys, values [KEYS][D + 8] */
	uint16_t *ks = qs + QUERIES * (D + 8);
	int size = static_cast<int>(a.size), lane = threadIdx.x % WARP;
	int first = threadIdx.x / WARP * 16, begin = h.begin / KEYS * KEYS;
	int query = h.first_query + first + lane / 4;
	struct sixteen<D> w = sixteen_new<D>();
	auto from = [&](const uint16_t *x, size_t stride, int row) {
		return source_from<D>(
			x + h.first * stride + h.column, stride, row, h.n, size, eights);
	};
	struct source q = from(a.q_half, a.q_stride, h.first_query);
	struct source k = from(a.k_half, a.k_stride, begin), v = from(a.v_half, a.v_stride, begin);
	bring<D>(qs, &q, size);
	bring<D>(ks, &k, size);
	bring<D>(ks + TILE, &v, size);
	for (int k0 = begin; k0 < h.end; k0 += KEYS) {
		uint16_t *own = ks + (k0 - begin) / KEYS % 2 * 2 * TILE;
		uint16_t *next = ks + 2 * TILE - (own - ks);
		async_wait<0>();
		__syncthreads();
		if (k0 + KEYS < h.end) {
			bring<D>(next, &k, size);
			bring<D>(next + TILE, &v, size);
		}
		if (h.first_query + first >= h.n)
			continue;
#pragma unroll
		for (int d = 0; k0 == begin && d < D / 16; d++)
			load_matrices(w.q[d],
				qs + (first + lane % 16) * (D + 8) + d * 16 + lane / 16 * 8);
		attend<T, D, MORE>(r, h, query, k0, own, own + TILE, w);
	}
	give<T, D>(a, h, query, w);
#endif
}

/* The same bits for sequences of at most 256 tokens whose heads are eights: all keys and values are
 * there before a warp takes one sixteen after the other. */
template <enum dtype T, int D>
static __global__ void __launch_bounds__(THREADS, BLOCKS<D, true>)
	attention_short_kernel(struct attention_relative_arguments r, unsigned parts)
{
#if defined TENSOR_CORES
	const struct attention_arguments &a = r.attention;
	struct head h;
	if (!head_find<false>(r, parts, SHORT_QUERIES, &h))
		return;
	DYNAMIC_SHARED(uint16_t, ks); /* whole sixteens of keys [][D + 8], as many values */
	int size = static_cast<int>(a.size), lane = threadIdx.x % WARP;
	int padded = (h.n + 15) / 16 * 16, end = min(h.n, h.first_query + SHORT_QUERIES);
	uint16_t *vs = ks + padded * (D + 8);
	auto from = [&](const uint16_t *x, size_t stride) {
		return source_from<D>(x + h.first * stride + h.column, stride, 0, h.n, size, true);
	};
	struct source k = from(a.k_half, a.k_stride), v = from(a.v_half, a.v_stride);
	for (int k0 = 0; k0 < h.n; k0 += KEYS) {
		bring<D>(ks + k0 * (D + 8), &k, size, padded - k0);
		bring<D>(vs + k0 * (D + 8), &v, size, padded - k0);
	}
	for (int first = h.first_query; first < end; first += QUERIES) {
		struct sixteen<D> w = sixteen_new<D>();
		int own = first + threadIdx.x / WARP * 16, query = own + lane / 4;
		const uint16_t *q =
			a.q_half + (h.first + query) * a.q_stride + h.column + lane % 4 * 2;
#pragma unroll
		for (int i = 0; i < D / 4; i++) {
			int down = i % 2 * 8, right = i / 2 * 8;
			if (query + down < h.n && right < size)
				w.q[i / 4][i % 4] = *reinterpret_cast<const uint32_t *>(
					q + down * a.q_stride + right);
		}
		if (first == h.first_query) {
			async_wait<0>();
			__syncthreads();
		}
		if (own >= end)
			return;
		for (int k0 = 0; k0 < h.n; k0 += KEYS)
			attend<T, D, false>(
				r, h, query, k0, ks + k0 * (D + 8), vs + k0 * (D + 8), w);
		give<T, D>(a, h, query, w);
	}
#endif
}

/* So many blocks for each head, with `elements` in shared memory, which are at most `most`: what a
 * kernel may have does not change, for other threads start it too. */
template <typename Kernel, typename... More>
static void start(struct lane *lane, Kernel kernel, const struct attention_relative_arguments *r,
	size_t blocks, size_t elements, size_t most, More... more)
{
	dim3 grid(cuda_blocks(blocks, 1), static_cast<unsigned>(r->attention.heads));
	if (!cuda_good(lane,
		    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
			    static_cast<int>(most * sizeof(uint16_t))),
		    "attention"))
		return;
	LAUNCH(kernel, grid, dim3(THREADS), elements * sizeof(uint16_t), lane, *r, more...);
	LAUNCHED(lane, "attention");
}

template <int D, bool MORE>
static void launch(struct lane *lane, const struct attention_relative_arguments *r,
	size_t sequences, size_t longest, bool eights)
{
	constexpr size_t ELEMENTS = (QUERIES + 4 * KEYS) * (D + 8);
	unsigned parts = cuda_blocks(longest, QUERIES);
	auto kernel = r->attention.dtype == F16 ? attention_half_kernel<F16, D, MORE>
						: attention_half_kernel<BF16, D, MORE>;
	start(lane, kernel, r, size_mul(parts, sequences), ELEMENTS, ELEMENTS, parts, eights);
}

template <int D>
static void launch_short(struct lane *lane, const struct attention_relative_arguments *r,
	size_t sequences, size_t longest)
{
	unsigned parts = cuda_blocks(longest, SHORT_QUERIES);
	size_t padded = (longest + 15) / 16 * 16;
	auto kernel = r->attention.dtype == F16 ? attention_short_kernel<F16, D>
						: attention_short_kernel<BF16, D>;
	start(lane, kernel, r, size_mul(parts, sequences), 2 * padded * (D + 8),
		2 * SHORT_KEYS * (D + 8), parts);
}

/* q, k and v as halves: where they are columns of one matrix beside each other all at once. */
static void round_factors(struct lane *lane, struct attention_arguments *a, size_t tokens)
{
	size_t c = a->heads * a->size;
	bool beside = a->k == a->q + c && a->v == a->k + c && a->k_stride == a->q_stride &&
		      a->v_stride == a->q_stride;
	size_t width = eights_of((beside ? 3 : 1) * c) * 8;
	a->q_half =
		cuda_half_rows(lane, a->dtype, NULL, a->q, a->q_stride, tokens, beside ? 3 * c : c);
	a->k_half = beside ? a->q_half + c
			   : cuda_half_rows(lane, a->dtype, NULL, a->k, a->k_stride, tokens, c);
	a->v_half = beside ? a->k_half + c
			   : cuda_half_rows(lane, a->dtype, NULL, a->v, a->v_stride, tokens, c);
	a->q_stride = a->k_stride = a->v_stride = width;
}

bool cuda_attention_half(struct lane *lane, const struct attention_relative_arguments *given,
	bool more, size_t sequences, size_t longest, size_t tokens)
{
	struct attention_relative_arguments r = *given;
	struct attention_arguments &a = r.attention;
	size_t size = a.size;
	if (!cuda_half_native(lane) || size > 128 || !(a.scale > 0))
		return false;
	if (!a.q_half)
		round_factors(lane, &a, tokens);
	bool eights = size % 8 == 0 && by_eights(a.q_half, a.q_stride) &&
		      by_eights(a.k_half, a.k_stride) && by_eights(a.v_half, a.v_stride);
	if (more)
		(size <= 64 ? launch<64, true> : launch<128, true>)(lane, &r, sequences, longest,
			eights);
	else if (eights && longest <= SHORT_KEYS && size <= 64)
		(size <= 32 ? launch_short<32> : launch_short<64>)(lane, &r, sequences, longest);
	else
		(size <= 32          ? launch<32, false>
			: size <= 64 ? launch<64, false>
			: size <= 96 ? launch<96, false>
				     : launch<128, false>)(lane, &r, sequences, longest, eights);
	return true;
}
