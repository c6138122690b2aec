/*
 * attention.cu: attention over packed sequences (ops.h) without materialised scores, in two passes
 * over the keys: the first finds each query's maximum, the second computes the scores again (the
 * same chains, so the same bits), takes the exponential, adds it to lane key mod 16, and chains P V
 * in order of the keys, blocks of 256 added in order.
 *
 * A block has 64 queries of a head and 256 threads; 64 keys pass at a time. Thread (ty, tx) has the
 * queries 4 ty … and the keys tx + 16 j, so that a thread's lane of the sum is its tx, and the
 * output's columns tx + 16 j. Keys and then values stand in the same shared memory. Of keys out of
 * reach only those pass that stand beside keys in reach of the block; their p is -1, and left out.
 * Heads of up to 128; larger ones, and those that a card's shared memory does not hold, go a query
 * a block, with the threads over keys and then over columns.
 */
#include "gpu/cuda/attention.h"
#include "gpu/cuda/lanes.h"

constexpr int QUERIES = 64, KEYS = 64, THREADS = 256, PAD = QUERIES + 4, OWN = 4;

/* The sums of the sixteen lanes of each query, chunk after chunk (at most 2^24 keys). */
struct lanes_of {
	float chunk[OWN], all[OWN];
};

DEVICE_FN void end_chunk(struct lanes_of *l, int chunk, int tx)
{
#pragma unroll
	for (int i = 0; i < OWN; i++) {
		float sum = lanes_tree(l->chunk[i]);
		l->all[i] = chunk % LANES == tx ? l->all[i] + sum : l->all[i];
		l->chunk[i] = 0;
	}
}

/* KEYS rows of k or v from key k0 on, transposed (keys) or as they are (values); the last row again
 * beyond the end. */
template <int D, bool TRANSPOSED>
DEVICE_FN void bring(
	float *to, const float *from, size_t stride, int k0, const struct head &h, int size)
{
	for (int i = threadIdx.x; i < KEYS * D; i += THREADS) {
		int r = i / D, d = i % D;
		int key = min(k0 + r, h.n - 1);
		float x = d < size ? from[key * stride + d] : 0;
		to[TRANSPOSED ? d * (KEYS + 1) + r : i] = x;
	}
}

/* The scores of this thread's queries and keys; D columns, of which only `size` are real. */
template <int D> DEVICE_FN void scores(const float *qs, const float *ks, int size, float (*s)[OWN])
{
	int tx = threadIdx.x % LANES, ty = threadIdx.x / LANES;
#pragma unroll
	for (int i = 0; i < OWN; i++)
#pragma unroll
		for (int j = 0; j < OWN; j++)
			s[i][j] = 0;
#pragma unroll 8
	for (int d = 0; d < size; d++) {
		float4 a = *reinterpret_cast<const float4 *>(qs + d * PAD + OWN * ty);
		const float *b = ks + d * (KEYS + 1) + tx;
#pragma unroll
		for (int j = 0; j < OWN; j++) {
			float key = b[LANES * j];
			s[0][j] = math_fma(a.x, key, s[0][j]);
			s[1][j] = math_fma(a.y, key, s[1][j]);
			s[2][j] = math_fma(a.z, key, s[2][j]);
			s[3][j] = math_fma(a.w, key, s[3][j]);
		}
	}
}

/* add(query, key) to the scores of those that are there. */
template <typename Add>
DEVICE_FN void add_distance(const struct head &h, int query, int k0, float (*s)[OWN], Add add)
{
	int tx = threadIdx.x % LANES;
	for (int i = 0; i < OWN; i++)
		for (int j = 0; j < OWN; j++) {
			int key = k0 + tx + LANES * j;
			if (key < h.n && query + i < h.n)
				s[i][j] = s[i][j] + add(query + i, key);
		}
}

