/* attention.h: what the kernels of attention share. */
#pragma once
#include "gpu/cuda/product.h"

/* A sequence's head: its rows, and the first query of this block. bias: of distance 0, or NULL. */
struct head {
	const float *q, *k, *v, *bias;
	float *out;
	size_t n, first_query;
};

/* blockIdx.x counts sequences, each in `parts` of `queries`, blockIdx.y heads. False where the block
 * lies behind the sequence's queries. */
DEVICE_FN bool head_find(
	const struct attention_arguments &a, size_t parts, size_t queries, struct head *h)
{
	size_t b = blockIdx.x / parts, first = a.cu_seqlens[b], column = blockIdx.y * a.size;
	h->n = a.cu_seqlens[b + 1] - first;
	h->first_query = blockIdx.x % parts * queries;
	h->q = a.q + first * a.q_stride + column;
	h->k = a.k + first * a.k_stride + column;
	h->v = a.v + first * a.v_stride + column;
	h->out = a.out + first * a.out_stride + column;
	h->bias = a.bias ? a.bias + blockIdx.y * a.bias_stride + a.bias_zero : NULL;
	return h->first_query < h->n;
}

/* attention_half.cu: with factors rounded to a->dtype; false where card or size do not allow it.
 * cu_seqlens are on the card. */
bool cuda_attention_half(
	struct lane *, const struct attention_arguments *, size_t sequences, size_t longest);
