/*
 * passage.h: a long text cut into passages of at most so many tokens: at the end of a sentence where
 * one is, else of a word, else of a token, never within a character. A passage tokenized by itself has
 * at most as many tokens as asked for, special tokens counted: it is tokenized to see.
 */
#pragma once
#include "lib/token/tokenizer.h"

struct passage_options {
	size_t tokens; /* at most, special tokens included */
	size_t overlap; /* tokens of the one before that a passage may repeat, beginning at a word */
	bool add_special;
};

struct passage {
	size_t start, end; /* [start, end) of the text in bytes, without white space at its ends */
	size_t n; /* tokens */
};

/*
 * Passages of a text in order; none of a text without tokens. -1 (ERROR_DATA) where not even one
 * token of the text makes a passage, (ERROR_USAGE) where special tokens leave no room for any, and for
 * what tokenizer_encode refuses. Time linear in the text, unless passages overlap nearly whole.
 */
int passage_split(const struct tokenizer *, struct tokenizer_scratch *, struct slice text,
	const struct passage_options *, struct arena *, struct passage **, size_t *n,
	struct error *);
