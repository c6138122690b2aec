/*
 * labeller.h: models fine-tuned to label: a sequence classifier gives logits of a text or of a pair
 * of texts, a token classifier logits of each token. Logits follow transformers 5.24 to 1e-4, and
 * depend on the text and the model alone, not on its neighbours, threads or the processor.
 */
#pragma once
#include "lib/model/head.h"
#include "lib/token/tokenizer.h"

enum labeller_task { LABELLER_SEQUENCE, LABELLER_TOKEN };

struct labeller_options {
	size_t max_length; /* tokens of a text or pair, special ones counted; 0: the model's limit */
	enum truncation truncation; /* of pairs that are longer */
	const char *device; /* as in gpu/tensor.h */
	enum dtype dtype; /* of products, gpu/ops.h */
};

struct labeller;

/* As embedder_open. 78 also for a model that has no such head. */
struct labeller *labeller_open(
	const char *name, enum labeller_task, const struct labeller_options *, struct error *);
void labeller_free(struct labeller *);

const struct head *labeller_head(const struct labeller *);
const struct tokenizer *labeller_tokenizer(const struct labeller *);
/* Tokens of a text, special ones counted. */
size_t labeller_length(const struct labeller *);

/*
 * Sequence classifiers: logits [n, n_labels] of texts, or of texts with pairs. What is too long is
 * cut, of a pair the longer unless the options say otherwise. One call at a time. -1 and the error
 * (78) for logits that are not finite.
 */
int labeller_run(struct labeller *, const struct slice *texts, const struct slice *pairs, size_t n,
	float *logits, struct error *);

/* Token classifiers: logits[i] [encodings[i].n, n_labels] of tokens, none of them longer than the
 * model allows. */
int labeller_run_tokens(
	struct labeller *, const struct encoding *, size_t n, float *const *logits, struct error *);

/* Which text or encoding of the last run does not fit the device's memory (ERROR_RETRY); SIZE_MAX where
 * it was none. */
size_t labeller_failed(const struct labeller *);

/* Counts since labeller_open. */
size_t labeller_tokens(const struct labeller *);
size_t labeller_truncated(const struct labeller *);
