/* bpe_merge.h: the merging of one word, for bpe.c. */
#pragma once
#include "lib/token/bpe.h"

/* The upper bits are where a pair's search in the table begins. */
static inline uint64_t bpe_hash(uint32_t left, uint32_t right)
{
	return ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;
}

/* The bit of a pair in the byte of the filter for its place. */
static inline uint8_t bpe_bit(const struct bpe *b, uint64_t hash)
{
	return (uint8_t)(1 << (hash >> (b->shift - 3) & 7));
}

/* The place of a pair in the table, or the free one where it belongs. */
static inline size_t bpe_place(const struct bpe *b, uint32_t left, uint32_t right)
{
	size_t i = bpe_hash(left, right) >> b->shift;
	while ((b->pairs[i].left != left || b->pairs[i].right != right) &&
		b->pairs[i].left != (uint32_t)VOCAB_NONE)
		i = (i + 1) & (b->n_pairs - 1);
	return i;
}

/* The merge of a pair; NULL where there is none: most have none, which the filter tells. */
static inline const struct bpe_pair *bpe_find(const struct bpe *b, uint32_t left, uint32_t right)
{
	uint64_t hash = bpe_hash(left, right);
	if (!(b->filter[hash >> b->shift] & bpe_bit(b, hash)))
		return NULL;
	const struct bpe_pair *p = &b->pairs[bpe_place(b, left, right)];
	return p->left == (uint32_t)VOCAB_NONE ? NULL : p;
}

/* Fetch what bpe_find will look at. */
static inline void bpe_fetch(const struct bpe *b, uint32_t left, uint32_t right)
{
	uint64_t hash = bpe_hash(left, right);
	if (b->filter[hash >> b->shift] & bpe_bit(b, hash))
		__builtin_prefetch(&b->pairs[hash >> b->shift]);
}

enum { BPE_SHORT = 32 }; /* symbols of a word that bpe_merge_short takes */

/*
 * Merge n symbols, each of so many bytes, in place; returns how many are left. sizes may be NULL.
 * Short: n <= BPE_SHORT, O(n²) steps of a few cycles. Long: O(n log n).
 */
size_t bpe_merge_short(const struct bpe *, uint32_t *ids, uint32_t *sizes, size_t n);
size_t bpe_merge_long(const struct bpe *, uint32_t *ids, uint32_t *sizes, size_t n);