/* qs [D][PAD]: the block's queries, scaled, transposed; the last row again beyond the end. */
template <int D>
DEVICE_FN void bring_queries(float *qs, const struct attention_arguments &a, const struct head &h)
{
	int size = static_cast<int>(a.size);
	for (int i = threadIdx.x; i < QUERIES * D; i += THREADS) {
		int r = i / D, d = i % D;
		int row = min(h.first_query + r, h.n - 1);
		qs[d * PAD + r] = d < size ? h.q[row * a.q_stride + d] * a.scale : 0;
	}
}

/* The scores of keys from k0 on, which come into kv [D][KEYS + 1] first. */
template <int D, bool MORE>
DEVICE_FN void score_keys(const float *qs, float *kv, const struct attention_relative_arguments &r,
	const struct head &h, int query, int k0, float (*s)[OWN])
{
	const struct attention_arguments &a = r.attention;
	int size = static_cast<int>(a.size);
	__syncthreads();
	bring<D, true>(kv, h.k, a.k_stride, k0, h, size);
	__syncthreads();
	scores<D>(qs, kv, size, s);
	if (h.bias)
		add_distance(h, query, k0, s, [&](int i, int key) { return h.bias[key - i]; });
	if (MORE && r.place)
		add_distance(
			h, query, k0, s, [&](int i, int key) { return head_terms(r, h, i, key); });
}

/* Pass one: the largest score of each query of this thread. */
template <int D, bool MORE>
DEVICE_FN void find_top(const float *qs, float *kv, const struct attention_relative_arguments &r,
	const struct head &h, int query, float *top)
{
	int tx = threadIdx.x % LANES;
	float s[OWN][OWN];
#pragma unroll
	for (int i = 0; i < OWN; i++)
		top[i] = -INFINITY;
	for (int k0 = h.begin / KEYS * KEYS; k0 < h.end; k0 += KEYS) {
		score_keys<D, MORE>(qs, kv, r, h, query, k0, s);
#pragma unroll
		for (int j = 0; j < OWN; j++)
#pragma unroll
			for (int i = 0; i < OWN; i++)
				if (head_sees<MORE>(h, query + i, k0 + tx + LANES * j))
					top[i] = s[i][j] > top[i] ? s[i][j] : top[i];
	}
#pragma unroll
	for (int i = 0; i < OWN; i++) {
		for (int w = LANES / 2; w; w /= 2) {
			float other = __shfl_xor_sync(ALL, top[i], w, LANES);
			top[i] = other > top[i] ? other : top[i];
		}
		top[i] = top[i] + 0.0f;
	}
}

/* ps [KEYS][PAD] = exp(s - top), added to the lanes; -1 for keys out of reach. */
template <bool MORE>
DEVICE_FN void weigh(float *ps, float (*s)[OWN], const float *top, const struct head &h, int query,
	int k0, struct lanes_of *lanes)
{
	int tx = threadIdx.x % LANES, ty = threadIdx.x / LANES;
#pragma unroll
	for (int j = 0; j < OWN; j++)
#pragma unroll
		for (int i = 0; i < OWN; i++) {
			float p = math_exp_neg(s[i][j] - top[i]);
			if (head_sees<MORE>(h, query + i, k0 + tx + LANES * j))
				lanes->chunk[i] = lanes->chunk[i] + p;
			else if (MORE)
				p = -1;
			ps[(tx + LANES * j) * PAD + OWN * ty + i] = p;
		}
	if ((k0 + KEYS) % LANES_CHUNK == 0 || k0 + KEYS >= h.end)
		end_chunk(lanes, k0 / LANES_CHUNK, tx);
}

/* The product P V: what its block of keys has come to, and the blocks before. */
template <int D> struct output {
	enum { COLUMNS = D / LANES };
	float block[OWN][COLUMNS], total[OWN][COLUMNS];
};

