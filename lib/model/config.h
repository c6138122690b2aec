/*
 * config.h: config.json of a transformer, the same struct for every architecture. Keys that
 * change what is computed and are not understood are errors, never ignored.
 */
#pragma once
#include "gpu/ops.h"
#include "lib/record/json.h"

struct model_config {
	char *model_type;
	size_t hidden_size, n_layers, n_heads, intermediate_size, vocab_size;
	size_t n_positions;	/* the longest text, special tokens counted */
	size_t first_position;	/* row of the position embedding for the first token of a text */
	size_t n_types;		/* rows of the token type embedding; 0: there is none */
	enum activation hidden_act;
	float norm_eps;
};

/* Read folder/config.json. Everything is in the arena. -1 and the error (78, 74) otherwise. */
int model_config_read(const char *folder, struct model_config *, struct arena *, struct error *);

/* The same of a text; path is for messages. */
int model_config_parse(struct slice text, const char *path, struct model_config *, struct arena *,
	struct error *);
