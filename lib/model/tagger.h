/*
 * tagger.h: a token classifier over texts of any length, or over words that are cut already. A text
 * longer than the model goes through windows that overlap; a token's scores are those of the window
 * where it stands furthest from both ends, so nothing shows at a window's end.
 */
#pragma once
#include "lib/model/entities.h"
#include "lib/model/labeller.h"

struct tagger;

/* stride: tokens that a window repeats of the one before; SIZE_MAX: a quarter. As labeller_open; 2
 * for a stride that is no less than a window. */
struct tagger *tagger_open(
	const char *name, const struct labeller_options *, size_t stride, struct error *);
void tagger_free(struct tagger *);
const struct head *tagger_head(const struct tagger *);

/* A text, or words [n_words] with a blank between them. */
struct tagger_input {
	struct slice text; /* data NULL: words */
	const struct slice *words;
	size_t n_words;
};

/* What a text becomes; offsets are code points of the text, or of the words joined by blanks. */
struct tagged {
	size_t n;
	struct entity_token *tokens; /* [n] */
	uint32_t *ids; /* [n] */
	uint32_t *word; /* [n], of words: which */
};

/* Tag n inputs; results in the arena. -1 and the error as labeller_run. */
int tagger_run(struct tagger *, const struct tagger_input *, size_t n, struct tagged *out,
	struct arena *, struct error *);

/* Which input has a window that did not fit the device's memory (ERROR_RETRY); SIZE_MAX where it was none. */
size_t tagger_failed(const struct tagger *);

/* The token's text, the original where it is unknown: what the pipeline calls its word. */
struct slice tagger_word(const struct tagger *, uint32_t id, struct slice original);

size_t tagger_tokens(const struct tagger *);
size_t tagger_windows(const struct tagger *); /* of texts that took more than one */
