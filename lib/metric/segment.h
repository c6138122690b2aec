/*
 * segment.h: the texts that translation and summary metrics compare: a hypothesis and its
 * references, split, trimmed and lowercased as Python's str does it, and counted in n-grams.
 */
#pragma once
#include "lib/metric/metric.h"

struct segment {
	struct slice hypothesis;
	struct slice *references; /* [n], at least one */
	size_t n;
};

/* Of a record: strings, the reference also an array of them (null ones are left out). -1 and the
 * error (65). Mixes the references into the hash. */
int segment_read(
	struct measure *, const struct record *, struct arena *, struct segment *, struct error *);

/* "1", or "var" where segments have different numbers of references. */
struct reference_count {
	size_t n; /* 0: none yet, SIZE_MAX: various */
};
void reference_count_add(struct reference_count *, size_t n);
void reference_count_show(const struct reference_count *, struct buffer *);

bool text_is_space(uint32_t code_point); /* str.isspace */
struct slice text_strip_end(struct slice); /* str.rstrip */
struct slice text_strip(struct slice); /* str.strip */
struct slice text_lower(struct slice, struct arena *); /* str.lower */
/* str.replace. */
struct slice text_replace(struct slice, struct slice from, struct slice to, struct arena *);
/* &quot; &amp; &lt; &gt; as what they stand for, in this order. */
struct slice text_entities(struct slice, struct arena *);
struct slice text_padded(struct slice, struct arena *); /* a blank before and behind */
/* A blank on either side of the code points that stand alone. */
struct slice text_apart(struct slice, bool (*alone)(uint32_t code_point), struct arena *);
/* Words, each with one blank behind it. */
struct slice text_folded(struct slice, struct arena *);
/* str.split: words in the arena, pointing into the text. */
struct slice *text_split(struct slice, struct arena *, size_t *n);
/* The code points of a text, in the arena. */
uint32_t *text_points(struct slice, struct arena *, size_t *n);

/* --- Counting --------------------------------------------------------------------------------- */

/* Numbers for words, for the texts of one segment. */
struct vocabulary {
	struct slice *at;
	uint32_t *slots;
	size_t n, n_slots;
};
/* Room for so many different words. */
struct vocabulary vocabulary_new(struct arena *, size_t most);
uint32_t vocabulary_id(struct vocabulary *, struct slice);
/* The ids of words, in the arena. */
uint32_t *vocabulary_ids(struct vocabulary *, const struct slice *words, size_t n, struct arena *);

/*
 * N-grams by number: that of order n is the pair of the number of its first n - 1 tokens and its
 * last token. One table a segment; an n-gram has a number for each side that it was counted on.
 */
struct tally {
	uint64_t *keys; /* (number before + 1, token), 0 is free */
	uint32_t *numbers;
	size_t n_slots, n;
	uint32_t *hypothesis, *reference, *best; /* [capacity] counts by number */
	uint8_t *order; /* from 0 */
};
/* For at most so many n-grams, repeated ones counted. */
struct tally tally_new(struct arena *, size_t most);
/* Count the n-grams of orders 1 to `orders` of tokens in one of the arrays. */
void tally_count(struct tally *, const uint32_t *tokens, size_t n, size_t orders, uint32_t *counts,
	uint8_t first_order);
