/* bpe_merge.h: the merging of one word, for bpe.c. */
#pragma once
#include "lib/token/bpe.h"

/* The merge of a pair; NULL where there is none. */
static inline const struct bpe_pair *bpe_find(const struct bpe *b, uint32_t left, uint32_t right)
{
	uint64_t key = (uint64_t)left << 32 | right;
	for (size_t i = (key * 0x9e3779b97f4a7c15u) >> b->shift;; i = (i + 1) & (b->n_pairs - 1)) {
		const struct bpe_pair *p = &b->pairs[i];
		if (p->left == left && p->right == right)
			return p;
		if (p->left == (uint32_t)VOCAB_NONE)
			return NULL;
	}
}

enum { BPE_SHORT = 32 }; /* symbols of a word that bpe_merge_short takes */

/*
 * Merge n symbols, each of so many bytes, in place; returns how many are left. sizes may be NULL.
 * Short: n <= BPE_SHORT, O(n²) steps of a few cycles. Long: O(n log n).
 */
size_t bpe_merge_short(const struct bpe *, uint32_t *ids, uint32_t *sizes, size_t n);
size_t bpe_merge_long(const struct bpe *, uint32_t *ids, uint32_t *sizes, size_t n);
