/*
 * distil.h: a static model out of a transformer, as model2vec does it (S. Tulkens, T. van Dongen,
 * "Model2Vec: Fast State-of-the-Art Static Embeddings", 2024): every entry of the vocabulary alone
 * through the encoder, principal components, and a weight that falls with how frequent the token is
 * (SIF: S. Arora, Y. Liang, T. Ma, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings",
 * 2017). No text is needed.
 */
#pragma once
#include <stddef.h>

#include "lib/base/error.h"

struct distil_options {
	size_t dimensions;	/* of the result; not more than the model has */
	double sif;		/* a of the weight a / (a + p); 0: all tokens weigh the same */
	double remove;		/* share of the tokens' weighted mean that is taken off */
	double whiten;		/* 0: components as they are; 1: all of the same variance */
	const char *device;	/* as in gpu/tensor.h; NULL: the best there is */
};

/*
 * Write the static model of the model called name (lib/model/folder.h) into the folder `to`, which
 * is made: model.safetensors (int8 rows, a float32 weight a token), the tokenizer's files,
 * config.json, modules.json. It opens in embedder_open, in model2vec and in sentence-transformers.
 * The same bytes on every processor and with any number of threads. -1 and the error otherwise.
 */
int model_distil(const char *name, const char *to, const struct distil_options *, struct error *);
