/*
 * sentencepiece.h: SentencePiece's models (tokenizer.model, spiece.model): the protocol buffer
 * sentencepiece_model.proto, and what sentencepiece 0.2 makes of a text before its model splits
 * it (src/normalizer.cc) and of pieces afterwards (Decode in src/sentencepiece_processor.cc).
 */
#pragma once
#include "lib/base/buffer.h"
#include "lib/token/double_array.h"
#include "lib/token/normalized.h"
#include "lib/token/precompiled.h"

enum piece_type {
	PIECE_NORMAL = 1,
	PIECE_UNKNOWN,
	PIECE_CONTROL, /* never found in text, nothing once decoded */
	PIECE_USER_DEFINED, /* found in text before all else */
	PIECE_UNUSED,
	PIECE_BYTE,
};

enum sentencepiece_kind {
	SENTENCEPIECE_UNIGRAM = 1,
	SENTENCEPIECE_BPE,
	SENTENCEPIECE_WORD,
	SENTENCEPIECE_CHAR
};

struct sentencepiece {
	enum sentencepiece_kind kind;
	struct slice
		*texts; /* [n] in the file's bytes, which must last; none is empty, none twice */
	float *scores; /* [n] */
	uint8_t *types; /* [n] enum piece_type */
	size_t n;
	uint32_t unknown; /* the only piece of PIECE_UNKNOWN */
	uint32_t bytes[256]; /* with byte_fallback: the pieces <0x00> to <0xFF> */
	bool byte_fallback;
	bool suffix; /* treat_whitespace_as_suffix */
	bool dummy_prefix, remove_extra, escape; /* of white space */
	struct precompiled rules; /* n == 0: none */
	struct double_array user_defined; /* values are ids; n == 0: none */
	struct slice unknown_surface; /* what the unknown piece is once decoded */
	int64_t bos, eos; /* as the trainer was told; -1: none */
};

/* From the bytes of a model; arrays and tables lie in the arena. -1 (ERROR_MODEL) where it is broken. */
int sentencepiece_read(struct sentencepiece *, struct slice model, struct arena *, struct error *);
void sentencepiece_free(struct sentencepiece *);

/* The byte of <0xE9>; -1 for another text. */
int sentencepiece_byte(struct slice piece);

/*
 * Normalize: the rules, the longest that matches first, user-defined pieces left alone; white space
 * as asked. Aligned as sentencepiece has it: a byte is from where it was read up to where the next
 * one was.
 */
int sentencepiece_normalize(const struct sentencepiece *, struct normalized *, struct error *);

/*
 * Pieces back to text, one after another from the first on.
 */
struct sentencepiece_decoding {
	size_t start; /* size of the output before the first */
	bool started; /* white space before a piece is no longer that of the beginning */
	bool space_taken; /* it was, and the last piece has lost it */
	struct buffer bytes; /* byte pieces that wait for those that make a character with them */
};
void sentencepiece_decode(const struct sentencepiece *, struct sentencepiece_decoding *,
	struct slice piece, uint32_t id, struct buffer *out);
void sentencepiece_decode_end(struct sentencepiece_decoding *, struct buffer *out);