/* p of KEYS keys by their values; SOME: but for those whose p is -1. */
template <int D, bool SOME>
DEVICE_FN void add_values(
	struct output<D> *o, const float *ps, const float *vs, const struct head &h, int k0)
{
	enum { COLUMNS = D / LANES };
	int tx = threadIdx.x % LANES, ty = threadIdx.x / LANES;
	int end = min(h.end - k0, KEYS);
#pragma unroll 4
	for (int k = 0; k < end; k++) {
		float4 p = *reinterpret_cast<const float4 *>(ps + k * PAD + OWN * ty);
#pragma unroll
		for (int c = 0; c < COLUMNS; c++) {
			float v = vs[k * D + tx + LANES * c];
			if (!SOME || p.x != -1)
				o->block[0][c] = math_fma(p.x, v, o->block[0][c]);
			if (!SOME || p.y != -1)
				o->block[1][c] = math_fma(p.y, v, o->block[1][c]);
			if (!SOME || p.z != -1)
				o->block[2][c] = math_fma(p.z, v, o->block[2][c]);
			if (!SOME || p.w != -1)
				o->block[3][c] = math_fma(p.w, v, o->block[3][c]);
		}
	}
}

/* At the end of a block of keys: it is added to those before, if the query sees a key of it. */
template <int D, bool MORE>
DEVICE_FN void end_block(struct output<D> *o, const struct head &h, int query, int k0)
{
	if ((k0 + KEYS) % BLOCK_K != 0 && k0 + KEYS < h.end)
		return;
#pragma unroll
	for (int i = 0; i < OWN; i++) {
		int start = k0 / BLOCK_K * BLOCK_K;
		bool first = k0 < BLOCK_K || (MORE && start <= query + i - h.reach);
		bool seen = !MORE || start <= query + i + h.reach;
#pragma unroll
		for (int c = 0; c < D / LANES; c++) {
			if (seen)
				o->total[i][c] =
					first ? o->block[i][c] : o->total[i][c] + o->block[i][c];
			o->block[i][c] = 0;
		}
	}
}

/* D: the head's size rounded up to sixteens. */
template <int D, bool MORE>
static __global__ void __launch_bounds__(THREADS)
	attention_kernel(struct attention_relative_arguments r, unsigned parts)
{
	enum { COLUMNS = D / LANES };
	const struct attention_arguments &a = r.attention;
	struct head h;
	if (!head_find<MORE>(r, parts, QUERIES, &h))
		return;
	head_floats(a, &h);
	DYNAMIC_SHARED(float, qs); /* [D][PAD]; ks [D][KEYS + 1] or vs [KEYS][D]; ps [KEYS][PAD] */
	float *kv = qs + D * PAD, *ps = kv + D * (KEYS + 1), s[OWN][OWN], top[OWN];
	int size = static_cast<int>(a.size), tx = threadIdx.x % LANES, ty = threadIdx.x / LANES;
	int query = h.first_query + OWN * ty;
	struct lanes_of lanes = {};
	struct output<D> o = {};
	bring_queries<D>(qs, a, h);
	find_top<D, MORE>(qs, kv, r, h, query, top);
	for (int k0 = h.begin / KEYS * KEYS; k0 < h.end; k0 += KEYS) {
		score_keys<D, MORE>(qs, kv, r, h, query, k0, s);
		weigh<MORE>(ps, s, top, h, query, k0, &lanes);
		__syncthreads();
		bring<D, false>(kv, h.v, a.v_stride, k0, h, size);
		__syncthreads();
		if (MORE && !head_sees_all(h, QUERIES, k0, KEYS))
			add_values<D, true>(&o, ps, kv, h, k0);
		else
			add_values<D, false>(&o, ps, kv, h, k0);
		end_block<D, MORE>(&o, h, query, k0);
	}
#pragma unroll
	for (int i = 0; i < OWN; i++) {
		float sum = lanes_tree(lanes.all[i]);
		if (query + i >= h.n)
			continue;
#pragma unroll
		for (int c = 0; c < COLUMNS; c++)
			if (tx + LANES * c < size)
				h.out[(query + i) * a.out_stride + tx + LANES * c] =
					o.total[i][c] / sum;
	}
}

/* --- a query a block --- */

