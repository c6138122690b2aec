/*
 * attention.cu: attention over packed sequences (ops.h) without materialised scores, in two passes
 * over the keys: the first finds each query's maximum, the second computes the scores again (the
 * same chains, so the same bits), takes the exponential, adds it to lane key mod 16, and chains P V
 * in order of the keys, blocks of 256 added in order.
 *
 * A block has 64 queries of a head and 256 threads; 64 keys pass at a time. Thread (ty, tx) has the
 * queries 4 ty … and the keys tx + 16 j, so that a thread's lane of the sum is its tx, and the
 * output's columns tx + 16 j. Keys and then values stand in the same shared memory. Heads of up to
 * 128; larger ones, and those that a card's shared memory does not hold, go a query a block, with
 * the threads over keys and then over columns.
 */
#include "gpu/cuda/attention.h"
#include "gpu/cuda/lanes.h"

constexpr int QUERIES = 64, KEYS = 64, THREADS = 256, PAD = QUERIES + 4, OWN = 4;

/* The sums of the sixteen lanes of each query, chunk after chunk (at most 2^24 keys). */
struct lanes_of {
	float chunk[OWN], all[OWN];
};

DEVICE_FN void end_chunk(struct lanes_of *l, size_t chunk, int tx)
{
#pragma unroll
	for (int i = 0; i < OWN; i++) {
		float sum = lanes_tree(l->chunk[i]);
		l->all[i] = static_cast<int>(chunk % LANES) == tx ? l->all[i] + sum : l->all[i];
		l->chunk[i] = 0;
	}
}

/* KEYS rows of k or v from key k0 on, transposed (keys) or as they are (values); the last row again
 * beyond the end. */
