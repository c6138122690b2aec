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
	size_t n_positions; /* the longest text, special tokens counted */
	size_t first_position; /* row of the position embedding for the first token of a text */
	size_t n_types; /* rows of the token type embedding; 0: there is none */
	enum activation hidden_act;
	float norm_eps;
	size_t embedding_size; /* of the embeddings, where a product makes them hidden_size */
	struct json json; /* the whole: architectures and heads read what is theirs alone */
	const char *path; /* for messages */
};

/* Read folder/config.json. Everything is in the arena. -1 and the error (78, 74) otherwise. */
int model_config_read(const char *folder, struct model_config *, struct arena *, struct error *);

/* The same of a text; path is for messages. */
int model_config_parse(
	struct slice text, const char *path, struct model_config *, struct arena *, struct error *);

/*
 * A key, or its other name (NULL: none) where the first is missing or null: a whole number in
 * [low, high]; a number in [low, high]; an activation by name; a flag; a text (in the arena, or
 * `otherwise`). What is missing is `otherwise`. -1 and the error (78).
 */
int config_count(const struct model_config *, const char *key, const char *other, size_t otherwise,
	size_t low, size_t high, size_t *, struct error *);
int config_number(const struct model_config *, const char *key, double otherwise, double low,
	double high, double *, struct error *);
int config_activation(const struct model_config *, const char *key, const char *other,
	enum activation otherwise, enum activation *, struct error *);
int config_flag(
	const struct model_config *, const char *key, bool otherwise, bool *, struct error *);
int config_text(const struct model_config *, const char *key, const char *otherwise, struct arena *,
	const char **, struct error *);
