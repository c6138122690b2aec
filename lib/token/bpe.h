/*
 * bpe.h: the BPE model: a word begins as its characters; of all neighbouring pairs that the merges
 * name, the one of the lowest rank becomes one token, the leftmost first, until there is none
 * (Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 2016; tokenizers
 * 0.23, src/models/bpe). A character that is no token is its bytes (<0x0A>, byte_fallback), else the
 * unknown token, else nothing.
 *
 * A pair is found in one flat table. A short word looks through the ranks of all its pairs for each
 * merge; a long one keeps them in a heap, so that n characters take O(n log n).
 */
#pragma once
#include "lib/record/json.h"
#include "lib/token/tokenizer.h"
#include "lib/token/vocab.h"

enum { BPE_CHARS = 0x400, BPE_FAILED = -1 /* as size_t */ };

struct bpe_pair {
	uint32_t left, right; /* left: VOCAB_NONE in a free place */
	uint32_t rank, id; /* of the merge, of the token that it makes */
};

struct bpe {
	const struct vocab *vocab;
	uint32_t size; /* ids of the vocabulary from here on are not the model's: added tokens */
	struct bpe_pair *pairs; /* open addressing, at most half full */
	uint8_t *filter; /* a byte for each place: bits of the pairs that may be there */
	size_t n_pairs; /* places, a power of two */
	size_t n_merges;
	unsigned shift; /* 64 - log2(n_pairs) */
	uint32_t chars[BPE_CHARS]; /* tokens of the first code points as first symbols */
	uint32_t bytes[256]; /* tokens <0x00> to <0xFF>, with byte_fallback */
	uint32_t alphabet[256]; /* tokens of the byte-level alphabet, by byte */
	uint32_t unknown; /* VOCAB_NONE: none */
	struct slice unknown_text; /* data NULL: none is named */
	struct slice prefix, suffix; /* of a character that is not the first, that is the last */
	bool fuse_unknown, byte_fallback, ignore_merges;
	uint32_t
		boundary; /* the token of ▁ where nothing merges it with what is before it, but itself */
	bool crosses; /* a merge does */
	uint32_t last; /* the id that the last merge made: the next one's is likely near */
};

/* What the members of a model say beside its vocabulary and its merges. */
struct bpe_options {
	struct slice unknown, prefix, suffix; /* unknown.data NULL: none */
	bool fuse_unknown, byte_fallback, ignore_merges;
};

/*
 * From the member "model" of a tokenizer.json, once its vocabulary is read; the vocabulary must
 * outlive it. -1 (ERROR_MODEL) for members that are wrong, a merge of what is not in the vocabulary,
 * dropout.
 */
int bpe_read(struct bpe *, struct json model, const struct vocab *, struct arena *, struct error *);

/* The same in two steps: all but the merges, then those, of which a parser has given the bracket. */
int bpe_read_options(
	struct bpe *, struct json model, const struct vocab *, struct arena *, struct error *);
int bpe_read_merges(struct bpe *, struct json_parser *, struct arena *, struct error *);

/*
 * The same, step by step: the merges are added in order of their rank. -1 (ERROR_MODEL) beyond
 * 2^26 - 1 of them.
 */
int bpe_begin(struct bpe *, const struct vocab *, const struct bpe_options *, struct error *);
int bpe_add(struct bpe *, struct slice left, struct slice right, struct error *);
int bpe_add_ids(struct bpe *, uint32_t left, uint32_t right, uint32_t id, struct error *);
/* A line "left right", of which either may hold spaces: those that are tokens, and joined are one. */
int bpe_add_line(struct bpe *, struct slice line, struct error *);
void bpe_free(struct bpe *);

/*
 * Split a word of valid UTF-8. Writes at most word.size ids, and where offsets is not NULL each
 * token's [start, end) in bytes of the word (as in the reference they shift where characters are
 * dropped). Returns how many, or BPE_FAILED where a character needs the unknown token, and the one
 * that is named does not exist. Time O(n log n) in the word.
 */
size_t bpe_split(
	const struct bpe *, struct slice word, uint32_t *ids, struct token_offset *offsets);

/*
 * The same for a word of any bytes that stand for themselves in the byte-level alphabet. All of
 * alphabet must be there, and no prefix nor suffix (bpe_is_byte_level).
 */
size_t bpe_split_bytes(
	const struct bpe *, struct slice word, uint32_t *ids, struct token_offset *offsets);

/*
 * Whether a word may be split before a run of ▁ and its parts by themselves, with the same result: no
 * merge joins the two sides, and no unknown token does.
 */
bool bpe_parts(const struct bpe *);

/* Whether bytes of valid UTF-8 are all in the alphabet, and nothing is added to characters. */
bool bpe_is_byte_level(const struct bpe *);