template <int D, bool TRANSPOSED>
DEVICE_FN void bring(
	float *to, const float *from, size_t stride, size_t k0, const struct head &h, int size)
{
	for (int i = threadIdx.x; i < KEYS * D; i += THREADS) {
		int r = i / D, d = i % D;
		size_t key = k0 + r < h.n ? k0 + r : h.n - 1;
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

DEVICE_FN void add_bias(const struct head &h, size_t query, size_t k0, float (*s)[OWN])
{
	int tx = threadIdx.x % LANES;
	for (int i = 0; i < OWN; i++)
		for (int j = 0; j < OWN; j++) {
			size_t key = k0 + tx + LANES * j;
			if (key < h.n && query + i < h.n)
				s[i][j] = s[i][j] + h.bias[static_cast<ptrdiff_t>(key) -
							    static_cast<ptrdiff_t>(query + i)];
		}
}

/* qs [D][PAD]: the block's queries, scaled, transposed; the last row again beyond the end. */
template <int D>
DEVICE_FN void bring_queries(float *qs, const struct attention_arguments &a, const struct head &h)
{
	int size = static_cast<int>(a.size);
	for (int i = threadIdx.x; i < QUERIES * D; i += THREADS) {
		int r = i / D, d = i % D;
		size_t row = h.first_query + r < h.n ? h.first_query + r : h.n - 1;
		qs[d * PAD + r] = d < size ? h.q[row * a.q_stride + d] * a.scale : 0;
	}
}

/* The scores of keys from k0 on, which come into kv [D][KEYS + 1] first. */
template <int D>
DEVICE_FN void score_keys(const float *qs, float *kv, const struct attention_arguments &a,
	const struct head &h, size_t query, size_t k0, float (*s)[OWN])
{
	int size = static_cast<int>(a.size);
	__syncthreads();
	bring<D, true>(kv, h.k, a.k_stride, k0, h, size);
	__syncthreads();
	scores<D>(qs, kv, size, s);
	if (h.bias)
		add_bias(h, query, k0, s);
}

/* Pass one: the largest score of each query of this thread. */
template <int D>
DEVICE_FN void find_top(const float *qs, float *kv, const struct attention_arguments &a,
	const struct head &h, size_t query, float *top)
{
	int tx = threadIdx.x % LANES;
	float s[OWN][OWN];
#pragma unroll
	for (int i = 0; i < OWN; i++)
		top[i] = -INFINITY;
	for (size_t k0 = 0; k0 < h.n; k0 += KEYS) {
		score_keys<D>(qs, kv, a, h, query, k0, s);
#pragma unroll
		for (int j = 0; j < OWN; j++)
#pragma unroll
			for (int i = 0; i < OWN; i++)
				if (k0 + tx + LANES * j < h.n)
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

/* ps [KEYS][PAD] = exp(s - top), added to the lanes. */
DEVICE_FN void weigh(float *ps, float (*s)[OWN], const float *top, const struct head &h, size_t k0,
	struct lanes_of *lanes)
{
	int tx = threadIdx.x % LANES, ty = threadIdx.x / LANES;
#pragma unroll
	for (int j = 0; j < OWN; j++)
#pragma unroll
		for (int i = 0; i < OWN; i++) {
			float p = math_exp_neg(s[i][j] - top[i]);
			if (k0 + tx + LANES * j < h.n)
				lanes->chunk[i] = lanes->chunk[i] + p;
			ps[(tx + LANES * j) * PAD + OWN * ty + i] = p;
		}
	if ((k0 + KEYS) % LANES_CHUNK == 0 || k0 + KEYS >= h.n)
		end_chunk(lanes, k0 / LANES_CHUNK, tx);
}

/* The product P V: what its block of keys has come to, and the blocks before. */
template <int D> struct output {
	enum { COLUMNS = D / LANES };
	float block[OWN][COLUMNS], total[OWN][COLUMNS];
};

template <int D>
DEVICE_FN void add_values(
	struct output<D> *o, const float *ps, const float *vs, const struct head &h, size_t k0)
{
	enum { COLUMNS = D / LANES };
	int tx = threadIdx.x % LANES, ty = threadIdx.x / LANES;
	int end = h.n - k0 < KEYS ? static_cast<int>(h.n - k0) : KEYS;
#pragma unroll 4
	for (int k = 0; k < end; k++) {
		float4 p = *reinterpret_cast<const float4 *>(ps + k * PAD + OWN * ty);
#pragma unroll
		for (int c = 0; c < COLUMNS; c++) {
			float v = vs[k * D + tx + LANES * c];
			o->block[0][c] = math_fma(p.x, v, o->block[0][c]);
			o->block[1][c] = math_fma(p.y, v, o->block[1][c]);
			o->block[2][c] = math_fma(p.z, v, o->block[2][c]);
			o->block[3][c] = math_fma(p.w, v, o->block[3][c]);
		}
	}
	if ((k0 + KEYS) % BLOCK_K != 0 && k0 + KEYS < h.n)
		return;
#pragma unroll
	for (int i = 0; i < OWN; i++)
#pragma unroll
		for (int c = 0; c < COLUMNS; c++) {
			o->total[i][c] =
				k0 < BLOCK_K ? o->block[i][c] : o->total[i][c] + o->block[i][c];
			o->block[i][c] = 0;
		}
}

/* D: the head's size rounded up to sixteens. */
template <int D>
static __global__ void __launch_bounds__(THREADS)
	attention_kernel(struct attention_arguments a, size_t parts)
{
	enum { COLUMNS = D / LANES };
	struct head h;
	if (!head_find(a, parts, QUERIES, &h))
		return;
	DYNAMIC_SHARED(float, qs); /* [D][PAD]; ks [D][KEYS + 1] or vs [KEYS][D]; ps [KEYS][PAD] */
	float *kv = qs + D * PAD, *ps = kv + D * (KEYS + 1), s[OWN][OWN], top[OWN];
	int size = static_cast<int>(a.size), tx = threadIdx.x % LANES, ty = threadIdx.x / LANES;
	size_t query = h.first_query + OWN * ty;
	struct lanes_of lanes = {};
	struct output<D> o = {};
	bring_queries<D>(qs, a, h);
	find_top<D>(qs, kv, a, h, query, top);
	for (size_t k0 = 0; k0 < h.n; k0 += KEYS) {
		score_keys<D>(qs, kv, a, h, query, k0, s);
		weigh(ps, s, top, h, k0, &lanes);
		__syncthreads();
		bring<D, false>(kv, h.v, a.v_stride, k0, h, size);
		__syncthreads();
		add_values<D>(&o, ps, kv, h, k0);
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

/* What a query and a key say of their distance (op_attention_relative); query NULL: nothing. */
struct terms {
	const float *query, *key;
	size_t query_stride, key_stride, places, parts; /* parts: blocks of a sequence */
	const int32_t *place; /* of distance 0 */
};

DEVICE_FN float of_distance(
	const struct attention_arguments &a, const struct terms &t, const struct head &h, size_t key)
{
	size_t first = a.cu_seqlens[blockIdx.x / t.parts], at = blockIdx.y * t.places;
	size_t p = at + t.place[static_cast<ptrdiff_t>(h.first_query) - static_cast<ptrdiff_t>(key)];
	return t.query[(first + h.first_query) * t.query_stride + p] +
	       t.key[(first + key) * t.key_stride + p];
}

/* The score of the scaled query and a key. */
DEVICE_FN float score(const struct attention_arguments &a, const struct terms &t,
	const struct head &h, size_t key)
{
	const float *q = h.q + h.first_query * a.q_stride, *k = h.k + key * a.k_stride;
	float total = 0;
	for (size_t b = 0; b < a.size; b += BLOCK_K) {
		size_t end = a.size - b < BLOCK_K ? a.size : b + BLOCK_K;
		float s = 0;
		for (size_t d = b; d < end; d++)
			s = math_fma(q[d] * a.scale, k[d], s);
		total = b ? total + s : s;
	}
	if (t.query)
		return total + of_distance(a, t, h, key);
	if (!h.bias)
		return total;
	return total + h.bias[static_cast<ptrdiff_t>(key) - static_cast<ptrdiff_t>(h.first_query)];
}

/* Keys pass 256 at a time, a thread a key, which is a block of the product P V too; the first
 * sixteen threads hold the lanes. Columns beyond the threads' number take further turns, each with
 * the keys anew. */
static __global__ void __launch_bounds__(THREADS)
	attention_long_kernel(struct attention_arguments a, struct terms terms, size_t parts)
{
	__shared__ float p[THREADS], best[THREADS], sum;
	struct head h;
	if (!head_find(a, parts, 1, &h))
		return;
	float top = -INFINITY;
	for (size_t key = threadIdx.x; key < h.n; key += THREADS) {
		float s = score(a, terms, h, key);
		top = s > top ? s : top;
	}
	best[threadIdx.x] = top;
	__syncthreads();
	for (int i = 0; i < THREADS; i++)
		top = best[i] > top ? best[i] : top;
	top = top + 0.0f;
	for (size_t first = 0; first < a.size; first += THREADS) {
		size_t column = first + threadIdx.x;
		float total = 0, lane = 0, level1 = 0;
		for (size_t k0 = 0; k0 < h.n; k0 += THREADS) {
			size_t key = k0 + threadIdx.x,
			       end = h.n - k0 < THREADS ? h.n - k0 : THREADS;
			__syncthreads();
			p[threadIdx.x] = key < h.n ? math_exp_neg(score(a, terms, h, key) - top) : 0;
			__syncthreads();
			if (threadIdx.x < WARP) {
				for (size_t i = threadIdx.x % LANES; i < end; i += LANES)
					lane = lane + p[i];
				if ((k0 + THREADS) % LANES_CHUNK == 0 || k0 + THREADS >= h.n) {
					float chunk = lanes_tree(lane);
					if (k0 / LANES_CHUNK % LANES == threadIdx.x % LANES)
						level1 = level1 + chunk;
					lane = 0;
				}
			}
			float s = 0;
			for (size_t i = 0; i < end && column < a.size; i++)
				s = math_fma(p[i], h.v[(k0 + i) * a.v_stride + column], s);
			total = k0 ? total + s : s;
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

template <int D>
static bool launch(struct lane *lane, const struct attention_arguments *a, dim3 grid, size_t parts)
{
	size_t bytes = sizeof(float) * (D * PAD + D * (KEYS + 1) + KEYS * PAD);
	auto kernel = attention_kernel<D>;
	if (bytes > cuda_shared(lane))
		return false;
	if (!cuda_good(lane,
		    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
			    static_cast<int>(bytes)),
		    "attention"))
		return true;
	LAUNCH(kernel, grid, dim3(THREADS), bytes, lane, *a, parts);
	LAUNCHED(lane, "attention");
	return true;
}

CUDA_KERNEL(attention)
{
	struct attention_arguments a = *static_cast<const struct attention_arguments *>(arguments);
	size_t sequences = n / a.heads, longest = 0;
	for (size_t b = 0; b < sequences; b++) {
		size_t length = a.cu_seqlens[b + 1] - a.cu_seqlens[b];
		longest = length > longest ? length : longest;
	}
	CHECK(longest <= (size_t)1 << 24 && a.heads <= UINT16_MAX);
	a.cu_seqlens = STAGE(lane, a.cu_seqlens, sequences + 1);
	if (cuda_failed(lane) || longest == 0)
		return;
	if (a.dtype != F32 && cuda_attention_half(lane, &a, sequences, longest))
		return;
	size_t parts = (longest + QUERIES - 1) / QUERIES;
	unsigned heads = static_cast<unsigned>(a.heads);
	dim3 grid(cuda_blocks(size_mul(parts, sequences), 1), heads);
	bool done = a.size <= 16    ? launch<16>(lane, &a, grid, parts)
		    : a.size <= 32  ? launch<32>(lane, &a, grid, parts)
		    : a.size <= 64  ? launch<64>(lane, &a, grid, parts)
		    : a.size <= 96  ? launch<96>(lane, &a, grid, parts)
		    : a.size <= 128 ? launch<128>(lane, &a, grid, parts)
				    : false;
	if (done)
		return;
	grid.x = cuda_blocks(size_mul(longest, sequences), 1);
	struct terms none = {};
	LAUNCH(attention_long_kernel, grid, dim3(THREADS), 0, lane, a, none, longest);
	LAUNCHED(lane, "attention");
}

/* A query a block, whatever the heads' size. */
CUDA_KERNEL(attention_relative)
{
	auto r = static_cast<const struct attention_relative_arguments *>(arguments);
	struct attention_arguments a = r->attention;
	size_t sequences = n / a.heads, longest = 0;
	for (size_t b = 0; b < sequences; b++) {
		size_t length = a.cu_seqlens[b + 1] - a.cu_seqlens[b];
		longest = length > longest ? length : longest;
	}
	CHECK(longest <= (size_t)1 << 24 && a.heads <= UINT16_MAX);
	if (longest == 0)
		return;
	struct terms t = { r->query_terms, r->key_terms, r->query_terms_stride,
		r->key_terms_stride, r->places, longest, r->place - (longest - 1) };
	t.place = STAGE(lane, t.place, 2 * longest - 1);
	a.cu_seqlens = STAGE(lane, a.cu_seqlens, sequences + 1);
	if (cuda_failed(lane))
		return;
	t.place += longest - 1;
	dim3 grid(cuda_blocks(size_mul(longest, sequences), 1), static_cast<unsigned>(a.heads));
	LAUNCH(attention_long_kernel, grid, dim3(THREADS), 0, lane, a, t, longest);
	LAUNCHED(lane, "attention_relative");
}
