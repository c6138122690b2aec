/*
 * wordpiece.h: the WordPiece model: a word becomes the longest token of the vocabulary that it
 * begins with, then the longest that the rest begins with, those behind the first under the
 * continuing prefix ("##"); where that ends before the word does, the whole word is the unknown
 * token (tokenizers 0.23, src/models/wordpiece/mod.rs; Schuster and Nakajima, "Japanese and
 * Korean voice search", 2012).
 *
 * Most words are tokens themselves: those of up to 16 bytes are found by one look-up of the
 * word as two integers.
 */
#pragma once
#include "lib/token/tokenizer.h"
#include "lib/token/trie.h"
#include "lib/token/vocab.h"

enum { WORD_KEY = 16 };

struct word_key {
	uint64_t low, high; /* the bytes, little-endian, 0 behind the end */
};

struct word_slot {
	struct word_key key;
	uint32_t id; /* VOCAB_NONE: free */
};

struct wordpiece {
	struct trie trie;
	uint32_t
		continuing; /* the node where tokens inside a word begin; TRIE_NONE: there are none */
	uint32_t unknown;
	size_t max_chars; /* a word of more code points is unknown */
	struct word_slot *words; /* tokens of 1 to 16 bytes without NUL */
	size_t n_words; /* places, a power of two */
	unsigned shift;
};

/*
 * Build the tables from a vocabulary; unknown and prefix are strings. The unknown token need not be
 * in it. -1 where there is no room for the trie.
 */
int wordpiece_build(struct wordpiece *, const struct vocab *, struct slice unknown,
	struct slice prefix, size_t max_chars, struct error *);
void wordpiece_free(struct wordpiece *);

/*
 * Split a word. Writes at most word.size ids, and where offsets is not
 * NULL each token's [start, end) in bytes of the word; returns how many tokens. An unknown token that
 * is not there is VOCAB_NONE. Time linear in the word times the longest token.
 */
size_t wordpiece_split(
	const struct wordpiece *, struct slice word, uint32_t *ids, struct token_offset *offsets);

/* The token that is this whole word of 1 to 16 bytes; VOCAB_NONE where there is none. */
static inline uint32_t wordpiece_whole(const struct wordpiece *w, struct word_key k)
{
	uint64_t h = (k.low ^ (k.high << 23 | k.high >> 41)) * 0x9e3779b97f4a7c15u;
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15u;
	for (size_t i = h >> w->shift;; i = (i + 1) & (w->n_words - 1)) {
		const struct word_slot *s = &w->words[i];
		if (s->key.low == k.low && s->key.high == k.high)
			return s->id;
		if (s->id == (uint32_t)VOCAB_NONE)
			return s->id;
	}
}
