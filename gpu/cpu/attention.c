/*
 * attention.c: attention of one head over one sequence (ops.h). K is laid out in panels and V side
 * by side once a head; then 24 queries at a time: their scores (24 by the keys that one of them
 * sees) stay in the first- or second-level cache through product, maximum, exponential, sum and the
 * product with V, in which queries that see the same keys go together.
 */
#include "gpu/cpu/lanes.h"
#include "gpu/cpu/tile.h"

enum { QUERIES = 24 };

struct head {
	size_t n, wide, reach; /* keys; rounded up to panels */
	size_t size, padded; /* of the head; rounded up to vectors */
	const float *q, *bias;	/* bias: of distance 0, or NULL */
	float *out, *keys, *values, *scaled, *scores, *sums;
	const float *query_terms, *key_terms; /* of the head's first place, or NULL */
	size_t query_terms_stride, key_terms_stride;
	const int32_t *place; /* of distance 0 */
};

/* Keys, or those that are in reach: begin .. end - 1. */
struct keys {
	size_t begin, end;
};

static struct keys in_reach(const struct head *h, size_t query)
{
	return (struct keys){ query > h->reach ? query - h->reach : 0,
		h->n - query > h->reach ? query + h->reach + 1 : h->n };
}

static size_t round_up(size_t n, size_t step)
{
	return (n + step - 1) / step * step;
}

static void lay_out(const struct attention_arguments *a, const struct head *h, const float *k,
	const float *v)
{
	size_t size = h->size;
	for (size_t j = 0; j < h->wide; j++) {
		float *to = h->keys + j / PANEL * PANEL * size + j % PANEL;
		for (size_t d = 0; d < size; d++)
			to[d * PANEL] = j < h->n ? k[j * a->k_stride + d] : 0;
	}
	for (size_t j = 0; j < h->n; j++) {
		float *to = h->values + j * h->padded;
		memcpy(to, v + j * a->v_stride, size * sizeof *to);
		for (size_t d = size; d < h->padded; d++)
			to[d] = 0;
	}
}

/* The maximum of n floats, a zero +0. n is a multiple of LANES. */
static float maximum(const float *x, size_t n)
{
	float t[WIDTH], top = -__builtin_inff();
	vector m[4];
	UNROLL for (int a = 0; a < 4; a++)
		m[a] = v_set(top);
	size_t j = 0;
	for (; j + 4 * WIDTH <= n; j += 4 * WIDTH)
		UNROLL for (int a = 0; a < 4; a++)
			m[a] = v_max(m[a], v_load(x + j + WIDTH * a));
	for (; j < n; j += WIDTH)
		m[0] = v_max(m[0], v_load(x + j));
	v_store(t, v_max(v_max(m[0], m[1]), v_max(m[2], m[3])));
	for (int a = 0; a < WIDTH; a++)
		top = t[a] > top ? t[a] : top;
	return top + 0.0f;
}

/* A row of scores of keys k becomes p; its sum. Up to whole lanes before and behind, where there is
 * room, a score is -inf, p +0, which leaves every lane as it is: lanes of numbers >= +0 are never
 * -0. */
static float softmax(float *row, struct keys k)
{
	size_t before = k.begin % LANES, n = round_up(k.end - k.begin + before, LANES);
	float *first = row - before;
	for (size_t j = 0; j < before; j++)
		first[j] = -__builtin_inff();
	for (size_t j = k.end - k.begin + before; j < n; j++)
		first[j] = -__builtin_inff();
	float top = maximum(first, n);
	for (size_t j = 0; j < n; j++)
		first[j] = math_exp_neg(first[j] - top);
	k.begin -= before;
	return lanes_sum_from(TERM_VALUE, first, NULL, 0, k.begin, k.begin + n);
}

static void add_bias(const float *bias, float *row, size_t i, struct keys k)
{
	for (size_t j = k.begin; j < k.end; j++)
		row[j - k.begin] += bias[(ptrdiff_t)j - (ptrdiff_t)i];
}

/* What query i and each key say of their distance. */
static void add_terms(const struct head *h, float *row, size_t i, struct keys k)
{
	const float *own = h->query_terms + i * h->query_terms_stride;
	for (size_t j = k.begin; j < k.end; j++) {
		int32_t p = h->place[(ptrdiff_t)i - (ptrdiff_t)j];
		row[j - k.begin] += own[p] + h->key_terms[j * h->key_terms_stride + (size_t)p];
	}
}

