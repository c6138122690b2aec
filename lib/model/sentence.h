/*
 * sentence.h: what a model folder says is done with a text: the description of a
 * sentence-transformers folder (modules.json, in the dialects before and since 5.4), of a
 * model2vec folder, or of a bare transformer, whose tokens' mean is taken. A module or a setting
 * that is not understood is an error.
 */
#pragma once
#include "gpu/ops.h"
#include "lib/record/json.h"

enum sentence_kind { SENTENCE_TRANSFORMER, SENTENCE_STATIC };

/* What follows the pooling, in order. */
struct sentence_step {
	enum { STEP_DENSE, STEP_NORMALIZE } kind;
	char *folder;	/* DENSE: holds model.safetensors with linear.weight */
	size_t inputs, outputs;
	bool bias;
	enum activation activation;
};

enum { SENTENCE_POOLINGS = POOLING_COUNT };

struct sentence {
	enum sentence_kind kind;
	char *folder;	/* of the transformer or the static model: weights and tokenizer */
	enum pooling pooling[SENTENCE_POOLINGS];	/* side by side */
	size_t n_poolings;
	size_t pooling_size;	/* dimensions of a token as the pooling has it; 0: not said */
	bool include_prompt;	/* prompt tokens take part in the pooling */
	struct sentence_step *steps;
	size_t n_steps;
	size_t max_length;	/* tokens, special ones counted; 0: not said */
	bool lowercase;		/* before anything else */
	bool drop_unknown;	/* tokens that are unknown are left out (model2vec) */
	struct json prompts;	/* an object of name: text, or JSON_ABSENT */
	char *default_prompt;	/* its name, or NULL */
};

/* Everything is in the arena. -1 and the error (78, 74) otherwise. */
int sentence_read(const char *folder, struct sentence *, struct arena *, struct error *);

/* The text of a prompt; data NULL if there is none of that name. */
struct slice sentence_prompt(const struct sentence *, const char *name, struct arena *);
