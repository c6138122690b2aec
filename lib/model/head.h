/*
 * head.h: what a fine-tuned model's folder says of its labels, and the layers behind its encoder.
 */
#pragma once
#include "lib/model/architecture.h"

/* How logits become scores: as transformers' pipelines do it by problem_type and num_labels, and
 * as sentence-transformers' cross-encoders say (sentence_transformers.activation_fn). */
enum head_scores { HEAD_SOFTMAX, HEAD_SIGMOID, HEAD_LOGITS };

struct head {
	size_t n_labels;
	struct slice *labels; /* [n_labels], id2label, else LABEL_0 … */
	enum head_scores scores;
	bool mean; /* a sequence's vector is the mean of its tokens, not the first */
	struct weight *dense, *out;
	enum activation activation;
	bool has_norm;
	struct norm norm;
};

/* The head of this layout; labels in the arena. -1 and the error (78) where the folder has none.
 * What was loaded until then is released by head_close, which takes a zeroed head too. */
int head_open(struct head *, const struct head_layout *, const struct model_config *,
	const struct tensor_file *, struct device *, enum dtype, struct arena *, struct error *);
void head_close(struct head *, struct device *);

/* logits [N, n_labels] of vectors x [N, C], which may be changed. */
struct tensor head_forward(const struct head *, struct device *lane, struct tensor x);
