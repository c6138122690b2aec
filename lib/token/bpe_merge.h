/* bpe_merge.h: the merging of one word, for bpe.c. */
#pragma once
#include "lib/token/bpe.h"

/* Where a pair's search in the table begins. */
static inline size_t bpe_hash(const struct bpe *b, uint32_t left, uint32_t right)
{
	return (((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u) >> b->shift;
}

/* The place of a pair in the table, or the free one where it belongs. */
static inline size_t bpe_place(const struct bpe *b, uint32_t left, uint32_t right)
{
	size_t i = bpe_hash(b, left, right);
	while ((b->pairs[i].left != left || b->pairs[i].right != right) &&
		b->pairs[i].left != (uint32_t)VOCAB_NONE)
		i = (i + 1) & (b->n_pairs - 1);
	return i;
}

/* The merge of a pair; NULL where there is none. */
static inline const struct bpe_pair *bpe_find(const struct bpe *b, uint32_t left, uint32_t right)
{
	const struct bpe_pair *p = &b->pairs[bpe_place(b, left, right)];
	return p->left == (uint32_t)VOCAB_NONE ? NULL : p;
}

enum { BPE_SHORT = 32 }; /* symbols of a word that bpe_merge_short takes */

/*
 * Merge n symbols, each of so many bytes, in place; returns how many are left. sizes may be NULL.
 * Short: n <= BPE_SHORT, O(n²) steps of a few cycles. Long: O(n log n).
 */
size_t bpe_merge_short(const struct bpe *, uint32_t *ids, uint32_t *sizes, size_t n);
size_t bpe_merge_long(const struct bpe *, uint32_t *ids, uint32_t *sizes, size_t n);
