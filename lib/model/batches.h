/*
 * batches.h: texts that are tokens already through a model: ordered by length, the longest first,
 * so that a batch holds texts of a length and threads end together; that order cut into batches of
 * about so many tokens; each batch on one lane of the device. What is computed of a text does not
 * depend on its batch (gpu/ops.h), so none of this shows.
 */
#pragma once
#include "lib/model/architecture.h"
#include "lib/token/tokenizer.h"

/* Sequence i of the batch is text order[i]. Several run at a time. */
typedef void batches_function(
	void *context, struct device *lane, const struct batch *, const size_t *order);

/* Tokens of a batch that keep the device busy, if a quarter of its free memory holds them: others may use
 * a card, and several batches are under way. */
size_t batches_tokens(const struct model_config *, struct device *);

/*
 * Token types are those of the encodings, 0 where they have none. Where the device has no memory, all
 * once more in batches of half as many tokens, down to a text at a time; *batch_tokens is what fits, for
 * the texts that follow. 0; or -1 and the device's failure, with ERROR_RETRY where text *failed does not
 * fit alone (else that is SIZE_MAX).
 */
int batches_run(struct device *, const struct encoding *, size_t n, size_t *batch_tokens,
	batches_function *, void *context, size_t *failed, struct error *);
