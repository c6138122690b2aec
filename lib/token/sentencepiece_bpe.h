/*
 * sentencepiece_bpe.h: BPE as SentencePiece does it (sentencepiece 0.2, src/bpe_model.cc): of all
 * neighbours that together are a piece, those of the highest score become one, the leftmost first.
 * There are no merges: which two pieces a piece came from does not matter. User-defined pieces are
 * never merged; an unused piece falls apart again into what it was merged from.
 */
#pragma once
#include "lib/token/sentencepiece.h"
#include "lib/token/tokenizer.h"

struct sentencepiece_bpe {
	const struct sentencepiece *model;
	struct double_array trie; /* of all pieces that can be merged */
	bool unused; /* there are pieces of PIECE_UNUSED */
};

int sentencepiece_bpe_build(
	struct sentencepiece_bpe *, const struct sentencepiece *, struct error *);
void sentencepiece_bpe_free(struct sentencepiece_bpe *);

/*
 * Split a word, which may be a whole text. Writes at most word.size ids, and where offsets is not
 * NULL each token's [start, end) in bytes of the word; returns how many. Time O(n log n) in the
 * word, times the length of pieces.
 */
size_t sentencepiece_bpe_split(const struct sentencepiece_bpe *, struct slice word, uint32_t *ids,
	struct token_offset *offsets);
