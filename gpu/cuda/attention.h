/*
 * attention.h: what the kernels of attention share. They are compiled twice: plain, where a query
 * sees all keys and their distance counts by a bias at most, and with MORE: a reach, or terms of
 * the distance. The arguments are those of either operation; op_attention has no place.
 */
#pragma once
#include "gpu/cuda/product.h"

/* A sequence's head: its first row and column, the first query of this block, and the keys
 * begin .. end - 1 that one of its queries sees. bias: of distance 0, or NULL. MORE has reach and
 * terms, from the sequence's first row on. Floats: head_floats. */
struct head {
	size_t first, column;
	const float *q, *k, *v, *bias, *query_terms, *key_terms;
	float *out;
	int n, first_query, begin, end, reach; /* at most 2^24 */
};

/* blockIdx.x counts sequences, each in `parts` of `queries`, blockIdx.y heads. False where the block
 * lies behind the sequence's queries. */
template <bool MORE>
DEVICE_FN bool head_find(
	const struct attention_relative_arguments &r, unsigned parts, int queries, struct head *h)
{
	const struct attention_arguments &a = r.attention;
	size_t b = blockIdx.x / parts, first = a.cu_seqlens[b];
	h->n = static_cast<int>(a.cu_seqlens[b + 1] - first);
	h->first_query = static_cast<int>(blockIdx.x % parts) * queries;
	h->first = first;
	h->column = blockIdx.y * a.size;
	h->bias = a.bias ? a.bias + blockIdx.y * a.bias_stride + a.bias_zero : NULL;
	h->begin = 0;
	h->end = h->n;
	if (MORE) {
		size_t place = blockIdx.y * r.places;
		h->reach = static_cast<int>(a.reach);
		h->begin = max(0, h->first_query - h->reach);
		h->end = min(h->n, h->first_query + queries + h->reach);
		h->query_terms = r.query_terms + first * r.query_terms_stride + place;
		h->key_terms = r.key_terms + first * r.key_terms_stride + place;
	}
	return h->first_query < h->n;
}

DEVICE_FN void head_floats(const struct attention_arguments &a, struct head *h)
{
	h->q = a.q + h->first * a.q_stride + h->column;
	h->k = a.k + h->first * a.k_stride + h->column;
	h->v = a.v + h->first * a.v_stride + h->column;
	h->out = a.out + h->first * a.out_stride + h->column;
}

/* Whether a key is there and in reach of a query. */
template <bool MORE> DEVICE_FN bool head_sees(const struct head &h, int query, int key)
{
	return key < h.n && (!MORE || abs(key - query) <= h.reach);
}

/* Whether each of the block's queries has all of some keys in reach, be they there or not. */
DEVICE_FN bool head_sees_all(const struct head &h, int queries, int key, int keys)
{
	int first = h.first_query;
	return first + queries - 1 - key <= h.reach && key + keys - 1 - first <= h.reach;
}

/* What a query and a key say of their distance. */
DEVICE_FN float head_terms(
	const struct attention_relative_arguments &r, const struct head &h, int query, int key)
{
	int p = r.place[query - key];
	return h.query_terms[query * r.query_terms_stride + p] +
	       h.key_terms[key * r.key_terms_stride + p];
}

/* attention_half.cu: with factors rounded to the dtype; false where card or size do not allow it.
 * Host arrays are on the card, reach is at most `longest`; `tokens` of all sequences. */
bool cuda_attention_half(struct lane *, const struct attention_relative_arguments *, bool more,
	size_t sequences, size_t longest, size_t tokens);
