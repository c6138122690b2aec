/*
 * template.h: the post-processor: in which order the texts and the special tokens stand, and
 * their type ids. TemplateProcessing has one template for a text and one for a pair;
 * BertProcessing is one such pair. Without a post-processor the texts follow one another.
 */
#pragma once
#include "lib/token/vocab.h"
#include "lib/record/json.h"

struct template_piece {
	bool special;
	unsigned text; /* which text, 0 or 1, unless special */
	uint32_t type_id;
	const uint32_t *ids; /* of a special token */
	size_t n;
};

struct template
{
	struct template_piece *pieces;
	size_t n;
	size_t added; /* special ids */
};

/* Both templates from the member "post_processor" of a tokenizer.json. */
int template_read(struct template *single, struct template *pair, struct json, const struct vocab *,
	struct arena *, struct error *);

/* [CLS] A [SEP] and [CLS] A [SEP] B [SEP], as BertProcessing. */
void template_bert(
	struct template *single, struct template *pair, uint32_t cls, uint32_t sep, struct arena *);
