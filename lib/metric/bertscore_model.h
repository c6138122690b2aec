/*
 * bertscore_model.h: a vector a token from one layer of an encoder, as bert-score 0.3.13 takes them.
 */
#pragma once
#include "lib/model/architecture.h"
#include "lib/token/tokenizer.h"

struct token_model {
	struct arena *arena;
	struct device *device;
	struct tokenizer *tokenizer;
	struct tensor_file *file;
	const struct architecture *architecture;
	struct model_config config; /* its layers cut to the one that is asked for */
	void *model;
	const char *folder;
	size_t layer, batch_tokens;
	bool prefix_space; /* a text begins with a blank (RoBERTa) */
};

#define TOKEN_MODEL_USUAL SIZE_MAX /* the layer that bert-score chose, else the last */

/* -1 and the error: 66 no such model, 78 a broken one, 2 a layer that it does not have. */
int token_model_open(
	struct token_model *, const char *name, size_t layer, const char *device, struct error *);
void token_model_close(struct token_model *);

/* Ids of a text, the special ones at its ends included, cut to the model's length; special_mask too. */
int token_model_encode(const struct token_model *, struct slice text, struct arena *,
	struct encoding *, struct error *);

/* Vectors [tokens, hidden_size] of texts end to end. -1 and the error, *failed as of batches_run. */
int token_model_run(struct token_model *, const struct encoding *, size_t n, float *out,
	size_t *failed, struct error *);
