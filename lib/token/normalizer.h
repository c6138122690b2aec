/*
 * normalizer.h: text made uniform before it is split: a list of steps, each over what the last one
 * left (tokenizers 0.23, src/normalizers). A Sequence becomes its members; a kind is a file, or shares
 * one with its like.
 *
 * To add a kind: a value of normalizer_kind, what it needs in struct normalizer_step, a row in the
 * table of normalizer.c with a function that reads it and one that runs it.
 */
#pragma once
#include "lib/record/json.h"
#include "lib/text/normal.h"
#include "lib/token/matcher.h"
#include "lib/token/normalized.h"
#include "lib/token/precompiled.h"
#include "lib/token/sentencepiece.h"

enum normalizer_kind {
	NORMALIZER_BERT,
	NORMALIZER_LOWERCASE,
	NORMALIZER_STRIP_ACCENTS,
	NORMALIZER_STRIP,
	NORMALIZER_REPLACE,
	NORMALIZER_PREPEND,
	NORMALIZER_BYTE_LEVEL,
	NORMALIZER_FORM, /* NFC, NFD, NFKC, NFKD */
	NORMALIZER_NMT,
	NORMALIZER_PRECOMPILED,
	NORMALIZER_SENTENCEPIECE, /* of its own models; no name in a tokenizer.json */
};

struct normalizer_step {
	enum normalizer_kind kind;
	union {
		struct bert_normalizer {
			bool clean_text, chinese, strip_accents, lowercase;
			bool accents_follow; /* strip_accents is null */
		} bert;
		struct {
			bool left, right;
		} strip;
		struct {
			struct matcher matcher;
			struct slice by;
		} replace;
		struct slice prepend;
		enum normal_form form;
		struct precompiled *rules; /* in the arena */
		const struct sentencepiece *sentencepiece;
	};
};

struct normalizer {
	struct normalizer_step *steps;
	size_t n, capacity;
};

/*
 * From the member "normalizer" of a tokenizer.json; -1 and the error for a kind that is not known.
 * Strings lie in the arena; the rest is freed.
 */
int normalizer_read(struct normalizer *, struct json, struct arena *, struct error *);
void normalizer_free(struct normalizer *);

/* A step more; the struct is copied. */
void normalizer_add(struct normalizer *, const struct normalizer_step *);

/* The BertNormalizer where it is the only step; NULL otherwise. */
struct bert_normalizer *normalizer_bert(const struct normalizer *);

/*
 * Normalize a part of the original that begins at its byte `at`; replaces what was in the result.
 * Text is valid UTF-8, or the BertNormalizer comes first. -1 for what a regular expression cannot do
 * within its limits.
 */
int normalizer_run(const struct normalizer *, struct slice text, uint32_t at, struct normalized *,
	struct regex_work *, struct error *);

/* --- The kinds, each over the whole of a text ------------------------------------------------ */

/*
 * BertNormalizer (src/normalizers/bert.rs), in this order and each if asked: clean_text removes
 * controls and makes white space a space; handle_chinese_chars puts spaces around ideographs;
 * strip_accents decomposes canonically (NFD) and removes non-spacing marks, null meaning "as
 * lowercase"; lowercase. From a text, the bytes of which need not be UTF-8, or from what the
 * steps before left (text is NULL then).
 */
int normalizer_bert_run(const struct bert_normalizer *, const struct slice *text, uint32_t at,
	struct normalized *, struct error *);

/* Replace what matches; also what Metaspace does. */
int normalizer_replace(struct normalized *, const struct matcher *, struct slice by,
	struct regex_work *, struct error *);

/* Put text before all else, unless there is nothing. */
int normalizer_prepend(struct normalized *, struct slice text, struct error *);

/* Every byte as the code point that GPT-2's byte-level alphabet has for it (byte_level.h). */
int normalizer_byte_level(struct normalized *, struct error *);

/* A Unicode normalization form. */
int normalizer_form(struct normalized *, enum normal_form, struct error *);

/* SentencePiece's rules of old: controls go, odd white space is a space. */
int normalizer_nmt(struct normalized *, struct error *);

/*
 * SentencePiece's rules as a model carries them. The reference asks for whole graphemes of less than
 * 6 bytes first, and takes the shortest rule that they begin with.
 */
int normalizer_precompiled(struct normalized *, const struct precompiled *, struct error *);