/* scaled [m, padded] = p v, in the place of the scaled queries, which are used up. Scores, now p,
 * are of the `wide` keys from `first` on. */
static void mix(const struct head *h, size_t i, size_t m, size_t first, size_t wide)
{
	for (size_t r = 0, end; r < m; r = end) {
		struct keys k = in_reach(h, i + r);
		for (end = r + 1; end < m; end++) {
			struct keys next = in_reach(h, i + end);
			if (next.begin != k.begin || next.end != k.end)
				break;
		}
		tile_blocks(end - r, k.begin, k.end, h->scores + r * wide + (k.begin - first), wide,
			h->values + k.begin * h->padded, h->padded, h->padded,
			h->scaled + r * h->padded, h->padded);
	}
}

/* Queries i .. i + m - 1, m <= QUERIES. */
static void queries(const struct attention_arguments *a, const struct head *h, size_t i, size_t m)
{
	size_t first = in_reach(h, i).begin / PANEL * PANEL;
	size_t wide = round_up(in_reach(h, i + m - 1).end - first, PANEL);
	for (size_t r = 0; r < m; r++)
		for (size_t d = 0; d < h->size; d++)
			h->scaled[r * h->size + d] = h->q[(i + r) * a->q_stride + d] * a->scale;
	for (size_t j = 0; j < wide; j += PANEL)
		tile_blocks(m, 0, h->size, h->scaled, h->size, h->keys + (first + j) * h->size,
			PANEL, PANEL, h->scores + j, wide);
	for (size_t r = 0; r < m; r++) {
		struct keys k = in_reach(h, i + r);
		float *row = h->scores + r * wide + (k.begin - first);
		if (h->bias)
			add_bias(h->bias, row, i + r, k);
		if (h->query_terms)
			add_terms(h, row, i + r, k);
		h->sums[r] = softmax(row, k);
	}
	mix(h, i, m, first, wide);
	for (size_t r = 0; r < m; r++) {
		float *out = h->out + (i + r) * a->out_stride, sum = h->sums[r];
		for (size_t d = 0; d < h->size; d++)
			out[d] = h->scaled[r * h->padded + d] / sum;
	}
}

/* Unit u: a head of a sequence. relative may be NULL. */
static void unit(const struct attention_arguments *a,
	const struct attention_relative_arguments *relative, size_t u, struct arena *scratch)
{
	struct arena_mark mark = arena_mark(scratch);
	size_t first = a->cu_seqlens[u / a->heads], column = u % a->heads * a->size;
	size_t n = a->cu_seqlens[u / a->heads + 1] - first;
	size_t wide = round_up(n, PANEL);
	size_t padded = round_up(a->size, WIDTH);
	struct head h = {
		.n = n, .wide = wide, .reach = a->reach, .size = a->size, .padded = padded
	};
	h.q = a->q + first * a->q_stride + column;
	h.bias = a->bias ? a->bias + u % a->heads * a->bias_stride + a->bias_zero : NULL;
	h.out = a->out + first * a->out_stride + column;
	h.keys = scratch_floats(scratch, size_mul(wide, a->size));
	h.values = scratch_floats(scratch, size_mul(n, padded));
	h.scaled = scratch_floats(scratch, QUERIES * padded);
	h.scores = scratch_floats(scratch, size_mul(QUERIES, wide));
	h.sums = scratch_floats(scratch, QUERIES);
	if (relative) {
		size_t place = u % a->heads * relative->places;
		h.query_terms_stride = relative->query_terms_stride;
		h.key_terms_stride = relative->key_terms_stride;
		h.query_terms = relative->query_terms + first * h.query_terms_stride + place;
		h.key_terms = relative->key_terms + first * h.key_terms_stride + place;
		h.place = relative->place;
	}
	lay_out(a, &h, a->k + first * a->k_stride + column, a->v + first * a->v_stride + column);
	for (size_t i = 0; i < n; i += QUERIES)
		queries(a, &h, i, n - i < QUERIES ? n - i : QUERIES);
	arena_reset(scratch, mark);
}

KERNEL(attention)
{
	for (size_t u = begin; u < end; u++)
		unit(arguments, NULL, u, scratch);
}

KERNEL(attention_relative)
{
	const struct attention_relative_arguments *a = arguments;
	for (size_t u = begin; u < end; u++)
		unit(&a->attention, a, u, scratch);
}
