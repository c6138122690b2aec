/*
 * architecture.h: what every transformer encoder does: packed tokens in, a vector a token out. An
 * architecture is one file that builds its forward pass from gpu/ops.h, and one line in registry.c.
 */
#pragma once
#include "gpu/ops.h"
#include "lib/file/safetensors.h"
#include "lib/model/config.h"
#include "lib/token/tokenizer.h"

/* Texts end to end: those of sequence b are tokens cu_seqlens[b] .. cu_seqlens[b + 1]. */
struct batch {
	size_t n_tokens, n_sequences;
	const uint32_t *ids, *types, *positions; /* [T]; positions count from 0 in each text */
	const size_t *cu_seqlens; /* [B + 1] */
};

/*
 * What a fine-tuned model puts on its encoder: logits = out(norm(act(dense x))), x the vector of a
 * token, or that of a sequence's first one. Full names of tensors; dense or norm NULL: there is
 * none.
 */
struct head_layout {
	const char *dense;
	enum activation activation;
	const char *activation_key; /* of config.json, instead; or NULL */
	const char *bias_key; /* whether dense has a bias; NULL: it has */
	const char *norm; /* has no bias where norm_bias is not set in config.json */
	const char *out;
	bool pools; /* config.json's classifier_pooling may say "mean" */
};

struct architecture {
	const char *model_type; /* of config.json */

	/*
	 * Load the weights onto the device, products in dtype (F32 or BF16). The file and the
	 * device must outlive the model. NULL and the error (78) where a tensor is missing or not
	 * as config says.
	 */
	void *(*open)(const struct model_config *, const struct tensor_file *, struct device *,
		enum dtype, struct error *);
	void (*free)(void *model);

	/*
	 * out [T, C]: what the last layer gives. Ids, types and positions are in range. On one
	 * lane of the device; changes nothing in the model, so any number of lanes may run it.
	 */
	void (*forward)(
		const void *model, struct device *lane, const struct batch *, struct tensor out);

	struct head_layout sequence, token;
};

/* By model_type; NULL and an error that lists those known (78). */
const struct architecture *architecture_find(const char *model_type, struct error *);

/* What a transformer's folder says that it is, in the arena, and its weights, a file to be closed.
 * 78 otherwise. */
int architecture_open(const char *folder, struct model_config *, const struct architecture **,
	struct tensor_file **, struct arena *, struct error *);

/* The tokenizer of a folder, whose ids are below the rows of the embedding. */
struct tokenizer *architecture_tokenizer(const char *folder, size_t rows, struct error *);

/* The weights of a model folder: model.safetensors, or its shards. */
struct tensor_file *architecture_weights(const char *folder, struct error *);
