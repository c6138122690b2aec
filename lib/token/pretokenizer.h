/*
 * pretokenizer.h: a normalized text into words: a list of steps, each of which splits the pieces that
 * the one before left, or changes their text (tokenizers 0.23, src/pre_tokenizers). A Sequence
 * becomes its members. Pieces lie end to end in one text with one alignment; empty ones are dropped.
 */
#pragma once
#include "lib/token/matcher.h"
#include "lib/token/normalized.h"

enum pretokenizer_kind {
	PRETOKENIZER_BERT, /* at white space; each punctuation character is a word */
	PRETOKENIZER_BYTE_LEVEL,
	PRETOKENIZER_WHITESPACE, /* \w+|[^\w\s]+ */
	PRETOKENIZER_WHITESPACE_SPLIT,
	PRETOKENIZER_METASPACE,
	PRETOKENIZER_DIGITS,
	PRETOKENIZER_PUNCTUATION,
	PRETOKENIZER_SPLIT,
	PRETOKENIZER_UNICODE_SCRIPTS,
	PRETOKENIZER_CHAR_DELIMITER,
	PRETOKENIZER_FIXED_LENGTH,
};

/* What becomes of what separates words. */
enum split_behavior {
	SPLIT_REMOVED,
	SPLIT_ISOLATED,
	SPLIT_MERGED_WITH_PREVIOUS,
	SPLIT_MERGED_WITH_NEXT,
	SPLIT_CONTIGUOUS,
};

enum prepend_scheme { PREPEND_ALWAYS, PREPEND_FIRST, PREPEND_NEVER };

struct pretokenizer_step {
	enum pretokenizer_kind kind;
	enum split_behavior behavior; /* Punctuation, Split */
	union {
		struct {
			bool add_prefix_space, use_regex;
			struct matcher matcher; /* where use_regex */
		} byte_level;
		struct {
			struct slice replacement; /* one code point */
			enum prepend_scheme prepend;
			bool split;
		} metaspace;
		struct {
			struct matcher matcher;
			bool invert;
		} split;
		bool individual_digits;
		uint32_t delimiter;
		size_t length; /* FixedLength, in code points */
	};
};

struct pretokenizer {
	struct pretokenizer_step *steps;
	size_t n, capacity;
};

/* From the member "pre_tokenizer" of a tokenizer.json. */
int pretokenizer_read(struct pretokenizer *, struct json, struct arena *, struct error *);
void pretokenizer_free(struct pretokenizer *);
void pretokenizer_add(struct pretokenizer *, const struct pretokenizer_step *);

/* The only step, of a kind; NULL where there are others, or it is of another. */
const struct pretokenizer_step *pretokenizer_only(
	const struct pretokenizer *, enum pretokenizer_kind);

/* The pieces of a text; token is one's id where it is an added token, which stays whole. */
enum { PIECE_WORD = -1 }; /* as uint32_t: to be split into tokens */
struct piece {
	uint32_t start, end, token;
};

struct piece_list {
	struct piece *at;
	size_t n, capacity;
};

struct pieces {
	struct normalized text;
	struct piece_list list;
	struct piece_list next; /* what a step makes */
};

/* A piece more, unless it is empty. */
void piece_add(struct piece_list *, size_t start, size_t end, uint32_t token);
void pieces_free(struct pieces *);

/* Run the steps. -1 for what a regular expression cannot do within its limits. */
int pretokenizer_run(
	const struct pretokenizer *, struct pieces *, struct regex_work *, struct error *);

/* Whether a step asks which piece begins the original: Metaspace that prepends to the first. */
bool pretokenizer_needs_alignment(const struct pretokenizer *);
