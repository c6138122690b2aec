/*
 * unigram.h: the Unigram model: of all ways to cut a word into tokens the one with the highest sum
 * of scores (Kudo, "Subword Regularization", 2018), found by the Viterbi algorithm from left to
 * right, the first found winning among equals. A character that is no token costs the lowest score
 * less 10; such characters in a row are one unknown token, or their bytes (<0x0A>, byte_fallback).
 *
 * Two references differ in how sums are rounded, and so in which of two close ways wins: Hugging
 * Face tokenizers 0.23 (src/models/unigram) adds doubles; sentencepiece 0.2 (unigram_model.cc,
 * EncodeOptimized) keeps floats. Both are followed to the last bit.
 */
#pragma once
#include "lib/record/json.h"
#include "lib/token/double_array.h"
#include "lib/token/tokenizer.h"
#include "lib/token/vocab.h"

enum { UNIGRAM_FAILED = -1 /* as size_t */ };

struct unigram {
	struct double_array trie;
	double *scores; /* [n] by id */
	size_t n;
	double unknown_score;
	uint32_t unknown; /* VOCAB_NONE: none */
	uint32_t bytes[256]; /* tokens <0x00> to <0xFF>; VOCAB_NONE */
	bool byte_fallback;
	bool floats; /* sentencepiece's sums, and its bytes for each unknown character */
};

/*
 * From the member "model" of a tokenizer.json, the vocabulary too. -1 (ERROR_MODEL) for members
 * that are wrong.
 */
int unigram_read(
	struct unigram *, struct json model, struct vocab *, struct arena *, struct error *);

/*
 * From tokens (those without data cannot be found in text) and scores of sentencepiece, the scores
 * copied; floats is set, unknown, lowest score and bytes are given.
 */
struct unigram_options {
	uint32_t unknown;
	double unknown_score;
	bool byte_fallback;
	const uint32_t *bytes; /* [256]; NULL without byte_fallback */
};
int unigram_build(struct unigram *, const struct slice *tokens, const double *scores, size_t n,
	const struct unigram_options *, struct error *);
void unigram_free(struct unigram *);

/*
 * Split a word. Writes at most word.size ids, and where offsets is not NULL each token's [start,
 * end) in bytes of the word. Returns how many, or UNIGRAM_FAILED where a character needs the unknown
 * token and there is none. Time linear in the word, times the length of tokens.
 */
size_t unigram_split(
	const struct unigram *, struct slice word, uint32_t *ids, struct token_offset *offsets);

/*
 * For sentencepiece's sums (floats), ids only. Behind a sum, which becomes that behind the word; and
 * the sum behind a token.
 */
size_t unigram_split_behind(const struct unigram *, struct slice word, double *sum, uint32_t *ids);
static inline double unigram_add(const struct unigram *u, double sum, uint32_t id)
{
	return (double)(float)(u->scores[id] + sum);
}

/*
 * By itself, in sums that are not rounded to floats, and by how much the best way is better than any
 * other: INFINITY where there is no other. Where the best one has an unknown token no ids are given,
 * and the margin is below 0.
 */
size_t unigram_split_alone(const struct unigram *, struct slice word, uint32_t *ids, float *margin);