/* The score of the scaled query and a key. */
DEVICE_FN float score(const struct attention_relative_arguments &r, const struct head &h, int key)
{
	const struct attention_arguments &a = r.attention;
	const float *q = h.q + h.first_query * a.q_stride, *k = h.k + key * a.k_stride;
	float total = 0;
	for (size_t b = 0; b < a.size; b += BLOCK_K) {
		size_t end = a.size - b < BLOCK_K ? a.size : b + BLOCK_K;
		float s = 0;
		for (size_t d = b; d < end; d++)
			s = math_fma(q[d] * a.scale, k[d], s);
		total = b ? total + s : s;
	}
	if (h.bias)
		total = total + h.bias[key - h.first_query];
	return r.place ? total + head_terms(r, h, h.first_query, key) : total;
}

/* Keys pass 256 at a time, a thread a key, which is a block of the product P V too; the first
 * sixteen threads hold the lanes. Columns beyond the threads' number take further turns, each with
 * the keys anew. */
static __global__ void __launch_bounds__(THREADS)
	attention_long_kernel(struct attention_relative_arguments r, unsigned parts)
{
	static_assert(THREADS == BLOCK_K);
	const struct attention_arguments &a = r.attention;
	__shared__ float p[THREADS], best[THREADS], sum;
	struct head h;
	if (!head_find<true>(r, parts, 1, &h))
		return;
	head_floats(r.attention, &h);
	float top = -INFINITY;
	for (int key = h.begin + threadIdx.x; key < h.end; key += THREADS) {
		float s = score(r, h, key);
		top = s > top ? s : top;
	}
	best[threadIdx.x] = top;
	__syncthreads();
	for (int i = 0; i < THREADS; i++)
		top = best[i] > top ? best[i] : top;
	top = top + 0.0f;
	int k_first = h.begin / THREADS * THREADS;
	for (size_t first = 0; first < a.size; first += THREADS) {
		size_t column = first + threadIdx.x;
		float total = 0, lane = 0, level1 = 0;
		for (int k0 = k_first; k0 < h.end; k0 += THREADS) {
			int key = k0 + threadIdx.x, begin = max(h.begin - k0, 0),
			    end = min(h.end - k0, THREADS);
			__syncthreads();
			p[threadIdx.x] = key >= h.begin && key < h.end
						 ? math_exp_neg(score(r, h, key) - top)
						 : 0;
			__syncthreads();
			if (threadIdx.x < WARP) {
				for (int i = threadIdx.x % LANES; i < end; i += LANES)
					lane = lane + p[i];
				if ((k0 + THREADS) % LANES_CHUNK == 0 || k0 + THREADS >= h.end) {
					float chunk = lanes_tree(lane);
					unsigned own = k0 / LANES_CHUNK % LANES;
					if (own == threadIdx.x % LANES)
						level1 = level1 + chunk;
					lane = 0;
				}
			}
			float s = 0;
			for (int i = begin; i < end && column < a.size; i++)
				s = math_fma(p[i], h.v[(k0 + i) * a.v_stride + column], s);
			total = k0 > k_first ? total + s : s;
		}
		if (threadIdx.x < WARP) {
			level1 = lanes_tree(level1);
			if (threadIdx.x == 0)
				sum = level1;
		}
		__syncthreads();
		if (column < a.size)
			h.out[h.first_query * a.out_stride + column] = total / sum;
	}
}

template <int D, bool MORE>
static bool launch(
	struct lane *lane, const struct attention_relative_arguments *r, dim3 grid, unsigned parts)
{
	size_t bytes = sizeof(float) * (D * PAD + D * (KEYS + 1) + KEYS * PAD);
	auto kernel = attention_kernel<D, MORE>;
	if (bytes > cuda_shared(lane))
		return false;
	if (!cuda_good(lane,
		    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
			    static_cast<int>(bytes)),
		    "attention"))
		return true;
	LAUNCH(kernel, grid, dim3(THREADS), bytes, lane, *r, parts);
	LAUNCHED(lane, "attention");
	return true;
}

