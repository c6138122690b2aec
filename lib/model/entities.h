/*
 * entities.h: from the scores of tokens to entities, as transformers' token-classification pipeline
 * (5.24) puts them together: `none` gives each token by itself; `simple` joins tokens of a label
 * that follow each other, where no B- begins anew; the others first give a word one label: that of
 * its first token, of the mean of its tokens' scores, or of its surest token.
 */
#pragma once
#include "lib/base/memory.h"

enum entities_aggregation {
	ENTITIES_NONE,
	ENTITIES_SIMPLE,
	ENTITIES_FIRST,
	ENTITIES_AVERAGE,
	ENTITIES_MAX,
};
#define ENTITIES_AGGREGATIONS "none|simple|first|average|max"

struct entity_token {
	size_t start, end; /* [start, end) of the text */
	size_t index; /* in the text, special tokens counted */
	bool subword; /* goes on with the word of the token before */
	const double *scores; /* [n_labels], a distribution */
};

struct entity {
	struct slice label; /* with `none` as the model has it, else without B- or I- */
	double score;
	size_t start, end;
	size_t index; /* of the first token */
};

/*
 * The entities of n tokens, in their order; those of the label O are left out. Returns how many;
 * out has room for n.
 */
size_t entities_make(enum entities_aggregation, const struct slice *labels, size_t n_labels,
	const struct entity_token *, size_t n, struct entity *out);
