/*
 * added.h: added tokens: strings that are found in the text and become a token whole, before
 * the rest is split, [SEP] for example. Those with normalized false are looked for in the text
 * as it is, then those with normalized true in what the normalizer makes of the pieces in
 * between. At each place the longest wins, and the search goes on behind it (tokenizers 0.23,
 * src/tokenizer/added_vocabulary.rs). Of those that the normalizer makes the same, COVID and Covid in
 * lowercase, the first of the file is found; in the reference chance decides, anew in each process.
 */
#pragma once
#include "lib/token/normalizer.h"
#include "lib/token/trie.h"
#include "lib/token/vocab.h"

struct added_token {
	struct slice content;
	struct slice
		pattern; /* what is searched for: content, or what the normalizer makes of it */
	uint32_t id;
	bool single_word; /* only where no letter, digit or underscore touches it */
	bool lstrip, rstrip; /* takes in the white space before, behind */
	bool normalized;
	bool special;
};

struct added_set {
	struct trie trie; /* of strings to index in tokens */
	bool first[256]; /* bytes that one of them begins with */
	int only; /* the byte that all of them begin with; -1: several */
	size_t n;
};

struct added {
	struct added_token *tokens; /* in order of the file */
	size_t n, capacity;
	struct added_set raw, normal;
};

/*
 * Add a token as the reference does: one of the vocabulary keeps its id, another gets the next
 * free number, whatever the file says (which is an error where it is another token's). The
 * vocabulary gets it too.
 */
int added_set_token(struct added *, struct vocab *, const struct added_token *, struct error *);

/* Build the searches, after the last token and again when the normalizer has changed. */
int added_build(struct added *, const struct normalizer *, struct arena *, struct error *);
void added_free(struct added *);

struct added_match {
	const struct added_token *token;
	size_t start, end; /* with the white space it takes in */
	size_t next; /* where to search on */
};

/*
 * The next match from `search` on; white space before `taken` belongs to the match before. A token of
 * white space may begin in what that took: then it is there twice, or with lstrip it may be empty, which
 * is no token.
 */
bool added_find(const struct added *, const struct added_set *, struct slice text, size_t search,
	size_t taken, struct added_match *);