/* Of the sizes that few models with a reach or terms have, only some are compiled. */
static bool launch_size(struct lane *lane, const struct attention_relative_arguments *r, bool more,
	dim3 grid, unsigned parts)
{
	size_t size = r->attention.size;
	if (more)
		return size <= 32    ? launch<32, true>(lane, r, grid, parts)
		       : size <= 64  ? launch<64, true>(lane, r, grid, parts)
		       : size <= 128 ? launch<128, true>(lane, r, grid, parts)
				     : false;
	return size <= 16    ? launch<16, false>(lane, r, grid, parts)
	       : size <= 32  ? launch<32, false>(lane, r, grid, parts)
	       : size <= 64  ? launch<64, false>(lane, r, grid, parts)
	       : size <= 96  ? launch<96, false>(lane, r, grid, parts)
	       : size <= 128 ? launch<128, false>(lane, r, grid, parts)
			     : false;
}

static void by_floats(struct lane *lane, const struct attention_relative_arguments *r,
	size_t sequences, size_t longest)
{
	const struct attention_arguments *a = &r->attention;
	unsigned parts = cuda_blocks(longest, QUERIES);
	dim3 grid(cuda_blocks(size_mul(parts, sequences), 1), static_cast<unsigned>(a->heads));
	if (launch_size(lane, r, r->place || a->reach + 1 < longest, grid, parts))
		return;
	grid.x = cuda_blocks(size_mul(longest, sequences), 1);
	LAUNCH(attention_long_kernel, grid, dim3(THREADS), 0, lane, *r,
		static_cast<unsigned>(longest));
	LAUNCHED(lane, "attention");
}

/* By floats, and of halves whose heads are too large for attention_half.cu by their floats. */
static void widened(struct lane *lane, struct attention_relative_arguments r, size_t sequences,
	size_t longest, size_t tokens)
{
	struct attention_arguments &a = r.attention;
	size_t c = a.heads * a.size;
	if (a.q_half) {
		a.q = cuda_half_floats(lane, a.dtype, a.q_half, a.q_stride, tokens, c);
		a.k = cuda_half_floats(lane, a.dtype, a.k_half, a.k_stride, tokens, c);
		a.v = cuda_half_floats(lane, a.dtype, a.v_half, a.v_stride, tokens, c);
		a.q_stride = a.k_stride = a.v_stride = c;
	}
	if (a.out_half) {
		a.out = cuda_floats(lane, size_mul(tokens, c));
		a.out_stride = c;
	}
	by_floats(lane, &r, sequences, longest);
	if (a.out_half && a.out)
		(void)cuda_half_rows(lane, a.dtype, a.out_half, a.out, c, tokens, c);
}

/* Of n heads of sequences; arguments of either operation. */
static void attend(struct lane *lane, struct attention_relative_arguments r, size_t n)
{
	struct attention_arguments &a = r.attention;
	size_t sequences = n / a.heads, longest = 0, tokens = a.cu_seqlens[sequences];
	bool more = r.place || a.reach != SIZE_MAX;
	for (size_t b = 0; b < sequences; b++) {
		size_t length = a.cu_seqlens[b + 1] - a.cu_seqlens[b];
		longest = length > longest ? length : longest;
	}
	CHECK(longest <= (size_t)1 << 24 && a.heads <= UINT16_MAX);
	if (longest == 0)
		return;
	struct arena_mark mark = cuda_arena_mark(lane);
	a.reach = a.reach < longest ? a.reach : longest;
	a.cu_seqlens = STAGE(lane, a.cu_seqlens, sequences + 1);
	if (r.place)
		r.place = STAGE(lane, r.place - (longest - 1), 2 * longest - 1);
	r.place = r.place ? r.place + (longest - 1) : NULL;
	if (!cuda_failed(lane) && (a.dtype == F32 || !cuda_attention_half(lane, &r, more, sequences,
								longest, tokens)))
		widened(lane, r, sequences, longest, tokens);
	cuda_arena_reset(lane, mark);
}

CUDA_KERNEL(attention)
{
	struct attention_relative_arguments r = {};
	r.attention = *static_cast<const struct attention_arguments *>(arguments);
	attend(lane, r, n);
}

CUDA_KERNEL(attention_relative)
{
	attend(lane, *static_cast<const struct attention_relative_arguments *>(arguments), n);
}
