/*
 * static.h: a static model: a vector a token, no context. Read from what model2vec and
 * sentence-transformers' StaticEmbedding write into model.safetensors:
 *	embedding.weight [V, C], or embeddings [R, C] (F32, F16, F64 or I8), with weights [V] a
 *	factor for each token, where it is there, and mapping [V] the row of each token, where it
 *	is there (else R = V).
 */
#pragma once
#include "gpu/ops.h"
#include "lib/file/safetensors.h"

struct static_model {
	size_t n, size;	/* V tokens, C dimensions */
	struct tensor table;	/* [V, C], F32 or I8 */
	struct tensor scales;	/* [V], or TENSOR_NONE */
};

/*
 * What is converted lies in the arena, which must outlive the model. -1 and the error (78)
 * otherwise.
 */
int static_model_open(const struct tensor_file *, struct device *, struct arena *,
	struct static_model *, struct error *);
void static_model_close(struct device *, struct static_model *);
