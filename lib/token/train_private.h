/* train_private.h: for train*.c: words with their counts, and what is learnt from them. */
#pragma once
#include "lib/record/json.h"
#include "lib/text/terms.h"
#include "lib/token/added.h"
#include "lib/token/train.h"

struct word_counts {
	struct terms words;
	uint64_t *counts; /* [capacity] by number */
	size_t capacity;
};

/* A different word. */
struct counted {
	struct slice word; /* not empty, valid UTF-8 */
	uint64_t n;
};

/*
 * All of them, in the order of their bytes. They have WORDS_MOST bytes together at most, so that 32
 * bits hold the number of a place in them: of a pair in a word there are three to a byte at most.
 */
enum { WORDS_MOST = 1 << 30 };
struct word_list {
	struct counted *at;
	size_t n, size; /* words; their bytes */
};

/* --- train_characters.c ---------------------------------------------------------------------- */

struct character {
	uint32_t c;
	uint64_t n;
};

struct character_list {
	struct character *at; /* mem_free */
	size_t n;
};

/* How often each character occurs, by code point; of the alphabet UINT64_MAX. */
struct character_list characters_count(
	const struct word_list *, const uint32_t *alphabet, size_t n_alphabet);

/*
 * --- train_merges.c: byte-pair encoding (Sennrich, Haddow and Birch, "Neural machine translation
 * of rare words with subword units", 2016)
 */
struct merge {
	uint32_t left, right; /* tokens */
};

struct merges {
	struct terms tokens; /* by id */
	struct merge *at;
	size_t n;
};

struct merge_options {
	const struct trainer_options *trainer;
	const struct added_token *special;
	size_t n_special;
	const uint32_t *alphabet; /* code points that are kept in any case */
	size_t n_alphabet;
	struct slice prefix, suffix; /* of tokens inside a word, of those that end one */
};

int merges_train(
	struct merges *, const struct merge_options *, const struct word_list *, struct error *);
void merges_free(struct merges *);

/*
 * --- train_unigram.c: a unigram language model (Kudo, "Subword regularization: improving neural
 * network translation models with multiple subword candidates", 2018)
 */
struct scored_piece {
	struct slice text;
	double score;
};

struct pieces_learnt {
	struct scored_piece *at; /* the best first */
	size_t n;
	struct arena *arena; /* of the texts */
};

struct piece_options {
	const struct trainer_options *trainer;
	size_t n_special, n_pieces; /* of the vocabulary */
	const uint32_t *alphabet; /* code points that become pieces in any case */
	size_t n_alphabet;
	const struct terms *taken; /* texts of special tokens */
	size_t threads;
};

/* At most n_pieces, with every character of the words among them. */
int pieces_train(struct pieces_learnt *, const struct word_list *, const struct piece_options *,
	struct error *);
void pieces_free_learnt(struct pieces_learnt *);

/*
 * train_seeds.c: what Unigram begins with: the characters of the words, then the substrings of 2
 * to 16 characters that are followed by at least two different things, by what they would save;
 * at most a million. Scores are logarithms of their shares. Texts lie in the arena.
 */
struct scored_piece *seeds_find(const struct word_list *, struct arena *, size_t *n);

/* --- train_json.c: the tokenizer.json -------------------------------------------------------- */

/* A vocabulary that was learnt. */
struct trained {
	enum trainer_kind kind;
	struct terms tokens; /* by id */
	const struct merges *merges; /* BPE */
	const double *scores; /* [tokens.n] Unigram */
	int64_t unknown; /* Unigram: its id; -1: none */
	const struct added_token *special; /* ids not set */
	size_t n_special;
};

/*
 * The template with the new model and special tokens, and their ids where its post-processor and
 * padding name them.
 */
int trained_write(struct buffer *, struct json template, const struct trained *, struct error *);
