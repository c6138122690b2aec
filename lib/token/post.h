/*
 * post.h: the post-processor: in which order the texts and the special tokens stand, their type ids,
 * and white space that is taken off offsets (tokenizers 0.23, src/processors). What is read is
 * worked out once for a text and for a pair, with special tokens and without: a list of pieces each.
 */
#pragma once
#include "lib/record/json.h"
#include "lib/token/vocab.h"

struct post_piece {
	bool special;
	bool masked; /* special, and said to be */
	unsigned text; /* which text, 0 or 1, unless special */
	uint32_t type_id;
	uint32_t window_type; /* type id in a window behind the first: the reference forgets some */
	size_t with; /* the piece whose window it goes with: itself, or the text it is put around */
	const uint32_t *ids; /* of a special token */
	size_t n;
};

struct post_form {
	struct post_piece *pieces;
	size_t n;
};

/*
 * White space, and the Ġ that stands for it, is taken off a token's offsets; but one space of a text's
 * first token stays where it was put before the text.
 */
struct post_trim {
	bool add_prefix_space;
	bool first[2][2]
		  [2]; /* [pair][special tokens][text]: the text's first token is its encoding's */
};

struct post {
	struct post_form forms[2][2]; /* [pair][special tokens] */
	size_t added[2]; /* special tokens that a text, a pair gets */
	struct post_trim *trims;
	size_t n_trims;
};

/* From the member "post_processor" of a tokenizer.json; all lies in the arena. */
int post_read(struct post *, struct json, const struct vocab *, struct arena *, struct error *);

/* [CLS] A [SEP] and [CLS] A [SEP] B [SEP], as BertProcessing. */
void post_bert(struct post *, uint32_t cls, uint32_t sep, struct arena *);
