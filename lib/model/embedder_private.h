/* embedder_private.h: what embedder.c opens and embedder_run.c runs. */
#pragma once
#include "lib/model/architecture.h"
#include "lib/model/embedder.h"
#include "lib/model/sentence.h"
#include "lib/model/static.h"
#include "lib/token/tokenizer.h"

struct embedder {
	struct arena *arena; /* strings, and weights that were converted */
	struct device *device;
	struct sentence sentence; /* with what the options change */
	struct tokenizer *tokenizer;
	struct tensor_file *file;
	const struct architecture *architecture; /* NULL: a static model */
	struct model_config config;
	void *model;
	struct static_model table;
	struct weight **dense; /* [n_steps], NULL where a step is none */
	enum dtype dtype;
	bool normalize; /* after truncating */
	struct slice prompt;
	size_t prompt_tokens; /* to leave out of the pooling; 0: none */
	size_t max_length, pooled, full_size, size, batch_tokens;
	size_t tokens, truncated, failed;
};

/*
 * As embedder_run, of texts that are tokens already: ids below the number of embeddings, not more
 * than max_length of them; type_ids or NULL.
 */
int embedder_run_tokens(
	struct embedder *, const struct encoding *, size_t n, float *out, struct error *);
