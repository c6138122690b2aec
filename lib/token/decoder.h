/*
 * decoder.h: tokens back to text: a list of steps, each over the strings that the last one left,
 * which are joined at the end (tokenizers 0.23, src/decoders). Without a decoder tokens are joined by
 * spaces.
 */
#pragma once
#include "lib/base/buffer.h"
#include "lib/record/json.h"
#include "lib/token/matcher.h"
#include "lib/token/sentencepiece.h"
#include "lib/token/vocab.h"

enum decoder_kind {
	DECODER_BYTE_LEVEL, /* all strings' code points as bytes */
	DECODER_WORDPIECE, /* a space before each but the first and those with the prefix, which goes */
	DECODER_METASPACE, /* the replacement is a space, in the first string nothing */
	DECODER_BPE, /* the suffix is a space, in the last string nothing */
	DECODER_STRIP,
	DECODER_FUSE, /* all strings become one */
	DECODER_BYTE_FALLBACK, /* <0xE9> is a byte */
	DECODER_REPLACE,
	DECODER_SENTENCEPIECE, /* as SentencePiece's own models; no name in a tokenizer.json */
	DECODER_CTC, /* repetitions go, and so does the padding token */
};

struct decoder_step {
	enum decoder_kind kind;
	union {
		struct {
			struct slice prefix;
			bool cleanup; /* no space before punctuation and English contractions */
		} wordpiece;
		struct {
			struct slice replacement;
			bool prepends;
		} metaspace;
		struct slice suffix; /* BPEDecoder */
		struct {
			const struct sentencepiece *model;
			const struct vocab *vocab;
		} sentencepiece;
		struct {
			struct slice content; /* one code point */
			uint32_t start, stop;
		} strip;
		struct {
			struct matcher matcher;
			struct slice by;
		} replace;
		struct {
			struct slice padding, delimiter;
			bool cleanup;
		} ctc;
	};
};

struct decoder {
	struct decoder_step *steps;
	size_t n, capacity;
	bool present; /* a Sequence of nothing joins without spaces */
};

int decoder_read(struct decoder *, struct json, struct arena *, struct error *);
void decoder_add_step(struct decoder *, const struct decoder_step *);
void decoder_free(struct decoder *);

/* Strings one after the other. */
struct decoding {
	struct buffer text;
	size_t *ends;
	size_t n, capacity;
};
void decoding_add(struct decoding *, struct slice);
void decoding_free(struct decoding *);

/* Append the text of tokens, whose list is used up; -1 for what a regular expression cannot do. */
int decoder_run(const struct decoder *, struct decoding *, struct buffer *, struct error *);
