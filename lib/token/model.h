/*
 * model.h: the model of a tokenizer: how a word becomes tokens of the vocabulary. A kind is a file
 * of its own; this one reads the member "model" of a tokenizer.json and dispatches.
 */
#pragma once
#include "lib/record/json.h"
#include "lib/token/bpe.h"
#include "lib/token/sentencepiece_bpe.h"
#include "lib/token/tokenizer.h"
#include "lib/token/unigram.h"
#include "lib/token/vocab.h"
#include "lib/token/wordlevel.h"
#include "lib/token/wordpiece.h"

enum model_kind {
	MODEL_WORDPIECE,
	MODEL_WORDLEVEL,
	MODEL_UNIGRAM,
	MODEL_BPE,
	MODEL_SENTENCEPIECE_BPE, /* of its own models; no name in a tokenizer.json */
};

struct token_model {
	enum model_kind kind;
	uint32_t unknown; /* id of the unknown token; VOCAB_NONE: none */
	union {
		struct wordpiece wordpiece;
		struct wordlevel wordlevel;
		struct unigram unigram;
		struct bpe bpe;
		struct sentencepiece_bpe sentencepiece_bpe;
	};
};

/*
 * From the member "model" of a tokenizer.json, of which the parser has given the opening bracket; fills
 * the vocabulary. What model and vocabulary hold goes: of two models the last counts. A model without
 * a type is inferred.
 */
int model_read(
	struct token_model *, struct json_parser *, struct vocab *, struct arena *, struct error *);
void model_free(struct token_model *);

/* Read a vocabulary {"token": id, …}, of which the parser has given the opening bracket. */
int model_read_vocab(struct vocab *, struct json_parser *, struct arena *, struct error *);

/*
 * Split a word, which is not empty and valid UTF-8, but for WordPiece. Writes at most word.size ids,
 * and where offsets is not NULL each token's [start, end) in bytes of the word; returns how many
 * tokens; -1 (ERROR_MODEL) where the vocabulary cannot spell it and has no unknown token.
 */
ptrdiff_t model_split(const struct token_model *, struct slice word, uint32_t *ids,
	struct token_offset *offsets, struct error *);
