/*
 * words.h: the words of a text as scikit-learn's CountVectorizer finds them: str.lower() of Python
 * over the whole text, then every match of (?u)\b\w\w+\b, that is each longest run of at least two
 * \w (letters, digits, other numbers, underscore). The Unicode tables are Python's own
 * (words_table.h), so that words do not change with an installed library.
 */
#pragma once
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/slice.h"

struct words {
	struct slice text;
	size_t at; /* bytes of text behind us */
	struct buffer word; /* the word given last, lowercased */
};

/*
 * Begin on a text (UTF-8, which must stay where it is; bytes that are not UTF-8 separate words). A
 * zeroed struct may be begun, and one that has been used may be begun again; words_free ends it.
 */
void words_begin(struct words *, struct slice text);

/* The next word: false at the end. The slice is good until the next call. */
bool words_next(struct words *, struct slice *word);
void words_free(struct words *);

/* str.lower() of a text, appended to a buffer. */
void words_lowercase(struct buffer *, struct slice text);

/*
 * One code point: is it \w? Its lowercase, two code points for U+0130 only; returns how many.
 * Without context: a capital sigma gives the small one that is not final.
 */
bool words_is_word(uint32_t c);
size_t words_lower_point(uint32_t c, uint32_t out[2]);
