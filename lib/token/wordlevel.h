/* wordlevel.h: the WordLevel model: a word is one token (tokenizers 0.23, src/models/wordlevel). */
#pragma once
#include "lib/record/json.h"
#include "lib/token/vocab.h"

struct wordlevel {
	const struct vocab *vocab;
	uint32_t size; /* ids of the vocabulary from here on are not the model's: added tokens */
	uint32_t unknown; /* VOCAB_NONE: none */
};

/*
 * From the member "model" of a tokenizer.json, once its vocabulary is read; the vocabulary must
 * outlive it.
 */
int wordlevel_read(struct wordlevel *, struct json model, const struct vocab *, struct arena *,
	struct error *);

/* The token of a word; VOCAB_NONE where it has none and neither is there an unknown token. */
uint32_t wordlevel_id(const struct wordlevel *, struct slice word);
