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

/* Token types are those of the encodings, 0 where they have none. device_sync tells of failures. */
void batches_run(struct device *, const struct encoding *, size_t n, size_t batch_tokens,
	batches_function *, void *context);
